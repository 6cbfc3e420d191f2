"""What is chosen on the command line: METHODS and SEEDS, parts with commas, and DEVICE."""

from __future__ import annotations

import re
from typing import Any

from reunlearn.base.errors import UserError

DEVICES = ("auto", "cpu", "cuda")


def parts(value: Any, name: str) -> list[str] | None:
    """Return the parts of a list with commas, each once; None if nothing is asked for.

    Args:
        value: as the command line gives it; blanks around parts, and empty parts, mean nothing.
        name: of the choice, for the error line.

    Raises:
        UserError: there are commas and no part.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise UserError(f"{name} is '{text}', which names nothing; leave it out to run all")
    return list(dict.fromkeys(found))


def seeds(value: Any) -> list[int] | None:
    """Return the seeds in such a list, each once.

    Raises:
        UserError: a part is no whole number.
    """
    found = parts(value, "SEEDS")
    for part in found or ():
        if not re.fullmatch(r"[0-9]{1,9}", part):
            raise UserError(f"SEEDS is '{value}'; write whole numbers with commas, such as 0,1")
    return None if found is None else list(dict.fromkeys(map(int, found)))


def device(value: Any) -> str:
    """Return the device that is asked for: auto where nothing is.

    Raises:
        UserError: there is no such choice.
    """
    text = "auto" if value is None else str(value).strip()
    if text not in DEVICES:
        raise UserError(f"DEVICE is '{text}'; choose auto, cpu or cuda")
    return text
