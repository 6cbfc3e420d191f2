"""On digits, over three seeds, every approximate method ends nearer to Retrain than the original is.

Each in a scenario that it was made for, with the settings of config/presets (searched on other seeds, without Retrain).
Near is Avg. Gap: the mean over forget, retain and test accuracy and the entropy attack of |mean − mean of Retrain|, in
points. Where a method does not get nearer, reports/reference/methods-on-digits has the number.
"""

from __future__ import annotations

import tempfile
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from reunlearn.attacks.entropy_logistic import run as entropy_attack
from reunlearn.measures._logits import logits
from reunlearn.metrics.classification import accuracy
from reunlearn.metrics.outputs import Outputs
from reunlearn.study import presets
from reunlearn.study.load import load_study
from reunlearn.study.methods import row_of
from reunlearn.study.preset_choice import choose
from reunlearn.study.specs import RowSpec
from tests.behaviour.digits_setting import Setting, prepare

EXPERIMENTS = {e.name: e for e in load_study("methods-on-digits").experiments}
ROWS = sorted(
    {row_of(entry).name: entry for e in EXPERIMENTS.values() for entry in e.methods}.items(),
    key=lambda item: item[0],
)
CLASS, RANDOM, SWAPPED = "class", "random", "swapped-labels"
MADE_FOR = {row: CLASS for row, _ in ROWS} | {
    "influence@code": RANDOM,
    "influence@paper": RANDOM,
    "ntk@code": RANDOM,
    "ntk@paper": RANDOM,
    "unrolling_sgd@code": RANDOM,
    "unrolling_sgd@paper": RANDOM,
    "warnecke_first_order": SWAPPED,
    "warnecke_second_order": SWAPPED,
}
# kernels, curves of Hessian products, a network of its own: two and a half minutes together; by make test-thorough,
# as is the paper's reading of a method that has two
SLOW = (
    "amnesiac@code",
    "amnesiac@paper",
    "erm_ktp",
    "influence@code",
    "influence@paper",
    "ntk@code",
    "ntk@paper",
    "warnecke_first_order",
    "warnecke_second_order",
)


@lru_cache
def settings(experiment: str) -> list[Setting]:
    """Return the three seeds of an experiment."""
    torch.set_num_threads(1)
    prepare()
    folder = Path(tempfile.mkdtemp())
    return [Setting(EXPERIMENTS[experiment], seeds.train, folder) for seeds in EXPERIMENTS[experiment].seeds]


def measured(setting: Setting, model: torch.nn.Module) -> list[float]:
    """Return forget, retain and test accuracy (true labels) and the entropy attack, in points."""
    loader = setting.loader
    sets = {"forget": setting.sets["forget"], "retain": setting.sets["retain"], "test": loader.test_samples()}
    outputs = {name: logits(model, samples, setting.objective) for name, samples in sets.items()}
    labels = {
        name: sets[name].y.numpy() if name == "test" else loader.true_labels[sets[name].index.numpy()]
        for name in sets
    }
    index = {name: samples.index.numpy() for name, samples in sets.items()}
    attacked = entropy_attack(Outputs(outputs, labels, index), None, 0).value
    return [*(accuracy(outputs[name], labels[name]) for name in sets), attacked]


@lru_cache
def reference(experiment: str) -> np.ndarray:
    """Return the means [4] of Retrain."""
    return np.mean([measured(s, s.retrained()) for s in settings(experiment)], axis=0)


def average_gap(row: str, experiment: str) -> float:
    """Return the Avg. Gap of a row of the study, or of `original`."""
    numbers = []
    for setting in settings(experiment):
        if row == "original":
            model = setting.original
        else:
            entry = dict(ROWS)[row]
            preset = choose(presets.read(entry.name), entry, EXPERIMENTS[experiment], experiment)
            model = setting.unlearned(row_of(entry), (preset.settings if preset else {}) | entry.settings)
        numbers.append(measured(setting, model))
    return float(np.abs(np.mean(numbers, axis=0) - reference(experiment)).mean())


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, marks=pytest.mark.thorough if row in SLOW or row.endswith("@paper") else ())
        for row, _ in ROWS
    ],
)
def test_ends_nearer_to_retrain_than_the_original(row: str) -> None:
    assert average_gap(row, MADE_FOR[row]) < average_gap("original", MADE_FOR[row])


def test_a_model_that_forgot_nothing_is_not_nearer() -> None:
    """The control: a finetune of no epochs is the original."""
    setting = settings(CLASS)[0]
    same = setting.unlearned(RowSpec(method="finetune"), {"epochs": 0})
    assert measured(setting, same) == measured(setting, setting.original)
