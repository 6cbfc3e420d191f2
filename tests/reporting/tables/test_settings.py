"""The tables of settings and of searches: what a row was run with, where that comes from, every trial of a search."""

from __future__ import annotations

import dataclasses
import json

from reunlearn.artifacts.choice import Choice, Trial
from reunlearn.metrics.criterion import DISTANCES
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import registry, searches
from reunlearn.study.origin import Origin
from reunlearn.study.specs import RowSpec

EXPERIMENT = "random-0.2"
FINETUNE, SALUN = RowSpec(method="finetune"), RowSpec(method="salun")
FOLDER = "runs/choices/x"
ORIGINS = (Origin(FINETUNE, "searched", "this study searches epochs"), Origin(SALUN, "printed", "Table 6"))


def trials(count: int) -> Choice:
    """Return a choice among trials whose best is the second last."""
    scores = [float(abs(count - 2 - number)) for number in range(count)]
    return Choice(
        trials=tuple(
            Trial(settings={"epochs": number}, distances=dict.fromkeys(DISTANCES, score), score=score)
            for number, score in enumerate(scores)
        )
    )


def searched(made, count: int = 4) -> ExperimentData:
    """Return the data of an experiment whose fine-tuning was searched."""
    data = made.data(EXPERIMENT)
    runs = []
    for run in data.runs:
        if run.row == FINETUNE:
            run = run.changed(choice=FOLDER, method=run.method.changed(settings={"epochs": 2}))
        runs.append(run)
    return dataclasses.replace(
        data, runs=tuple(runs), origins=ORIGINS, choices={FOLDER: trials(count)}, _frames={}
    )


def shown(name: str, data: ExperimentData):
    """Return a table as it is shown."""
    return registry.get(name).show(data.frame(name), data)


def test_each_row_has_its_provenance_and_what_is_not_a_default(whole):
    frame = searched(whole).frame("settings").reset_index().set_index("method")
    assert frame.loc["finetune", "provenance"] == "searched"
    assert frame.loc["salun", "source"] == "Table 6"
    assert json.loads(frame.loc["finetune", "settings"]) == {"epochs": 2}
    table = shown("settings", searched(whole))
    assert [row.cells[0].main for row in table.rows] == ["searched", "printed"]
    assert table.rows[0].cells[1].main == "epochs 2"
    assert table.notes[0].startswith("Rows: 1 printed, 1 searched.")


def test_every_trial_is_a_line_and_the_page_begins_with_the_chosen_one(whole):
    data = searched(whole)
    frame = data.frame("searches")
    assert list(frame["trial"]) == [0, 1, 2, 3] and list(frame["score"]) == [2.0, 1.0, 0.0, 1.0]
    assert list(frame["chosen"]) == [False, False, True, False]
    table = shown("searches", data)
    assert [row.cells[0].main for row in table.rows] == ["epochs 2", "epochs 1", "epochs 3", "epochs 0"]
    assert [row.cells[1].tone for row in table.rows] == ["best", "", "", ""]
    assert table.notes == ("Trials: finetune 4.",)


def test_of_many_trials_the_page_shows_the_best_and_the_file_has_all(whole):
    data = searched(whole, count=searches.FEW + 1)
    assert len(data.frame("searches")) == searches.FEW + 1
    assert len(shown("searches", data).rows) == searches.BEST
    assert "all in the file" in shown("searches", data).notes[0]


def test_control_where_nothing_is_known_nothing_is_shown(whole):
    data = whole.data(EXPERIMENT, origins=())
    assert shown("settings", data) is None and shown("searches", data) is None
