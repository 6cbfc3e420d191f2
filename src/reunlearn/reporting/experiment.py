"""All that the section of one experiment is made from: of the study's tables its own part, and summaries only."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from reunlearn.artifacts.choice import Choice
from reunlearn.artifacts.gathered import Gathered, JobResult
from reunlearn.artifacts.record import Record
from reunlearn.reporting import rows
from reunlearn.reporting.parts.headline import Headline, headline_of
from reunlearn.reporting.rows import RETRAIN, Counts, RowKey
from reunlearn.reporting.study_tables import RESULTS, StudyTables
from reunlearn.reporting.tables import registry
from reunlearn.study.cards import Catalogue, MeasureCard
from reunlearn.study.layout import Layout
from reunlearn.study.meetings import Average, Meeting
from reunlearn.study.origin import Origin
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import RunSpec

OWN_COLUMNS = {  # of the tables, besides what names a run
    "histograms": ("quantity", "set", "bin", "count"),
    "classes": ("set", "true_class", "predicted", "samples", "of"),
    "roc": ("attack", "false_positive_rate", "true_positive_rate"),
    "series": ("series", "step", "value"),
    "samples": ("set", "entropy"),
    "scores": ("attack", "member", "score"),
    "pictures": ("asked", "number", "png"),
    "drawn": ("asked", "answered", "count"),
    "judges": ("network", "weights"),
    "detections": ("finding", "images"),
}
# that only studies of generators have, or that results kept for reference leave out
OPTIONAL = ("pictures", "drawn", "judges", "detections", "series", "samples", "scores")


@dataclass(frozen=True)
class Tables:
    """The tidy tables of one experiment, each read when it is first asked for.

    All but results are of finished runs: diverged outputs have no distribution.

    Attributes:
        source: the tables of the study.
        experiment: its name.
        known: what was read already.
    """

    source: StudyTables
    experiment: str
    known: dict[str, pd.DataFrame] = field(default_factory=dict)

    def __getitem__(self, table: str) -> pd.DataFrame:
        """Return results (a line per run and number), histograms (per run and bin that is not empty; of loss and
        entropy on forget and test), classes (per run, set, true and predicted class), roc (per run, attack and false
        positive rate), series (per run, series and step or epoch), samples (per run and forget or test sample) or
        scores (per run, attack and sample); these two are large, for what no summary holds."""
        if table not in self.known:
            self.known[table] = self._read(table)
        return self.known[table]

    def _read(self, table: str) -> pd.DataFrame:
        if table == RESULTS:
            return self.source.read(RESULTS, experiment=self.experiment)
        columns = (*rows.KEY, *rows.SEEDS, *OWN_COLUMNS[table])
        if table in OPTIONAL and table not in self.source.names:
            return pd.DataFrame(columns=list(columns))
        return self.source.read(table, columns, experiment=self.experiment, status="finished")


@dataclass(frozen=True)
class Sizes:
    """Samples in each set: the least and the most over the splits."""

    forget: tuple[int, int]
    retain: tuple[int, int]
    train: tuple[int, int]


@dataclass(frozen=True)
class ExperimentData:
    """What the section of one experiment is made from.

    Attributes:
        experiment: its part of the study.
        tables: its tidy tables.
        layout: the tables and figures that are shown of it.
        runs: in the order of the plan.
        jobs: finished jobs of the study, by folder.
        cards: of the plugins that the study uses.
        printed: the printed numbers that the study names for it, each with the row that it meets.
        averages: the papers' averages.
        forgotten: what the scenario forgets, in words.
        origins: where the settings of each row come from.
        notes: on models of the user's own.
        choices: by folder, where settings were searched.
    """

    experiment: Experiment
    tables: Tables
    layout: Layout
    runs: tuple[RunSpec, ...]
    jobs: Mapping[str, JobResult]
    cards: Catalogue
    printed: Sequence[Meeting] = ()
    averages: Sequence[Average] = ()
    forgotten: str = ""
    origins: Sequence[Origin] = ()
    notes: Sequence[str] = ()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)
    _comparable: dict[RowKey, tuple[pd.DataFrame, ...]] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self.experiment.name

    @property
    def results(self) -> pd.DataFrame:
        """A line per run and number."""
        return self.tables[RESULTS]

    def frame(self, table: str) -> pd.DataFrame:
        """Return what a table of the registry computes; it is computed once."""
        if table not in self._frames:
            self._frames[table] = registry.get(table).compute(self)
        return self._frames[table]

    @functools.cached_property
    def counts(self) -> dict[RowKey, Counts]:
        """How many runs of each row finished, diverged, are missing."""
        return {row: rows.counts_of(part) for row, part in self.by_row.items()}

    @functools.cached_property
    def by_row(self) -> dict[RowKey, pd.DataFrame]:
        """The results of each row, references first."""
        return rows.by_row(self.results)

    @functools.cached_property
    def finished(self) -> dict[RowKey, pd.DataFrame]:
        """The finished runs of each row: index seeds, a column per number."""
        return rows.finished_runs(self.results)

    def compared(self, row: RowKey, metrics: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return some numbers of the finished runs of a row and of Retrain, to compare their means.

        Seeds in which a run of either did not finish are left out: the means are then over the same seeds wherever
        each has every seed; Retrain may have more of them.
        """
        if row not in self._comparable:
            results = [self.by_row[key] for key in (row, RETRAIN) if key in self.by_row]
            nothing = self.finished[row].iloc[:0]
            both = (self.finished[row], self.finished.get(RETRAIN, nothing))
            self._comparable[row] = tuple(rows.without_unfinished(runs, *results) for runs in both)
        of_row, of_retrain = (runs.reindex(columns=metrics) for runs in self._comparable[row])
        return of_row, of_retrain

    @functools.cached_property
    def measured(self) -> set[str]:
        """The names of all numbers that some run has."""
        return set(self.results.loc[self.results["status"] != "missing", "metric"])

    @functools.cached_property
    def measures(self) -> dict[str, MeasureCard]:
        """The cards of what the plan measures on each run; attacks come last, in the order of the study."""
        names = sorted({name for run in self.runs for name in run.measured})
        cards = {name: self.cards.measures[name] for name in names}
        order = {name: place for place, name in enumerate(self.experiment.attacks)}
        attacks = sorted((n for n in names if cards[n].attack), key=lambda n: order.get(n, len(order)))
        return {n: cards[n] for n in (*(n for n in names if not cards[n].attack), *attacks)}

    @property
    def attacks(self) -> dict[str, MeasureCard]:
        """The measures that are membership-inference attacks."""
        return {name: card for name, card in self.measures.items() if card.attack}

    @functools.cached_property
    def headline(self) -> Headline:
        """The columns of the first table."""
        return headline_of(self.measures, self.results)

    @functools.cached_property
    def sizes(self) -> Sizes | None:
        """Samples in each set; None where nothing was measured on them."""
        sizes = pd.concat([set_sizes(runs) for runs in self.finished.values()]).dropna().astype(int)
        if sizes.empty:
            return None
        ends = {name: (int(column.min()), int(column.max())) for name, column in sizes.items()}
        return Sizes(ends["forget"], ends["retain"], ends["train"])

    def records(self, row: RowKey) -> list[Record]:
        """Return the records of the models of one row, as far as they were made."""
        models = [run.model for run in self.runs if rows.key_of(run.row) == row]
        return [self.jobs[model].record for model in models if model in self.jobs]


def choose(
    experiment: Experiment,
    tables: Tables,
    layout: Layout,
    gathered: Gathered,
    cards: Catalogue,
    *,
    printed: Sequence[Meeting] = (),
    averages: Sequence[Average] = (),
    forgotten: str = "",
    origins: Sequence[Origin] = (),
    notes: Sequence[str] = (),
) -> ExperimentData:
    """Return the data of one experiment, from its tables and what is gathered of the whole study.

    Raises:
        ValueError: the tables hold nothing of it.
    """
    if tables[RESULTS].empty:
        raise ValueError(f"no experiment '{experiment.name}' in these results")
    return ExperimentData(
        experiment=experiment,
        tables=tables,
        layout=layout,
        runs=tuple(run for run in gathered.runs if run.experiment == experiment.name),
        jobs=gathered.jobs,
        cards=cards,
        printed=printed,
        averages=averages,
        forgotten=forgotten,
        origins=origins,
        notes=notes,
        choices=gathered.choices,
    )


def set_sizes(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the samples in forget, retain and train of each finished run of one row, NaN where it is not known."""
    sizes = runs.reindex(columns=["size_forget", "size_retain", "size_earlier"])
    sizes.columns = pd.Index(["forget", "retain", "earlier"])
    return sizes.assign(train=sizes["forget"] + sizes["retain"] + sizes["earlier"].fillna(0)).drop(
        columns="earlier"
    )
