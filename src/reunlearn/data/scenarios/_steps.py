"""Deal what is forgotten to the steps of a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import STAYS, TrainingSet
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np


def check_steps(count: int, scenario: Scenario, what: str, where: str) -> None:
    """Refuse more steps than things to forget.

    Args:
        count: number of things.
        scenario: says how many steps there are.
        what: the plural noun of the things.
        where: begins the error line.
    """
    if count < scenario.steps:
        raise UserError(f"{where}: {count} {what} are too few for {scenario.steps} steps")


def equal_parts(count: int, scenario: Scenario) -> tuple[int, ...]:
    """Return how many of `count` things each step forgets, as `even` deals them."""
    share, more = divmod(count, scenario.steps)
    return tuple(share + (step < more) for step in range(scenario.steps))


def even(things: np.ndarray, scenario: Scenario, what: str) -> list[np.ndarray]:
    """Return `things` in as many parts as there are steps, as equal as can be.

    Args:
        things: rows or classes, in the order in which they are dealt.
        scenario: says how many steps there are.
        what: the plural noun of the things, for the error line.

    Raises:
        UserError: there are more steps than things.
    """
    import numpy as np

    if len(things):
        check_steps(len(things), scenario, what, f"scenario '{scenario.kind}'")
    return np.array_split(things, scenario.steps)


def dealt(samples: TrainingSet, rows: np.ndarray, scenario: Scenario) -> np.ndarray:
    """Return parts [N]: these rows, in their order, an equal number in each step; all others stay."""
    import numpy as np

    part = np.full(len(samples), STAYS)
    for step, share in enumerate(even(rows, scenario, "samples")):
        part[share] = step
    return part


def no_classes(scenario: Scenario) -> list[list[int]]:
    """Return an empty list for each step: no class goes whole."""
    return [[] for _ in range(scenario.steps)]
