"""What was searched: every trial of every row with its score, and the one whose settings the row has."""

from __future__ import annotations

import json

import pandas as pd

from reunlearn.metrics.criterion import DISTANCES
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cells import NOTHING, Cell, Row, Table, column_of
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey, key_of
from reunlearn.reporting.tables.settings import words
from reunlearn.study.cards import NumberCard, TableCard

CARD = TableCard(
    name="searches",
    title="Search",
    summary="the trials of each row whose settings are searched, best first; the first one is the row's",
    order=115,
    audit=False,
    folded=True,
)
SCORE = NumberCard(
    title="Score",
    compares="mean of the four distances that follow, over the seeds of the search; a trial that diverged has 100",
    unit="percentage points",
    direction="lower is better",
    ideal="0",
    source="ours: training and validation data alone, neither Retrain nor test data; see "
    "docs/decisions/0006-settings-without-retrain.md",
)
TRIAL = NumberCard(
    title="Trial",
    compares="values of the searched hyper-parameters; the others are the row's own",
    unit="",
    direction="",
    ideal="",
)
MEANT = {
    "forget": "distance of the forget accuracy from the accuracy on unseen samples like them; from 0 where whole "
    "classes or wrong labels are forgotten",
    "retain": "loss of retain accuracy against the original",
    "validation": "loss of validation accuracy (classes that stay) against the original; against 100 where the "
    "original was taught wrong labels",
    "membership": "an entropy classifier of retain against validation: difference of the shares of forget samples and "
    "of unseen ones that it calls members",
}
BEST = 5  # trials of a row that the page shows where there are many
FEW = 150  # trials of an experiment that it shows all


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return a line per trial, in the order of the plan: trial, chosen, score, distances, diverged, settings (JSON)."""
    keys, lines = [], []
    for key, folder in {key_of(run.row): run.choice for run in data.runs}.items():
        choice = data.choices.get(folder or "")
        for number, trial in enumerate(choice.trials if choice else ()):
            keys.append(key)
            lines.append(
                {
                    "trial": number,
                    "chosen": choice is not None and trial is choice.chosen,
                    "score": trial.score,
                    **trial.distances,
                    "diverged": trial.diverged,
                    "settings": json.dumps(trial.settings),
                }
            )
    columns = ["trial", "chosen", "score", *DISTANCES, "diverged", "settings"]
    return pd.DataFrame(lines, columns=columns, index=rows.index(keys))


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a row per trial, best first; of many only the best of each method."""
    if frame.empty:
        return None
    most = len(frame) if len(frame) <= FEW else BEST
    cards = {
        name: SCORE.model_copy(update={"title": name.capitalize(), "compares": meant})
        for name, meant in MEANT.items()
    }
    columns = (
        column_of("settings", TRIAL),
        column_of("score", SCORE),
        *(column_of(name, card) for name, card in cards.items()),
    )
    shown, notes = [], []
    for key, trials in frame.groupby(rows.KEY, sort=False):
        row = RowKey(*key)
        notes.append(f"{row.heading} {len(trials)}")
        best = trials.sort_values(["score", "trial"], kind="stable").head(most)
        shown += [Row(row, _cells(trial)) for trial in best.to_dict("records")]
    note = f"Trials: {', '.join(notes)}." + (
        "" if most == len(frame) else f" The best {BEST} of each; all in the file."
    )
    return Table(CARD, data.name, columns, tuple(shown), (note,))


def _cells(trial: dict[str, float]) -> tuple[Cell, ...]:
    text = words(json.loads(str(trial["settings"])))
    diverged = f"{trial['diverged']:.0f} seeds diverged" if trial["diverged"] else ""
    settings = Cell(text, diverged or ("chosen" if trial["chosen"] else ""), tone="bad" if diverged else "")
    distances = (numbers.plain(trial[name], 2) for name in DISTANCES)
    score = Cell(
        numbers.plain(trial["score"], 2), tone="best" if trial["chosen"] else "", value=trial["score"]
    )
    return (settings, score, *(Cell(text) if text else NOTHING for text in distances))
