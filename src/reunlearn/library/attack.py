"""`reunlearn.attack`: a membership-inference attack on a model and data of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from reunlearn.attacks.registry import AttackCard, get
from reunlearn.base.errors import UserError, near
from reunlearn.data.tensors import Augment, TensorSamples
from reunlearn.library.libraries import EXTRA, missing_library
from reunlearn.library.original import classes_of, copied, device_of
from reunlearn.library.samples import objective_name, read_sets, samples_of
from reunlearn.library.sets import Set
from reunlearn.library.shadows import Shadows, asked_of, pool_of
from reunlearn.measures._attack import as_measure
from reunlearn.measures._logits import logits
from reunlearn.measures.evaluation import AUGMENTATION_SEED, AUGMENTED_SETS
from reunlearn.measures.registry import Measured, MeasureInputs
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs
from reunlearn.objectives.registry import Objective, make
from reunlearn.study.catalogue import plugin_names


@dataclass(frozen=True)
class Attacked:
    """What an attack found.

    Attributes:
        card: what the value compares, its unit, its direction and its ideal.
        value: the attack's own number.
        numbers: this and all others by name, each `attack.number`: AUC, TPR at low FPR, their intervals.
        member_scores, other_scores: of each sample of the final comparison: higher means more likely a member.
    """

    card: AttackCard
    value: float
    numbers: Mapping[str, float]
    member_scores: np.ndarray
    other_scores: np.ndarray


def attack(
    model: nn.Module,
    name: str,
    *,
    forget: Set,
    retain: Set | None = None,
    test: Set | None = None,
    validation: Set | None = None,
    retrained: nn.Module | None = None,
    shadows: Mapping[str, Shadows] | None = None,
    augment: Augment | None = None,
    device: str | torch.device | None = None,
) -> Attacked:
    """Ask of each forget sample whether the model was trained with it; no model is changed.

    Sets are those of `reunlearn.unlearn`, with true labels. The draws of an attack have a fixed seed: the same outputs
    give the same numbers, which are those of a study's attack.

    Args:
        model: a classifier, x [B, …] → logits [B, K]; asked in evaluation mode.
        name: an attack that `reunlearn.attacks()` lists.
        forget: the samples in question; the model was trained with them, whatever it did after that.
        retain: other samples that it was trained with.
        test: samples that it never saw.
        validation: more of these, for attacks that hold some out.
        retrained: a model trained without forget, for attacks that compare with one.
        shadows: pools of shadow models by kind (`pools` of the attack's card), for attacks that learn from them.
        augment: (x [B, …], CPU generator) → x [B, …], for attacks on augmented samples.
        device: where to compute; where the model is if None.

    Raises:
        UserError: in one line, what does not fit and what to do.
    """
    who, card = f"attack '{name}'", card_of(name)
    where, pools = device_of(model, device), dict(shadows or {})
    for kind in card.pools:
        if kind not in pools:
            raise UserError(
                f"{who} learns from shadow models; give shadows={{'{kind}': reunlearn.Shadows(…)}}"
            )
    asked = {each for kind in card.pools for each in asked_of(kind)}
    given = {"forget": forget, "retain": retain, "test": test, "validation": validation}
    there = {each for each, source in given.items() if source is not None}
    arrays = read_sets(given, {*there, *card.sets, *asked}, who)
    attacked = copied(model, where)
    objective = make(objective_name(arrays), classes_of(attacked, arrays))
    sets = samples_of(arrays, where, augment)
    inputs = MeasureInputs(
        outputs=_outputs(attacked, sets, objective, who),
        reference=_outputs(copied(retrained, where), {"forget": sets["forget"]}, objective, who)
        if retrained is not None
        else None,
        pools={kind: pool_of(kind, pools[kind], sets, objective) for kind in card.pools},
    )
    try:
        measured = as_measure(name)(inputs)
    except ValueError as error:
        raise UserError(f"{who}: {error}") from error
    return _attacked(card, measured)


def card_of(name: str) -> AttackCard:
    """Return the card of an attack.

    Raises:
        UserError: there is no such attack, or it needs a library that is not installed.
    """
    if name not in plugin_names("attacks"):
        raise UserError(f"no attack '{name}'; {near(name, plugin_names('attacks'))}")
    if library := missing_library(name):
        raise UserError(f"attack '{name}' needs {library}, which is not installed; pip install '{EXTRA}'")
    card: AttackCard = get(name).CARD
    return card


def _attacked(card: AttackCard, measured: Measured) -> Attacked:
    value = measured.numbers[card.name]
    if value is None:
        broken = measured.facts["not_finite"]
        raise UserError(
            f"attack '{card.name}': an output of {broken} is not finite: it says nothing of members"
        )
    scores = measured.tables["scores"]
    return Attacked(
        card=card,
        value=value,
        numbers={key: number for key, number in measured.numbers.items() if number is not None},
        member_scores=scores["score"][scores["member"]],
        other_scores=scores["score"][~scores["member"]],
    )


class _Sets(dict[str, np.ndarray]):
    """Arrays by set; a set that is not there is the user's to give."""

    def __init__(self, arrays: Mapping[str, np.ndarray], who: str) -> None:
        super().__init__(arrays)
        self._who = who

    def __missing__(self, name: str) -> np.ndarray:
        raise UserError(f"{self._who} reads the {name} set; give {name}=…")


def _outputs(model: nn.Module, sets: Mapping[str, TensorSamples], objective: Objective, who: str) -> Outputs:
    """Return what a model answers on sets, and on some of them under their augmentation."""
    outputs = Outputs(
        _Sets({name: logits(model, samples, objective) for name, samples in sets.items()}, who),
        _Sets({name: samples.y.cpu().numpy() for name, samples in sets.items()}, who),
        _Sets({name: samples.index.cpu().numpy() for name, samples in sets.items()}, who),
    )
    for name in [each for each in AUGMENTED_SETS if each in sets and sets[each].augment]:
        generator = torch.Generator().manual_seed(AUGMENTATION_SEED)
        outputs.augmented_entropy[name] = entropy(logits(model, sets[name], objective, generator))
    return outputs
