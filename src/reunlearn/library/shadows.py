"""Pools of shadow models that a user has trained: the networks, or what they answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.data.tensors import TensorSamples
from reunlearn.library.original import copied
from reunlearn.measures._logits import logits
from reunlearn.metrics.outputs import Pool
from reunlearn.objectives.registry import Objective

HALVES = "halves"  # the kind whose models know some samples of a set and others not


@dataclass(frozen=True)
class Shadows:
    """M shadow models of one kind.

    Attributes:
        models: M networks; each is asked about the sets here.
        logits: instead of networks, what they answer: [M, N, K] of each set.
        member: of the kind `halves`: whether a model was trained with a sample, [M, N], of forget and of validation.
    """

    models: Sequence[nn.Module] = ()
    logits: Mapping[str, ArrayLike] | None = None
    member: Mapping[str, ArrayLike] | None = None


def asked_of(kind: str) -> tuple[str, ...]:
    """Return the sets that attacks ask the models of a kind of pool about."""
    return ("forget", "validation") if kind == HALVES else ("forget",)


def pool_of(kind: str, given: Shadows, sets: Mapping[str, TensorSamples], objective: Objective) -> Pool:
    """Return a pool as attacks read it.

    Args:
        kind: halves, with_forget, without_forget or unlearned.
        given: the user's models.
        sets: forget and, for halves, validation.
        objective: of the task.

    Raises:
        UserError: a set, an answer or a membership is missing, or its shape does not fit.
    """
    names = asked_of(kind)
    who = f"shadows '{kind}'"
    if (given.logits is None) == (not given.models):
        raise UserError(f"{who}: give either models, a list of networks, or logits, what they answer")
    answered = {name: _answers(name, given, sets[name], objective, who) for name in names}
    counts = {len(array) for array in answered.values()}
    if len(counts) > 1:
        raise UserError(
            f"{who}: logits of {' and '.join(map(str, sorted(counts)))} models; give those of the same ones"
        )
    count = counts.pop()
    return Pool(
        logits=np.concatenate(list(answered.values()), axis=1),
        member=np.concatenate([_member(name, given, count, len(sets[name]), kind) for name in names], axis=1),
        index=np.concatenate([sets[name].index.cpu().numpy() for name in names]),
        label=np.concatenate([sets[name].y.cpu().numpy() for name in names]),
    )


def _answers(name: str, given: Shadows, samples: TensorSamples, objective: Objective, who: str) -> np.ndarray:
    """Return logits [M, N, K] of one set."""
    if given.logits is None:
        device = str(samples.device)
        return np.stack([logits(copied(model, device), samples, objective) for model in given.models])
    if name not in given.logits:
        raise UserError(f"{who}: there are no logits of the {name} set")
    array = np.asarray(given.logits[name])
    if array.ndim != 3 or array.shape[1] != len(samples) or not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{who}: logits of {name} are {array.dtype} {list(array.shape)}, not [models, {len(samples)}, classes]"
        )
    return array


def _member(name: str, given: Shadows, count: int, samples: int, kind: str) -> np.ndarray:
    """Return whether each model was trained with each sample [M, N]; of pools but halves, the kind says it."""
    if kind != HALVES:
        return np.full((count, samples), kind != "without_forget")
    if given.member is None or name not in given.member:
        raise UserError(
            f"shadows '{kind}': member is missing: whether each model was trained with each {name} sample"
        )
    array = np.asarray(given.member[name])
    if array.dtype != np.bool_ or array.shape != (count, samples):
        raise UserError(
            f"shadows '{kind}': member of {name} is {array.dtype} {list(array.shape)}, not bool [{count}, {samples}]"
        )
    return array
