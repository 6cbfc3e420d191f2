"""What the log of a job tells."""

from __future__ import annotations

import logging

LEVELS = {"": logging.INFO, "fontTools": logging.WARNING}  # the latter tells of every glyph


def set_levels() -> None:
    """Set the levels of loggers; where they are set nothing happens: to set one goes through all loggers."""
    for name, level in LEVELS.items():
        logger = logging.getLogger(name)
        if logger.level != level:
            logger.setLevel(level)
