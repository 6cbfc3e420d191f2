"""What a stage that leaves a model writes beside its weights: how it got there, and whether it is finite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from reunlearn.base.files import write_text

History = list[dict[str, Any]]  # one entry per epoch or step


def status(model: nn.Module, history: History) -> str:
    """Return `diverged` when a weight or a logged number is not finite, else `finished`."""
    numbers = [v for entry in history[-1:] for v in entry.values() if isinstance(v, float)]
    weights = all(bool(t.isfinite().all()) for t in model.state_dict().values() if t.is_floating_point())
    return "finished" if weights and np.isfinite(numbers).all() else "diverged"


def write_history(path: Path, history: History) -> None:
    """Write one JSON object per line; a number that is not finite becomes null."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not np.isfinite(value) else value

    lines = [json.dumps({k: plain(v) for k, v in entry.items()}, sort_keys=True) for entry in history]
    write_text(path, "".join(line + "\n" for line in lines))
