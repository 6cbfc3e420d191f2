"""Files that may be pickles, known by their first bytes or their name. None is ever opened: it could run code."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

BEGINS = (b"PK\x03\x04", b"\x80")  # torch's zip archives; pickles since protocol 2
SUFFIXES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")
CONVERTER = "reunlearn.training.convert_weights"  # the module that makes safetensors of one


def no_safetensors(path: Path, reason: str) -> str:
    """Return why a file that is no safetensors file is refused: of a pickle, with the command that converts it."""
    with path.open("rb") as handle:
        begin = handle.read(4)
    if begin.startswith(BEGINS) or path.suffix.lower() in SUFFIXES:
        return f"{path}: a pickle, which can run code when it is opened; convert it: {command(path)}"
    return f"{path}: not a safetensors file ({reason})"


def command(file: Path) -> str:
    """Return the shell command that converts a file, to a new file beside it."""
    target = file.with_suffix(".safetensors")
    number = 0
    while target.exists():
        number += 1
        target = file.with_name(f"{file.stem}-converted{number if number > 1 else ''}.safetensors")
    return shlex.join([sys.executable, "-m", CONVERTER, str(file), str(target)])
