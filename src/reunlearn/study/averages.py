"""The papers' averages as their files define them, for one experiment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from reunlearn.study.meetings import Average
from reunlearn.study.papers import AUGMENTED, Paper
from reunlearn.study.reported import PrintedCell


def averages_of(papers: Iterable[Paper], printed: Iterable[PrintedCell] = ()) -> tuple[Average, ...]:
    """Return every paper's averages.

    Args:
        papers: what their words mean.
        printed: numbers that the experiment names: what a column means in their table counts.
    """
    tables = {cell.paper: cell.table for cell in printed}
    return tuple(average for paper in papers for average in _of_paper(paper, tables.get(paper.paper, "")))


def _of_paper(paper: Paper, table: str) -> Iterator[Average]:
    for heading, column in paper.columns.items():
        if column.average and column.name:
            terms = tuple((term, _candidates(paper, term, table)) for term in column.average)
            source = f"{paper.paper}: '{heading}'"
            yield Average(name=column.name, title=column.title, source=source, terms=terms)


def _candidates(paper: Paper, term: str, table: str) -> tuple[str, ...]:
    """Return the metrics that can supply a column: without augmentation the plain one is the same number."""
    column = paper.column(term, table)
    assert column is not None  # the paper's file is checked
    (metric,) = column.metrics
    plain = metric.removesuffix(AUGMENTED)
    return (metric,) if plain == metric else (metric, plain)
