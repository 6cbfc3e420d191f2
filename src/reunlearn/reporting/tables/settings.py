"""The settings of each row, and where they come from: printed, released code, a search, or nowhere."""

from __future__ import annotations

import json

import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.cells import NOTHING, Cell, Row, Table, column_of
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey, key_of
from reunlearn.study.cards import NumberCard, TableCard, Value
from reunlearn.study.origin import MEANINGS
from reunlearn.study.specs import MethodSpec

CARD = TableCard(
    name="settings",
    title="Settings",
    summary="hyper-parameters that are not the method's defaults, and where all of them come from",
    order=110,
    audit=False,
    folded=True,
)
PROVENANCE = NumberCard(
    title="Provenance",
    compares="; ".join(f"{name}: {words}" for name, words in MEANINGS.items()),
    unit="",
    direction="",
    ideal="printed: what a paper's own numbers were made with",
    source="config/presets; each entry there names its source",
)
SETTINGS = NumberCard(
    title="Settings",
    compares="hyper-parameters whose value is not the method's default (`reunlearn methods NAME`)",
    unit="",
    direction="",
    ideal="",
)
TONES = {"unsearched": "muted"}


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return provenance, source and settings (JSON) of each row; empty where nothing is known of them."""
    origins = {key_of(origin.row): origin for origin in data.origins}
    methods = {key_of(run.row): run.method for run in data.runs if run.method}
    keys = [key for key in methods if key in origins]
    lines = {
        "provenance": [origins[key].provenance for key in keys],
        "source": [origins[key].source for key in keys],
        "settings": [json.dumps(_changed(methods[key], data), sort_keys=True) for key in keys],
    }
    return pd.DataFrame(lines, index=rows.index(keys))


def _changed(method: MethodSpec, data: ExperimentData) -> dict[str, Value]:
    """Return the hyper-parameters that differ from the method's defaults."""
    known = data.cards.methods[method.name].hyperparameters if method.name in data.cards.methods else {}
    return {
        name: value
        for name, value in method.settings.items()
        if name not in known or value != known[name].of_reading(method.reading or "paper")
    }


def words(settings: dict[str, Value]) -> str:
    """Return settings as a text."""
    return ", ".join(f"{name} {_plain(value)}" for name, value in settings.items())


def _plain(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a row per method: provenance with its source below, and the settings."""
    if frame.empty:
        return None
    columns = (column_of("provenance", PROVENANCE), column_of("settings", SETTINGS))
    shown = []
    for key, line in zip(frame.index, frame.to_dict("records"), strict=True):
        provenance = Cell(line["provenance"], line["source"], tone=TONES.get(line["provenance"], ""))
        text = words(json.loads(line["settings"]))
        shown.append(Row(RowKey(*key), (provenance, Cell(text) if text else NOTHING)))
    return Table(CARD, data.name, columns, tuple(shown), (_summary(frame),))


def _summary(frame: pd.DataFrame) -> str:
    counts = frame["provenance"].value_counts()
    found = ", ".join(f"{counts[name]} {name}" for name in MEANINGS if name in counts)
    return f"Rows: {found}. Settings that are not shown are the method's defaults."
