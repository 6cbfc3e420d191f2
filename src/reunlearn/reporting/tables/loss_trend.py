"""Which gradient dominates: how far the losses on forget and retain moved from the original's (GDR-GMA, Table 1).

Both gradients pull at one model. Where that of retain wins, neither loss moves and nothing is forgotten; where that of
forget wins, both losses rise and the model loses what it should keep (GDR-GMA, section 3.4, Figure 3).
"""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.cells import NOTHING, Cell, Column, Row, Table, absent, column_of, number_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, Numbers, frame_of, number_of, read
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.study.cards import NumberCard, TableCard

STILL = 0.02  # nats; ε of GDR-GMA: a loss that moves less counts as unchanged
CARD = TableCard(
    name="loss_trend",
    title="Loss trend",
    summary="change of the losses from the original's, mean ± standard deviation over seeds, and which gradient wins",
    order=85,
    default=False,
)
CHANGES = {
    f"loss_change_{name}": NumberCard(
        title=f"Loss, {name}",
        compares=f"mean loss on {name} minus the original's of the same seed",
        unit="nats",
        direction="above 0: the loss rose",
        ideal=ideal,
        source="GDR-GMA, Table 1 and Figure 3",
    )
    for name, ideal in (("forget", "Retrain's change"), ("retain", "0: what stays is known as before"))
}
DOMINANT = NumberCard(
    title="Dominant",
    compares=f"g_r where neither mean change is above {STILL} nats, g_f where both are, balance where only forget's is",
    unit="",
    direction="balance: each gradient does its duty",
    ideal="balance",
    source=f"GDR-GMA, Table 1, read off the losses; {STILL} is its ε",
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return loss_change_forget and loss_change_retain of each method's row that starts from the one original.

    n counts its seeds.
    """
    elsewhere = {RowKey(m.name, m.reading or "", m.label or "") for m in data.experiment.methods if m.recipe}
    losses = {
        row: runs.reindex(columns=["loss_forget", "loss_retain"]) for row, runs in data.finished.items()
    }
    before = losses.pop(ORIGINAL, None)
    found: dict[RowKey, Numbers] = {}
    for row, after in losses.items():
        if before is None or row in (RETRAIN, FLOOR) or row in elsewhere:
            continue
        change = (after - before).reindex(after.index).to_numpy()
        found[row] = {name: number_of(change[:, place]) for place, name in enumerate(CHANGES)}
    return frame_of(found)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return the two changes and the gradient that dominates; nothing where no loss is known."""
    values = read(frame)
    if not any(number.known for numbers in values.values() for number in numbers.values()):
        return None
    shown = []
    for row, numbers in values.items():
        counts = data.counts[row]
        cells = [number_cell(numbers[name], counts, 3) or absent(counts) or NOTHING for name in CHANGES]
        shown.append(Row(row, (*cells, dominant(*(numbers[name] for name in CHANGES)))))
    columns = (
        *(column_of(n, c) for n, c in CHANGES.items()),
        Column("dominant", DOMINANT.title, "", DOMINANT),
    )
    return Table(CARD, data.name, columns, tuple(shown))


def dominant(forget: Number, retain: Number) -> Cell:
    """Return which gradient dominates, by the mean changes of the two losses."""
    if not (forget.known and retain.known):
        return NOTHING
    rose = (forget.mean > STILL, retain.mean > STILL)
    return Cell({(False, False): "g_r", (True, True): "g_f", (True, False): "balance"}.get(rose, "neither"))
