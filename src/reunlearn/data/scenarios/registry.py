"""Scenarios: one file for each kind, found by its name. Here: what a kind looks at, and what it returns.

The forget set depends on dataset, scenario and split seed, and on nothing else; what a scenario READS of trained models
belongs to the scenario, and its name says which models. numpy is imported where samples are
selected: the plan, which asks for fields and checks alone, starts faster without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np

    from reunlearn.metrics.outputs import Pool

STAYS = -1  # the part of a sample that is never forgotten
NEITHER = -2  # the part of a sample that belongs neither to forget nor to retain


@dataclass(frozen=True)
class TrainingSet:
    """What a scenario may look at.

    Attributes:
        y: [N], the label of each training sample.
        fine: [N], its sub-class; None where the dataset has none.
        index: [N], its number in the official training set; sorted.
        held_out: [V], the official numbers of the validation set.
        halves: what the models of the pool `halves` answer; None where the scenario does not READ it.
        weights: [N], how hard each sample is to forget; likewise.
    """

    y: np.ndarray
    fine: np.ndarray | None
    index: np.ndarray
    held_out: np.ndarray
    halves: Pool | None = None
    weights: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Selection:
    """What a scenario chooses.

    Attributes:
        part: [N], the step (0, 1, …) in which a sample is forgotten, or STAYS, or NEITHER.
        labels: [N], what the original model is taught: the true labels unless the scenario poisons.
        forgotten: the classes (or sub-classes) that go whole with each step; test samples of theirs go with them.
        score: [N], by what the samples were chosen; None where no score was asked.
    """

    part: np.ndarray
    labels: np.ndarray
    forgotten: list[list[int]]
    score: np.ndarray | None = None


def select(scenario: Scenario, samples: TrainingSet, split_seed: int) -> Selection:
    """Return which samples are to be forgotten, and when.

    Args:
        scenario: of any kind.
        samples: the study's training set.
        split_seed: of everything that a scenario draws.

    Raises:
        UserError: nothing, or everything, would be forgotten; a class or a sample is not there; there are more steps
            than things to forget.
    """
    selection: Selection = scenario.select(samples, split_seed)
    count = int((selection.part >= 0).sum())
    if not count or not (selection.part == STAYS).any():
        raise UserError(
            f"scenario '{scenario.kind}' would forget {count} of {len(samples)} training samples; "
            "something must go and something must stay"
        )
    return selection
