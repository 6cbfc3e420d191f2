"""What the forget samples of wholly forgotten classes are taken for."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.cards import TAKEN_FOR
from reunlearn.reporting.cells import Cell, Column, Row, Table, plain_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, read
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="confusion",
    title="Confusion",
    summary="what the forgotten classes are taken for; all seeds together",
    order=90,
    folded=True,
)
MOST = 8  # classes that get a column; the others together get one


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return the share in per cent of forget samples that are taken for a class, by its number; n counts all samples.

    Of classes that retain does not hold; empty where no class is forgotten as a whole.
    """
    classes = data.tables["classes"]
    if classes.empty:
        return frame_of({})
    run = [*rows.KEY, *rows.SEEDS, "true_class"]
    kept = classes[classes["set"] == "retain"][run].drop_duplicates()
    forget = classes[classes["set"] == "forget"].merge(kept, how="left", indicator=True)
    gone = forget[forget["_merge"] == "left_only"]
    entries = {}
    predicted = sorted(gone["predicted"].unique())
    for row, part in rows.by_row(gone).items():
        counts = part.groupby("predicted")["samples"].sum().reindex(predicted, fill_value=0)
        total = int(counts.sum())
        entries[row] = {str(k): Number(100.0 * count / total, n=total) for k, count in counts.items()}
    return frame_of(entries)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return the most frequent classes, then the others together; the largest share is bold."""
    if frame.empty:
        return None
    means = frame.groupby("number", sort=False)["mean"].mean()
    frequent = sorted(means.sort_values(ascending=False, kind="stable").index[:MOST], key=int)
    rest = [name for name in means.index if name not in frequent]
    columns = [Column(f"class{name}", f"class {name}", "%", TAKEN_FOR) for name in frequent]
    columns += [Column("others", f"{len(rest)} others", "%", TAKEN_FOR)] if rest else []
    shown = []
    for row, found in read(frame).items():
        shares = [found[name].mean for name in frequent]
        shares += [sum(found[name].mean for name in rest)] if rest else []
        shown.append(Row(row, tuple(_cell(share, largest=share == max(shares)) for share in shares)))
    return Table(CARD, data.name, tuple(columns), tuple(shown))


def _cell(share: float, *, largest: bool) -> Cell:
    cell = plain_cell(share, 1)
    return Cell(cell.main, tone="strong" if largest else "", value=share)
