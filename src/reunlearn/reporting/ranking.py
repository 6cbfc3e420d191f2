"""How methods rank over all seeds and experiments of a study, with Nemenyi's critical difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from reunlearn.metrics.ranks import Ranking, place_among, rank
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.drawings import Drawing, drawing
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.figures import critical_difference
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.seeds import by_seed, seed_gaps
from reunlearn.reporting.study_cards import RANKS

NAME = "ranks"


@dataclass(frozen=True)
class Ranks:
    """The section: its table, its figure, the numbers of the table, and sentences."""

    grid: Grid
    drawing: Drawing
    numbers: pd.DataFrame
    sentences: tuple[str, ...]


def blocks(experiments: Sequence[ExperimentData]) -> pd.DataFrame:
    """Return one entry per block (experiment and seed) and a column per row: its gap per seed, NaN where it has none.

    Retrain is left out: its gap is 0.
    """
    gaps = {}
    for data in experiments:
        gaps_of_experiment = seed_gaps(by_seed(data, data.headline.metrics))
        for seeds, gaps_of_seed in gaps_of_experiment.iterrows():
            gaps[(data.name, *seeds)] = {k: v for k, v in gaps_of_seed.items() if k != RETRAIN}
    keys = list(dict.fromkeys(RowKey(*key) for entry in gaps.values() for key in entry))
    table = pd.DataFrame(
        [[entry.get(key, float("nan")) for key in keys] for entry in gaps.values()],
        index=list(gaps),
        columns=rows.index(keys),
        dtype=float,
    )
    return table.dropna(how="all")


def build(experiments: Sequence[ExperimentData]) -> Ranks | None:
    """Return the ranks of a study; None where fewer than two methods or two blocks can be compared.

    A method without a finished run in every block is left out and named: a rank needs all of them. Original and noise
    floor do not compete, as Friedman's test is over methods; they are shown where they would stand among these.
    """
    table = blocks(experiments)
    whole = table.dropna(axis="columns") if len(table) else table
    keys = [RowKey(*key) for key in whole.columns]
    methods = [key for key in keys if not key.is_reference]
    if len(methods) < 2 or len(whole) < 2:
        return None
    gaps_NK = whole[methods].to_numpy()
    ranking = rank(gaps_NK)
    average = dict(zip(methods, ranking.average.tolist(), strict=True))
    average |= {key: place_among(gaps_NK, whole[key].to_numpy()) for key in keys if key.is_reference}
    ranked = pd.DataFrame(
        {"average_rank": average.values(), "blocks": ranking.blocks}, index=rows.index(average)
    )
    left_out = [key.heading for key in (RowKey(*k) for k in table.columns) if key not in keys]
    return Ranks(
        grid=_grid(ranked.sort_values("average_rank", kind="stable")),
        drawing=_drawing(average, ranking),
        numbers=ranked,
        sentences=tuple(_sentences(ranking, len(methods), left_out)),
    )


def _grid(table: pd.DataFrame) -> Grid:
    columns = (
        Column("average_rank", RANKS["average_rank"].title, "1 is best", RANKS["average_rank"]),
        Column("blocks", "Blocks", "n", RANKS["blocks"]),
    )
    grid_rows = [
        Row(
            key,
            (
                Cell(numbers.plain(entry["average_rank"], 2), value=entry["average_rank"]),
                Cell(f"{entry['blocks']:.0f}", value=entry["blocks"]),
            ),
        )
        for key, entry in rows.each(table)
    ]
    caption = "average rank by gap per seed, over all blocks"
    return Grid(NAME, title="Ranks", caption=caption, columns=columns, rows=tuple(grid_rows))


def _drawing(average: dict[RowKey, float], ranking: Ranking) -> Drawing:
    caption = (
        "Left is better. A bar joins methods less than Nemenyi's critical difference (CD, level 0.05) apart, which "
        "cannot be told from each other. Dashed: references, which do not compete, where they would stand among the "
        "methods."
    )
    return drawing(
        "study-ranks",
        critical_difference.draw(average, ranking.critical_difference),
        title="Average ranks with the critical difference",
        caption=caption,
        table=NAME,
        wide=True,
    )


def _sentences(ranking: Ranking, compared: int, left_out: list[str]) -> list[str]:
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
    if left_out:
        sentences.append(f"Not ranked, because a block has no finished run of it: {', '.join(left_out)}.")
    return sentences
