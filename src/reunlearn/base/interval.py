"""How often running jobs keep their progress."""

from __future__ import annotations

import os

from reunlearn.base.errors import UserError

VARIABLE = "REUNLEARN_CHECKPOINT_SECONDS"
DEFAULT = 60.0


def checkpoint_seconds() -> float:
    """Return the least seconds between two checkpoints of a job: what the environment says, else a minute.

    Raises:
        UserError: the environment says no number of seconds.
    """
    text = os.environ.get(VARIABLE, "").strip()
    try:
        seconds = float(text) if text else DEFAULT
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise UserError(f"{VARIABLE} is '{text}'; write seconds, such as 60, or leave it out")
    return seconds
