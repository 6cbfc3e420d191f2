"""What a report shows of papers: of each experiment the printed numbers with the rows they meet, and the averages."""

from __future__ import annotations

from dataclasses import dataclass

from reunlearn.study.averages import averages_of
from reunlearn.study.cards import Catalogue
from reunlearn.study.joining import meet, ours_of
from reunlearn.study.meetings import Average, Meeting
from reunlearn.study.papers import papers
from reunlearn.study.reported import read_reported
from reunlearn.study.schema import Study


@dataclass(frozen=True)
class Reproduced:
    """What the plan hands to the report, by experiment.

    Attributes:
        printed: the printed numbers that it names, each with the row that it meets.
        averages: the papers' averages, with the meaning that their columns have for these numbers.
    """

    printed: dict[str, list[Meeting]]
    averages: dict[str, tuple[Average, ...]]


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
    return Reproduced(printed, averages)
