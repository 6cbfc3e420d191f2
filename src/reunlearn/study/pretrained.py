"""A user's own pretrained weights: specifications name them by what they hold, not only by where they lie."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.hashes import file_hashes
from reunlearn.base.hashing import full_digest
from reunlearn.base.model_folders import COLOURS, channels_of, files_of
from reunlearn.study.architectures import Architecture
from reunlearn.study.cards import ModelCard
from reunlearn.study.own_networks import read_network
from reunlearn.study.specs import ArchitectureSpec

FILE = "model.safetensors"  # the weights in a folder of transformers'


def weights_digest(wanted: str) -> str:
    """Return the SHA-256 of a file of weights, or of the weights in a folder; read once per state of the file."""
    path = Path(wanted).expanduser()
    path = path / FILE if path.is_dir() else path
    return file_hashes(path.parent, [path.name])[path.name]


def specification_of(architecture: Architecture, card: ModelCard) -> ArchitectureSpec:
    """Return what specifications say of a study's network; folders that are not there yet are no part of it."""
    if architecture.file:
        code = read_network(architecture.file, architecture.name, "").code
        return ArchitectureSpec(
            name=architecture.name, settings=architecture.settings, file=architecture.file, code=code
        )
    wanted = architecture.settings.get("pretrained")
    digests = [] if wanted in (None, "cache") else [weights_digest(str(wanted))]
    for setting, parts in card.folders.items():
        folder = architecture.settings.get(setting)
        if folder and Path(str(folder)).expanduser().is_dir():
            digests.append(folder_digest(str(folder), parts))
    weights = full_digest(digests) if len(digests) > 1 else next(iter(digests), None)
    return ArchitectureSpec(name=architecture.name, settings=architecture.settings, weights=weights)


def folder_digest(folder: str, parts: tuple[str, ...]) -> str:
    """Return a digest of all that is read of a folder in diffusers' layout."""
    place = Path(folder).expanduser()
    return full_digest(file_hashes(place, files_of(folder, parts)))


def image_channels(architecture: Architecture, card: ModelCard) -> int:
    """Return the channels of the images that a network draws by the VAE in its folder; 3 where there is none."""
    for setting, parts in card.folders.items():
        if folder := architecture.settings.get(setting):
            return channels_of(str(folder), parts)
    return COLOURS
