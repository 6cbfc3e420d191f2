"""What a shell offers after TAB: studies, plugins, runs. It reads names of files alone, so that it is quick."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from reunlearn.study.catalogue import plugin_names

Complete = Callable[[str], list[str]]  # gives what the begun word may become
CONFIG, PROFILES, RUNS = Path("config"), Path("workflow") / "profiles", Path("runs")
ALL = "all"  # instead of a study's name
SIZES = ("lite", "smoke")
ASKED = "_REUNLEARN_COMPLETE"  # environment variable by which a shell asks
RUN = "specification.json"  # lies in the folder of each run


def is_asked() -> bool:
    """Tell whether this process was called by a shell that wants to know what may follow."""
    return ASKED in os.environ


def _beginning(names: list[str], word: str) -> list[str]:
    return [name for name in names if name.startswith(word)]


def files_of(folder: str) -> Complete:
    """Return what completes the names of the files in a folder of config/."""

    def complete(incomplete: str) -> list[str]:
        return _beginning(sorted(p.stem for p in (CONFIG / folder).glob("*.yaml")), incomplete)

    return complete


def plugins(kind: str) -> Complete:
    """Return what completes the names of the plugins of a kind. An attack is a measure, too."""
    kinds = ("measures", "attacks") if kind == "measures" else (kind,)

    def complete(incomplete: str) -> list[str]:
        return _beginning(sorted(name for each in kinds for name in plugin_names(each)), incomplete)

    return complete


def listed(complete: Complete) -> Complete:
    """Return what completes the last name of a list with commas."""

    def last(incomplete: str) -> list[str]:
        before, comma, word = incomplete.rpartition(",")
        chosen = before.split(",")
        return [f"{before}{comma}{name}" for name in complete(word) if name not in chosen]

    return last


def of(*names: str) -> Complete:
    """Return what completes one of a few words."""

    def complete(incomplete: str) -> list[str]:
        return _beginning(list(names), incomplete)

    return complete


def studies(incomplete: str) -> list[str]:
    """Return the studies that a command takes: files, and those of all papers at once in each size."""
    everything = [ALL, *(f"{ALL}-{size}" for size in SIZES)]
    return files_of("studies")(incomplete) + _beginning(everything, incomplete)


def profiles(incomplete: str) -> list[str]:
    """Return the profiles of Snakemake."""
    return _beginning(sorted(path.parent.name for path in PROFILES.glob("*/config.yaml")), incomplete)


def prepared(incomplete: str) -> list[str]:
    """Return the datasets that are prepared here."""
    return _beginning(sorted(path.name for path in Path("data").glob("*/")), incomplete)


def runs(incomplete: str) -> list[str]:
    """Return runs, and folders on the way to some: as far down as there is no choice."""
    if not RUNS.is_dir():
        return []
    begun = incomplete if incomplete.startswith(f"{RUNS}/") else f"{RUNS}/"
    if not begun.startswith(incomplete):
        return []
    folder = begun.rpartition("/")[0]
    while (fits := _below(folder, begun)) and len(fits) == 1 and not (Path(fits[0]) / RUN).exists():
        folder, begun = fits[0], f"{fits[0]}/"
    return fits


def _below(folder: str, begun: str) -> list[str]:
    try:
        inside = sorted(path.as_posix() for path in Path(folder).iterdir() if path.is_dir())
    except OSError:
        return []
    return _beginning(inside, begun)
