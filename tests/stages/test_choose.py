"""The choice among trials: means over seeds, the lowest score, the first of equals, diverged ones last."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.artifacts.choice import PROBED, Choice
from reunlearn.base.files import write_json
from reunlearn.stages.choose import run
from reunlearn.stages.execution import Context
from reunlearn.stages.method_run import settled
from reunlearn.study.inputs import ChooseInputs
from reunlearn.study.jobs import ChooseJob
from reunlearn.study.rows import Seeds
from reunlearn.study.specs import MethodSpec, SearchSpec

GOOD = {
    "forget": 90.0,
    "goal": 90.0,
    "retain": 100.0,
    "validation": 90.0,
    "called_forget": 50.0,
    "called_unseen": 50.0,
}
SEEDS = tuple(Seeds(train=k, split=k, method=k) for k in (5, 6))


def chosen(folder: Path, trials: dict[float, list[dict[str, float]]]) -> tuple[Choice, MethodSpec]:
    """Return the choice among some learning rates, each with its probe on two seeds."""
    search = SearchSpec(candidates=tuple({"learning_rate": rate} for rate in trials), seeds=SEEDS)
    method = MethodSpec(name="finetune", settings={"epochs": 2}, search=search)
    folders = []
    for number, probe in enumerate([GOOD, GOOD, *(p for probes in trials.values() for p in probes)]):
        place = folder / str(number)
        place.mkdir()
        write_json(place / PROBED, probe)
        folders.append(str(place))
    inputs = ChooseInputs(originals=tuple(folders[:2]), trials=tuple(folders[2:]))
    run(Context(ChooseJob("choose", "choices/x", method, inputs=inputs), folder))
    return Choice.read(folder), settled(method, str(folder))


def test_the_lowest_mean_over_seeds_wins_and_becomes_the_row_s_setting(tmp_path: Path) -> None:
    off, far = {**GOOD, "forget": 98.0}, {**GOOD, "forget": 70.0}
    choice, method = chosen(tmp_path, {0.1: [GOOD, far], 0.2: [off, off], 0.3: [far, far]})
    assert [trial.score for trial in choice.trials] == [2.5, 2.0, 5.0]
    assert choice.trials[0].distances["forget"] == 10.0
    assert choice.chosen.settings == {"learning_rate": 0.2}
    assert method == MethodSpec(name="finetune", settings={"epochs": 2, "learning_rate": 0.2})


def test_of_equal_trials_the_first_is_chosen(tmp_path: Path) -> None:
    choice, _ = chosen(tmp_path, {0.1: [GOOD, GOOD], 0.2: [GOOD, GOOD]})
    assert choice.chosen is choice.trials[0]


def test_a_seed_that_diverged_counts_as_the_worst(tmp_path: Path) -> None:
    bad = {**GOOD, "forget": 0.0, "retain": 80.0}
    choice, _ = chosen(tmp_path, {0.1: [{}, GOOD], 0.2: [bad, bad]})
    assert choice.trials[0].diverged == 1 and choice.trials[0].score == 50.0
    assert choice.chosen.settings == {"learning_rate": 0.2}


def test_a_searched_method_does_not_run_without_a_choice() -> None:
    search = SearchSpec(candidates=({"epochs": 1}, {"epochs": 2}), seeds=SEEDS)
    with pytest.raises(ValueError, match="method 'finetune' is searched, and no choice is given"):
        settled(MethodSpec(name="finetune", search=search), None)
