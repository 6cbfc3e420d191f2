"""Folders of models in diffusers' layout: config.json and weights as safetensors, or such folders side by side."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt")
CONFIG = "config.json"
VAE = "vae"
COLOURS = 3
WITHOUT_WEIGHTS = ("tokenizer",)  # parts of a pipeline that have none


def check_folder(folder: str, parts: tuple[str, ...]) -> None:
    """Refuse a folder that is no model, or no pipeline of these parts; no parts: it is a model itself.

    Raises:
        UserError: in one line.
    """
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise UserError(f"{folder}: no such folder; a model in diffusers' layout is needed")
    lacking = [part for part in parts if not (place / part).is_dir()]
    if lacking:
        raise UserError(
            f"{folder}: no folder {' or '.join(lacking)} in it; a pipeline in diffusers' layout is needed"
        )
    for part in parts or ("",):
        if part not in WITHOUT_WEIGHTS:
            _check_model(place / part, f"{folder}/{part}" if part else folder)


def _check_model(place: Path, name: str) -> None:
    if not (place / CONFIG).is_file():
        raise UserError(f"{name}: no {CONFIG}: not a model in diffusers' layout")
    if not any(place.glob("*.safetensors")):
        pickled = next((path.name for kind in PICKLED for path in sorted(place.glob(kind))), None)
        reason = f"{pickled} is a pickle, which is never opened" if pickled else "it holds no weights"
        raise UserError(f"{name}: {reason}; weights as .safetensors are needed")


def channels_of(folder: str, parts: tuple[str, ...]) -> int:
    """Return the channels of the images that the VAE of a folder gives; 3 where none can be read: see check_folder."""
    place = Path(folder).expanduser()
    try:
        content = read_json(place / VAE / CONFIG if VAE in parts else place / CONFIG)
        return int(content["out_channels"])
    except (OSError, ValueError, KeyError, TypeError):
        return COLOURS


def files_of(folder: str, parts: tuple[str, ...]) -> list[str]:
    """Return what is read of a folder, relative to it: weights, configurations, vocabularies."""
    place = Path(folder).expanduser()
    kinds = ("*.safetensors", "*.json", "*.txt")
    found = {path for part in parts or ("",) for kind in kinds for path in (place / part).glob(kind)}
    return sorted(path.relative_to(place).as_posix() for path in found)
