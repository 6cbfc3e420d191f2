"""How methods rank over all seeds and experiments of a study."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reunlearn.metrics.ranks import Ranking, place_among, rank
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import RANKS
from reunlearn.reporting.cells import Cell, Row, Table, column_of, plain_cell
from reunlearn.reporting.frames import Number, frame_of, read
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.seeds import gaps_of
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="ranks",
    title="Ranks",
    summary="average rank by gap per seed, over all seeds and experiments",
    scope="study",
    order=10,
)


@dataclass(frozen=True)
class Ranks:
    """The ranks of the methods that every block has; references where they would stand among them.

    Attributes:
        ranking: of the methods.
        average: average rank of each row.
        left_out: rows that some block lacks.
    """

    ranking: Ranking
    average: dict[RowKey, float]
    left_out: tuple[RowKey, ...]


def blocks(data: StudyData) -> pd.DataFrame:
    """Return one entry per block (experiment and seed) and a column per row: its gap per seed, NaN where it has none.

    Retrain is left out: its gap is 0.
    """
    gaps = {}
    for experiment in data.experiments:
        for seeds, gaps_of_seed in gaps_of(experiment).iterrows():
            gaps[(experiment.name, *seeds)] = {k: v for k, v in gaps_of_seed.items() if k != RETRAIN}
    keys = list(dict.fromkeys(RowKey(*key) for entry in gaps.values() for key in entry))
    table = pd.DataFrame(
        [[entry.get(key, float("nan")) for key in keys] for entry in gaps.values()],
        index=list(gaps),
        columns=rows.index(keys),
        dtype=float,
    )
    return table.dropna(how="all")


def ranks_of(data: StudyData) -> Ranks | None:
    """Return the ranks of a study; None where fewer than two methods or two blocks can be compared.

    A method without a finished run in every block is left out: a rank needs all of them. Original and noise floor do
    not compete, as Friedman's test is over methods; they are shown where they would stand among these.
    """
    table = blocks(data)
    whole = table.dropna(axis="columns") if len(table) else table
    keys = [RowKey(*key) for key in whole.columns]
    methods = [key for key in keys if not key.is_reference]
    if len(methods) < 2 or len(whole) < 2:
        return None
    gaps_NK = whole[methods].to_numpy()
    ranking = rank(gaps_NK)
    average = dict(zip(methods, ranking.average.tolist(), strict=True))
    average |= {key: place_among(gaps_NK, whole[key].to_numpy()) for key in keys if key.is_reference}
    left_out = tuple(key for key in (RowKey(*k) for k in table.columns) if key not in keys)
    return Ranks(ranking, average, left_out)


def compute(data: StudyData) -> pd.DataFrame:
    """Return average_rank of each row, best first; n counts blocks. Empty where nothing can be ranked."""
    found = ranks_of(data)
    if found is None:
        return frame_of({})
    order = sorted(found.average, key=lambda row: found.average[row])
    return frame_of(
        {row: {"average_rank": Number(found.average[row], n=found.ranking.blocks)} for row in order}
    )


def show(frame: pd.DataFrame, data: StudyData) -> Table | None:
    """Return the average rank of each row."""
    found = ranks_of(data)
    if found is None:
        return None
    shown = [
        Row(row, (plain_cell(entry["average_rank"].mean, 2), _count(entry["average_rank"].n)))
        for row, entry in read(frame).items()
    ]
    columns = (
        column_of("average_rank", RANKS["average_rank"], "1 is best"),
        column_of("blocks", RANKS["blocks"], "n"),
    )
    return Table(CARD, data.name, columns, tuple(shown), tuple(_sentences(found)))


def _count(blocks: int) -> Cell:
    return Cell(f"{blocks}", value=blocks)


def _sentences(found: Ranks) -> list[str]:
    ranking = found.ranking
    compared = sum(not row.is_reference for row in found.average)
    test = (
        f"Friedman's p is {ranking.p:.2g}"
        if numbers.known(ranking.p)
        else "Friedman's test takes three methods"
    )
    sentences = [
        f"{compared} methods over {ranking.blocks} blocks: {test}; the critical difference is "
        f"{numbers.plain(ranking.critical_difference, 2)} ranks. Seeds of one experiment share its data, so "
        "blocks are less independent than the test assumes."
    ]
    if found.left_out:
        names = ", ".join(row.heading for row in found.left_out)
        sentences.append(f"Not ranked, because a block has no finished run of it: {names}.")
    return sentences
