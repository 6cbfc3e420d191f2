"""What is chosen, by `make` and by `reunlearn` alike: study, methods and seeds, parts with commas; the device and more.

A mistake is the same line wherever it is made.
"""

from __future__ import annotations

import re
from typing import Any

from reunlearn.base.errors import UserError
from reunlearn.study.load import names

DEVICES = ("auto", "cpu", "cuda")
YES_OR_NO = {"true": True, "false": False}
MOST_GPU_JOBS = 64
ALL = "all"  # instead of a study's name: the study of each paper; with a size, as in all-smoke, that size of each


def studies(value: Any) -> list[str]:
    """Return the studies in such a list, each once.

    Raises:
        UserError: nothing is named, or a study has the name that stands for those of all papers.
    """
    wanted: list[str] = []
    for part in parts(value, "study") or ():
        name, dash, size = part.partition("-")
        if name == ALL and part in names("studies"):
            raise UserError(
                f"config/studies/{part}.yaml: STUDY={part} means the studies of all papers; give yours another name"
            )
        wanted += [f"{paper}{dash}{size}" for paper in names("papers")] if name == ALL else [part]
    if not wanted:
        raise UserError(
            "no study is named; `reunlearn studies` lists them, and all means those of the papers"
        )
    return list(dict.fromkeys(wanted))


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
        raise UserError(f"{name} '{text}' names nothing; leave it out to run all")
    return list(dict.fromkeys(found))


def seeds(value: Any) -> list[int] | None:
    """Return the seeds in such a list, each once.

    Raises:
        UserError: a part is no whole number.
    """
    found = parts(value, "seeds")
    for part in found or ():
        if not re.fullmatch(r"[0-9]{1,9}", part):
            raise UserError(f"seeds '{value}': write whole numbers with commas, such as 0,1")
    return None if found is None else list(dict.fromkeys(map(int, found)))


def device(value: Any) -> str:
    """Return the device that is asked for: auto where nothing is.

    Raises:
        UserError: there is no such choice.
    """
    text = "auto" if value is None else str(value).strip()
    if text not in DEVICES:
        raise UserError(f"device '{text}'; choose auto, cpu or cuda")
    return text


def deterministic(value: Any) -> bool:
    """Return whether a GPU is to compute the same bits each time: it is, where nothing is asked for.

    Raises:
        UserError: there is no such choice.
    """
    text = str(value).strip().lower()
    if value is None or not text:
        return True
    if text not in YES_OR_NO:
        raise UserError(f"deterministic '{value}'; choose true or false")
    return YES_OR_NO[text]


def gpu_jobs(value: Any) -> int:
    """Return how many jobs may share a GPU: one where nothing is asked for.

    Raises:
        UserError: it is no such number.
    """
    text = "1" if value is None else str(value).strip() or "1"
    if not re.fullmatch(r"[0-9]{1,2}", text) or not 1 <= int(text) <= MOST_GPU_JOBS:
        raise UserError(f"gpu_jobs '{text}'; write a whole number from 1 to {MOST_GPU_JOBS}")
    return int(text)
