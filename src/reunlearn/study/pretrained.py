"""A user's own pretrained weights: specifications name them by what they hold, not only by where they lie."""

from __future__ import annotations

import json
from pathlib import Path

from reunlearn.base.files import write_text
from reunlearn.base.hashing import sha256
from reunlearn.study import paths

FILE = "model.safetensors"  # the weights in a folder of transformers'


def weights_digest(wanted: str) -> str:
    """Return the SHA-256 of a file of weights, or of the weights in a folder; read once per state of the file."""
    path = Path(wanted).expanduser()
    path = path / FILE if path.is_dir() else path
    status = path.stat()
    key = f"{path.resolve()}:{status.st_size}:{status.st_mtime_ns}"
    memory = paths.state_dir() / "weights.json"
    known = json.loads(memory.read_text()) if memory.exists() else {}
    if key not in known:
        known[key] = sha256(path)
        write_text(memory, json.dumps(known))
    return str(known[key])
