"""Where the settings of each row come from: its preset, the study itself, a search, or nowhere."""

from __future__ import annotations

from reunlearn.study import presets
from reunlearn.study.methods import row_of
from reunlearn.study.origin import Origin
from reunlearn.study.preset_choice import choose
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment

DEFAULTS = "no preset fits: the method's defaults"


def origins_of(experiment: Experiment, where: str) -> tuple[Origin, ...]:
    """Return the origin of each row of an experiment; `where`: begins the error line."""
    return tuple(_origin(entry, experiment, where) for entry in experiment.methods)


def _origin(entry: Method, experiment: Experiment, where: str) -> Origin:
    """Return the origin of a row; what the study sets itself and says nothing else about is named beside it."""
    row = row_of(entry)
    preset = choose(presets.read(entry.name), entry, experiment, f"{where}, method '{row.name}'")
    rest = preset.source if preset else DEFAULTS
    if not entry.search:
        parts = [rest, *_set_here(entry)]
        return Origin(row, preset.provenance if preset else "unsearched", "; ".join(parts))
    parts = [f"this study searches {', '.join(entry.search)}", *_set_here(entry)]
    if not preset or preset.settings.keys() - entry.search.keys() - entry.settings.keys():
        parts.append(f"the rest: {rest}")
    return Origin(row, "searched", "; ".join(parts))


def _set_here(entry: Method) -> list[str]:
    return [f"the study sets {', '.join(entry.settings)}"] if entry.settings else []
