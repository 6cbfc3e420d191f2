"""How methods rank over all seeds and experiments of a study, with Nemenyi's critical difference."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reunlearn.metrics.ranks import Ranking, rank
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.definitions import CARDS, RANKS
from reunlearn.reporting.drawings import Drawing, drawing
from reunlearn.reporting.figures import critical_difference
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS
from reunlearn.reporting.seeds import by_seed, seed_gaps
from reunlearn.reporting.tables import gap_metrics

NAME = "ranks"


@dataclass(frozen=True)
class Ranks:
    """The section: its table, its figure, and what is to be said."""

    grid: Grid
    drawing: Drawing
    numbers: pd.DataFrame
    sentences: tuple[str, ...]


def blocks(results: pd.DataFrame, experiments: list[str]) -> pd.DataFrame:
    """Return one row per block (experiment and seed) and one column per line: its gap per seed, NaN where it has none.

    Retrain is left out, the noise floor is in: it shows where a second Retrain would rank.
    """
    found = {}
    for name in experiments:
        gaps = seed_gaps(by_seed(results, name, gap_metrics(results, name)))
        for seeds, row in gaps.drop(columns=lines.RETRAIN, errors="ignore").iterrows():
            found[(name, *seeds)] = row
    table = pd.DataFrame.from_dict(found, orient="index")
    return table.dropna(how="all")


def build(results: pd.DataFrame, experiments: list[str]) -> Ranks | None:
    """Return the ranks of a study; None where fewer than two lines or two blocks can be compared.

    A method without a finished run in every block is left out and named: a rank needs all of them.
    """
    table = blocks(results, experiments)
    whole = table.dropna(axis=1) if len(table) else table
    methods = [line for line in whole.columns if line not in lines.REFERENCES]
    if len(methods) < 2 or len(whole) < 2:
        return None
    found = rank(whole.to_numpy())
    numbers_of = pd.DataFrame(
        {"line": whole.columns, "average_rank": found.average, "blocks": found.blocks}
    ).set_index("line")
    left_out = [str(line) for line in table.columns if line not in whole.columns]
    return Ranks(
        grid=_grid(numbers_of.sort_values("average_rank", kind="stable")),
        drawing=_drawing(numbers_of["average_rank"], found),
        numbers=numbers_of,
        sentences=tuple(_sentences(found, len(whole.columns), left_out)),
    )


def _grid(table: pd.DataFrame) -> Grid:
    columns = (
        Column("average_rank", RANKS["average_rank"]["title"], "1 is best", RANKS["average_rank"]),
        Column(
            "runs", "Blocks", "n", CARDS["runs"] | {"title": "Blocks", "compares": "seeds of experiments"}
        ),
    )
    found = [
        Line(
            str(name),
            REMARKS.get(str(name), ""),
            name in lines.REFERENCES,
            (Cell(numbers.plain(own["average_rank"], 2)), Cell(f"{own['blocks']:.0f}")),
        )
        for name, own in table.iterrows()
    ]
    return Grid(NAME, "average rank by gap per seed, over all blocks", columns, tuple(found), (), "Ranks")


def _drawing(average: pd.Series, found: Ranking) -> Drawing:
    title = "Average ranks with the critical difference"
    caption = (
        "Left is better. A bar joins lines less than Nemenyi's critical difference (CD, level 0.05) apart, which "
        "cannot be told from each other."
    )
    figure = critical_difference.draw(average.to_dict(), found.critical_difference)
    return drawing("study", "ranks", title, caption, figure, True, legend=False)


def _sentences(found: Ranking, compared: int, left_out: list[str]) -> list[str]:
    test = f"Friedman's p is {found.p:.2g}" if numbers.known(found.p) else "Friedman's test takes three lines"
    said = [
        f"{compared} lines over {found.blocks} blocks: {test}; the critical difference is "
        f"{numbers.plain(found.critical_difference, 2)} ranks. Seeds of one experiment share its data, so "
        "blocks are less independent than the test takes them to be."
    ]
    if left_out:
        said.append(f"Not ranked, for want of a finished run in every block: {', '.join(left_out)}.")
    return said
