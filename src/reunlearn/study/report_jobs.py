"""The jobs that end a study: its results as tables, its report, its runs in MLflow."""

from __future__ import annotations

from dataclasses import dataclass, field

from reunlearn.study.cards import Catalogue
from reunlearn.study.claims import Claim
from reunlearn.study.inputs import AggregateInputs, ReportInputs
from reunlearn.study.jobs import Job
from reunlearn.study.laid_out import LaidOut
from reunlearn.study.layout import NOTHING_SHOWN, Layout
from reunlearn.study.meetings import Average, Meeting
from reunlearn.study.origin import Origin
from reunlearn.study.schema import Study
from reunlearn.study.specs import RunSpec


@dataclass(frozen=True)
class AggregateJob(Job):
    """All results of a study as tidy tables."""

    study: str
    runs: tuple[RunSpec, ...]
    inputs: AggregateInputs = field(kw_only=True)


@dataclass(frozen=True)
class ReportJob(Job):
    """The page.

    Attributes:
        study: with one experiment per step.
        cards: of the plugins that it speaks of.
        whole: tables and figures over all experiments.
        sections: tables and figures of each experiment.
        printed: the printed numbers that it shows, each with the row that it meets, by experiment.
        averages: the papers' averages, by experiment.
        forgotten: what is forgotten, in words, by experiment.
        of_paper: tables and figures of each table of the paper that the study reproduces.
        paper_tables: of that paper.
        claims: of that paper.
        origins: where the settings of each row come from, by experiment.
        notes: what is to be said of models of the user's, by experiment.
    """

    study: Study
    cards: Catalogue
    whole: Layout
    sections: dict[str, Layout]
    printed: dict[str, list[Meeting]]
    averages: dict[str, tuple[Average, ...]]
    forgotten: dict[str, str]
    of_paper: Layout = NOTHING_SHOWN
    paper_tables: tuple[LaidOut, ...] = ()
    claims: tuple[Claim, ...] = ()
    origins: dict[str, tuple[Origin, ...]] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inputs: ReportInputs = field(kw_only=True)


@dataclass(frozen=True)
class TrackJob(Job):
    """Log the results to MLflow."""

    study: str
    title: str
    description: str
    inputs: ReportInputs = field(kw_only=True)
