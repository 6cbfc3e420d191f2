"""Whether this machine has a GPU, known without torch."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path


@functools.cache
def has_gpu() -> bool:
    """Tell whether this machine has an NVIDIA GPU, without importing torch."""
    return Path("/proc/driver/nvidia/gpus").is_dir() or shutil.which("nvidia-smi") is not None
