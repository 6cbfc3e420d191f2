"""Pretrained weights, read from the user's own files; nothing is ever downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.base.tensor_names import without_wrappers
from reunlearn.base.weights_cache import cached
from reunlearn.models._foreign import read_pickle
from reunlearn.study.cards import WeightsCard


@dataclass(frozen=True)
class Official:
    """Where a network's official weights come from.

    Attributes:
        file: the file's name.
        url: where the file can be fetched.
        head: the last layer's name; this layer stays freshly initialised where its shape differs.
        repository: of the Hugging Face hub, for files in its cache; None for files in torch hub's cache.
    """

    file: str
    url: str
    head: str
    repository: str | None = None

    def __str__(self) -> str:
        """Return the end of an error message: which file is needed and where it can be fetched."""
        return f"the official weights are {self.file} from {self.url}"

    @property
    def card(self) -> WeightsCard:
        """What the catalogue tells of them."""
        return WeightsCard(words=str(self), files=(self.file,), repository=self.repository)


def load(model: nn.Module, source: str, official: Official) -> nn.Module:
    """Put pretrained weights into a network and return it.

    Args:
        model: freshly initialised.
        source: "cache" for the official file in the user's cache, else the path of a .safetensors or .pth file.
        official: the official weights of this network.

    Raises:
        UserError: there is no such file, it holds no weights, or those of another network.
    """
    path = in_cache(official) if source == "cache" else Path(source).expanduser()
    if not path.is_file():
        raise UserError(f"{path}: no such file; {official}")
    tensors = without_wrappers(_read(path), model.state_dict())
    loaded = without_other_head(tensors, model, official.head)
    try:
        # not strict: layers rename the keys of older files while they load, so that some keys seem to be missing
        keys = model.load_state_dict(loaded, strict=False)
    except RuntimeError as error:
        lines = [line.strip() for line in str(error).splitlines()]
        reason = lines[min(1, len(lines) - 1)]
        raise UserError(f"{path}: not of this network: {reason}; {official}") from error
    fresh = tensors.keys() - loaded.keys()
    # some files also hold what the network computes itself
    computed = {name for name, _ in model.named_buffers()}
    missing = [key for key in keys.missing_keys if key not in fresh]
    unknown = [key for key in keys.unexpected_keys if key not in computed]
    if missing or unknown:
        reason = f"'{missing[0]}' is missing" if missing else f"'{unknown[0]}' is unknown"
        raise UserError(f"{path}: not of this network: {reason}; {official}")
    return model


def in_cache(official: Official) -> Path:
    """Return the path of the official file in the user's cache.

    Raises:
        UserError: it is not there.
    """
    path = cached(official.file, official.repository)
    if not path.is_file():
        raise UserError(
            f"no pretrained weights in {path.parent}: fetch {official.file} from {official.url} "
            "and set 'pretrained' to its path"
        )
    return path


def without_other_head(tensors: dict[str, Tensor], model: nn.Module, head: str) -> dict[str, Tensor]:
    """Return the tensors without those of the last layer, if any of them has another shape than the model's."""
    expected = model.state_dict()
    of_head = {key for key in tensors if key.startswith(f"{head}.") and key in expected}
    if all(tensors[key].shape == expected[key].shape for key in of_head):
        return tensors
    return {key: value for key, value in tensors.items() if key not in of_head}


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix not in (".safetensors", ".pth"):
        raise UserError(
            f"{path}: pretrained weights are read from .safetensors and .pth files; give one of these"
        )
    if path.suffix == ".pth":
        return read_pickle(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise UserError(
            f"{path}: holds no readable weights: {reason}; fetch or save the file again"
        ) from error
