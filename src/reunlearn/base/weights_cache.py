"""Where official pretrained weights lie on this machine: the caches of torch hub and of the Hugging Face hub.

Both libraries are heavy, so their rules are followed here without them: the plan asks, too.
"""

from __future__ import annotations

import os
from pathlib import Path


def cached(file: str, repository: str | None = None) -> Path:
    """Return where a file would lie.

    Args:
        file: its name.
        repository: of the Hugging Face hub, such as FacebookAI/roberta-base; None for torch hub.
    """
    folder = _torch_hub() if repository is None else _snapshot(repository)
    return folder / file


def _caches() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache")


def _torch_hub() -> Path:
    home = os.environ.get("TORCH_HOME") or _caches() / "torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _snapshot(repository: str) -> Path:
    """Return the folder of the commit that the main branch names; where it is not fetched, that of the repository."""
    home = Path(os.environ.get("HF_HOME") or _caches() / "huggingface")
    hub = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or home / "hub"
    store = Path(hub).expanduser() / f"models--{repository.replace('/', '--')}"
    try:
        return store / "snapshots" / (store / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return store
