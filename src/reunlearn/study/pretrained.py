"""A user's own pretrained weights: specifications name them by what they hold, not only by where they lie."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.hashes import file_hashes
from reunlearn.study.schema import Architecture
from reunlearn.study.specs import ArchitectureSpec

FILE = "model.safetensors"  # the weights in a folder of transformers'


def weights_digest(wanted: str) -> str:
    """Return the SHA-256 of a file of weights, or of the weights in a folder; read once per state of the file."""
    path = Path(wanted).expanduser()
    path = path / FILE if path.is_dir() else path
    return file_hashes(path.parent, [path.name])[path.name]


def specification_of(architecture: Architecture) -> ArchitectureSpec:
    """Return what specifications say of a study's network."""
    wanted = architecture.settings.get("pretrained")
    weights = None if wanted in (None, "cache") else weights_digest(str(wanted))
    return ArchitectureSpec(name=architecture.name, settings=architecture.settings, weights=weights)
