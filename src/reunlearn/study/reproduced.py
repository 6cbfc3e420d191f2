"""What a report shows of papers: of each experiment the printed numbers with the rows they meet, and the averages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.study.averages import averages_of
from reunlearn.study.cards import Catalogue
from reunlearn.study.claims import Claim
from reunlearn.study.joining import Meaning, meaning_of, meet, ours_of
from reunlearn.study.laid_out import LaidOut, Place
from reunlearn.study.layout import NOTHING_SHOWN, Layout, paper_layout
from reunlearn.study.meetings import Average, Meeting
from reunlearn.study.paper_layout import PaperTable
from reunlearn.study.papers import Paper, papers, read_paper
from reunlearn.study.reported import PrintedCell, read_file, read_reported
from reunlearn.study.schema import Study

ELSEWHERE = "no experiment of this study has this setting"


@dataclass(frozen=True)
class Reproduced:
    """What the plan hands to the report, by experiment.

    Attributes:
        printed: the printed numbers that it names, each with the row that it meets.
        averages: the papers' averages, with the meaning that their columns have for these numbers.
        layout: what is shown of each table of the paper that the study is about; nothing where it is about none.
        tables, claims: of that paper.
    """

    printed: dict[str, list[Meeting]]
    averages: dict[str, tuple[Average, ...]]
    layout: Layout = NOTHING_SHOWN
    tables: tuple[LaidOut, ...] = ()
    claims: tuple[Claim, ...] = ()


def reproduced_by(study: Study, cards: Catalogue) -> Reproduced:
    """Return what a study's report shows of papers."""
    known = papers(cards)
    printed: dict[str, list[Meeting]] = {}
    averages: dict[str, tuple[Average, ...]] = {}
    for experiment in study.experiments:
        where = f"study '{study.name}', experiment '{experiment.name}'"
        cells = read_reported(experiment.reported, where) if experiment.reported else []
        if cells:
            printed[experiment.name] = meet(ours_of(experiment, cards, where), cells, known)
        averages[experiment.name] = averages_of(known.values(), cells)
    if study.paper is None:
        return Reproduced(printed, averages)
    paper = read_paper(study.paper, cards)
    return Reproduced(printed, averages, paper_layout(cards), laid_out(paper, known), paper.claims)


def laid_out(paper: Paper, papers: Mapping[str, Paper]) -> tuple[LaidOut, ...]:
    """Return every table of a paper; `papers`: all of them, by the name that config/reported gives them."""
    return tuple(_table(table, paper, papers) for table in paper.tables)


def _table(table: PaperTable, paper: Paper, papers: Mapping[str, Paper]) -> LaidOut:
    cells = table.cells(read_file(table.file))
    columns = {cell.metric: paper.column(cell.metric, cell.table) for cell in cells}
    methods = {cell.method: paper.methods[cell.method] for cell in cells}
    title = table.table[0].upper() + table.table[1:]
    return LaidOut(
        name=table.name,
        title=title,
        caption=table.caption,
        source=f"{paper.title}, {title}",
        rows=table.rows,
        columns=table.columns,
        order={
            facet: table.spans.get(facet) or tuple(dict.fromkeys(getattr(cell, facet) for cell in cells))
            for facet in (*table.rows, *table.columns)
        },
        headings={
            "metric": {name: column.heading for name, column in columns.items() if column and column.heading},
            "method": {name: method.heading for name, method in methods.items() if method.heading},
        },
        says={name: column.says or column.absent for name, column in columns.items() if column},
        places=tuple(_place(cell, meaning_of(cell, papers)) for cell in cells),
    )


def _place(cell: PrintedCell, meaning: Meaning) -> Place:
    return Place(cell=cell, absent=meaning.absent or ELSEWHERE, doubt=meaning.doubt, share=meaning.share)
