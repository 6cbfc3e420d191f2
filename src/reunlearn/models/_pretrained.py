"""Weights that somebody else trained, read from the user's own files; nothing is ever downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from reunlearn.base.errors import UserError


@dataclass(frozen=True)
class Official:
    """Where a network's official weights come from.

    Attributes:
        file: its name.
        url: where it can be fetched.
        head: the last layer's name; it stays freshly initialised where it has another shape.
        repository: of the Hugging Face hub, for files that lie in that cache and not in torch hub's.
    """

    file: str
    url: str
    head: str
    repository: str | None = None

    def __str__(self) -> str:
        """Return what an error line says of it."""
        return f"the official weights are {self.file} from {self.url}"


def load(model: nn.Module, wanted: str, official: Official) -> nn.Module:
    """Put pretrained weights into a network and return it.

    Args:
        model: freshly initialised.
        wanted: "cache" for the official file in the user's cache, else the path of a .safetensors or .pth file.
        official: the network's own weights.

    Raises:
        UserError: there is no such file, it holds no weights, or those of another network.
    """
    path = in_cache(official) if wanted == "cache" else Path(wanted).expanduser()
    if not path.is_file():
        raise UserError(f"{path}: no such file; {official}")
    tensors = _read(path)
    kept = without_other_head(tensors, model, official.head)
    try:
        # not strict: layers rename what older files call otherwise, and only then is it known what is missing
        found = model.load_state_dict(kept, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        raise UserError(f"{path}: not of this network: {lines[min(1, len(lines) - 1)]}") from error
    fresh = tensors.keys() - kept.keys()
    computed = {
        name for name, _ in model.named_buffers()
    }  # some files hold what the network works out itself
    missing = [key for key in found.missing_keys if key not in fresh]
    unknown = [key for key in found.unexpected_keys if key not in computed]
    if missing or unknown:
        what = f"'{missing[0]}' is missing" if missing else f"'{unknown[0]}' is unknown"
        raise UserError(f"{path}: not of this network: {what}")
    return model


def in_cache(official: Official) -> Path:
    """Return where the user's cache holds the official file.

    Raises:
        UserError: it is not there.
    """
    if official.repository is None:
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        path = folder / official.file
    else:
        from huggingface_hub import constants, try_to_load_from_cache

        folder = Path(constants.HF_HUB_CACHE)
        entry = try_to_load_from_cache(official.repository, official.file, cache_dir=folder)
        path = Path(entry) if isinstance(entry, str) else folder / official.file
    if not path.is_file():
        raise UserError(
            f"no pretrained weights in {folder}: fetch {official.file} from {official.url} "
            "and set 'pretrained' to its path"
        )
    return path


def without_other_head(tensors: dict[str, Tensor], model: nn.Module, head: str) -> dict[str, Tensor]:
    """Return the tensors without those of the last layer, if any of them has another shape than the model's."""
    own = model.state_dict()
    of_head = {key for key in tensors if key.startswith(f"{head}.") and key in own}
    if all(tensors[key].shape == own[key].shape for key in of_head):
        return tensors
    return {key: value for key, value in tensors.items() if key not in of_head}


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".safetensors", ".pth"):
        raise UserError(f"{path}: pretrained weights are read from .safetensors and .pth files")
    try:
        content: Any = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except Exception as error:  # whatever the reader finds: the file is what the user can mend
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: holds no readable weights: {reason}") from error
    if not isinstance(content, dict) or not all(isinstance(v, Tensor) for v in content.values()):
        raise UserError(f"{path}: holds no weights by name; save a network's state_dict()")
    return dict(content)
