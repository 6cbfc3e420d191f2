"""What is to be forgotten: scenario → a part per sample. Depends on dataset, scenario and split seed, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from reunlearn.base.errors import UserError

STAYS = -1  # the part of a sample that is never forgotten


@dataclass(frozen=True)
class TrainingSet:
    """What a scenario may look at, of each training sample: labels [N], sub-classes [N], official number [N]."""

    y: np.ndarray
    fine: np.ndarray | None
    index: np.ndarray

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True)
class Selection:
    """What a scenario chooses.

    Attributes:
        part: [N], the step (0, 1, …) in which a sample is forgotten, or STAYS.
        labels: [N], what the original model is taught: the true labels unless the scenario poisons.
        forgotten: the classes (or sub-classes) that go whole with each step; test samples of theirs go with them.
    """

    part: np.ndarray
    labels: np.ndarray
    forgotten: list[list[int]]


def select(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return which samples are to be forgotten, and when.

    Args:
        samples: the study's training set.
        scenario: as `reunlearn.study.schema.Scenario` writes it, `chosen` for listed indices.
        split_seed: of everything that a scenario draws.

    Raises:
        UserError: nothing, or everything, would be forgotten; a class or a sample is not there; there are more steps
            than things to forget.
    """
    selection = KINDS[scenario["kind"]](samples, scenario, split_seed)
    count = int((selection.part != STAYS).sum())
    if count in (0, len(samples)):
        raise UserError(
            f"scenario '{scenario['kind']}' would forget {count} of {len(samples)} training samples; "
            "something must go and something must stay"
        )
    return selection


def _random(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return a random fraction, dealt to the steps in the order drawn."""
    count = round(scenario["fraction"] * len(samples))
    order = np.random.default_rng([split_seed, 1]).permutation(len(samples))[:count]
    return Selection(_dealt(samples, order, scenario), samples.y, _no_classes(scenario))


def _indices(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return the samples with the listed official numbers."""
    chosen = np.asarray(scenario["chosen"])
    place = np.searchsorted(samples.index, chosen)
    found = samples.index[np.minimum(place, len(samples) - 1)] == chosen
    if not found.all():
        raise UserError(
            f"{scenario['file']}: sample {chosen[~found][0]} is not in the training set of this study "
            f"(numbers go into the official training set, and some may be held out for validation)"
        )
    return Selection(_dealt(samples, place, scenario), samples.y, _no_classes(scenario))


def _classes(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    return _whole(samples.y, list(scenario["classes"]), samples, scenario)


def _subclasses(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    if samples.fine is None:
        raise UserError("scenario 'subclass' needs a dataset with sub-classes, such as cifar20")
    return _whole(samples.fine, list(scenario["subclasses"]), samples, scenario)


def _identities(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return whole classes drawn at random."""
    known = np.unique(samples.y)
    if scenario["count"] >= len(known):
        raise UserError(f"scenario 'identities' would forget {scenario['count']} of {len(known)} identities")
    drawn = np.random.default_rng([split_seed, 2]).permutation(known)[: scenario["count"]]
    return _whole(samples.y, drawn.tolist(), samples, scenario)


def _first(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return the first samples of each class in the official order, an equal share in each step."""
    wanted = scenario.get("classes") or np.unique(samples.y).tolist()
    members = [np.flatnonzero(samples.y == label) for label in wanted]
    return Selection(_shares(samples, wanted, members, scenario), samples.y, _no_classes(scenario))


def _label_flip(samples: TrainingSet, scenario: dict[str, Any], split_seed: int) -> Selection:
    """Return samples of paired classes, each taught the label of the other; a smaller budget is a part of a larger."""
    generator = np.random.default_rng([split_seed, 3])
    pairs = scenario.get("pairs")
    if pairs is None:
        known = generator.permutation(np.unique(samples.y)).tolist()
        pairs = list(zip(known[0::2], known[1::2], strict=False))
    wrong = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
    members = [generator.permutation(np.flatnonzero(samples.y == label)) for label in wrong]
    part = _shares(samples, list(wrong), members, scenario)
    labels = samples.y.copy()
    for label, other in wrong.items():
        labels[(part != STAYS) & (samples.y == label)] = other
    return Selection(part, labels, _no_classes(scenario))


def _whole(
    labels_N: np.ndarray, wanted: list[int], samples: TrainingSet, scenario: dict[str, Any]
) -> Selection:
    """Return all samples with these labels; the labels are dealt to the steps in their order."""
    groups = [group.tolist() for group in _even(np.asarray(wanted), scenario, "classes")]
    part = np.full(len(samples), STAYS)
    for step, group in enumerate(groups):
        for label in group:
            if not (labels_N == label).any():
                raise UserError(f"scenario '{scenario['kind']}': no training sample has class {label}")
            part[labels_N == label] = step
    return Selection(part, samples.y, groups)


def _shares(
    samples: TrainingSet, wanted: list[int], members: list[np.ndarray], scenario: dict[str, Any]
) -> np.ndarray:
    """Return parts [N]: of each class its first `count` members, an equal share in each step."""
    part = np.full(len(samples), STAYS)
    for label, rows in zip(wanted, members, strict=True):
        if len(rows) < scenario["count"]:
            raise UserError(
                f"scenario '{scenario['kind']}' wants {scenario['count']} samples of class {label}; "
                f"the training set has {len(rows)}"
            )
        for step, share in enumerate(_even(rows[: scenario["count"]], scenario, "samples per class")):
            part[share] = step
    return part


def _dealt(samples: TrainingSet, order: np.ndarray, scenario: dict[str, Any]) -> np.ndarray:
    """Return parts [N]: the rows in `order`, an equal number in each step."""
    part = np.full(len(samples), STAYS)
    for step, rows in enumerate(_even(order, scenario, "samples")):
        part[rows] = step
    return part


def _even(things: np.ndarray, scenario: dict[str, Any], what: str) -> list[np.ndarray]:
    """Return `things` in as many parts as there are steps, as equal as can be."""
    steps = scenario["steps"]
    if 0 < len(things) < steps:
        raise UserError(f"scenario '{scenario['kind']}': {len(things)} {what} are too few for {steps} steps")
    return np.array_split(things, steps)


def _no_classes(scenario: dict[str, Any]) -> list[list[int]]:
    return [[] for _ in range(scenario["steps"])]


KINDS: dict[str, Callable[[TrainingSet, dict[str, Any], int], Selection]] = {
    "random": _random,
    "class": _classes,
    "subclass": _subclasses,
    "first": _first,
    "label_flip": _label_flip,
    "identities": _identities,
    "indices": _indices,
}
