"""A user's own pretrained weights: specifications name them by what they hold, not only by where they lie."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

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
        with path.open("rb") as handle:
            known[key] = hashlib.file_digest(handle, "sha256").hexdigest()
        partial = memory.with_suffix(f".{known[key][:8]}.tmp")
        partial.write_text(json.dumps(known))
        partial.replace(memory)
    return known[key]
