"""What the numbers of samples forbid, as far as the plan can know them: batches of one, attacks on too few samples."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping

from reunlearn.base.errors import UserError
from reunlearn.study.cards import DatasetCard, MeasureCard, ModelCard
from reunlearn.study.recipes import NO_RECIPE, NamedRecipe
from reunlearn.study.schema import Experiment


def train_size(experiment: Experiment, data: DatasetCard) -> int:
    """Return the number of training samples of an experiment."""
    return experiment.dataset.train or data.train - experiment.dataset.held_out


def image_side(experiment: Experiment, data: DatasetCard, recipe: NamedRecipe) -> int:
    """Return the height and width of the images that a network gets."""
    return recipe.resize or experiment.dataset.side or data.shape[-1]


def check_batches(
    experiment: Experiment, network: ModelCard, data: DatasetCard, recipe: NamedRecipe, where: str
) -> None:
    """Refuse trainings in which one image is a batch, for a network that cannot be trained so.

    Args:
        experiment: says how many samples there are, and how many are forgotten.
        network: its card.
        data: card of the dataset, completed.
        recipe: says how large a batch is, and an image.
        where: begins the error line.
    """
    if recipe.name == NO_RECIPE:  # nothing is trained
        return
    if network.inputs != "images" or image_side(experiment, data, recipe) >= (network.alone or math.inf):
        return
    train = train_size(experiment, data)
    kept = itertools.accumulate(experiment.scenario.parts(data, train), operator.sub, initial=train)
    both, shadows = train + experiment.dataset.held_out, experiment.shadows
    halves = (both // 2, both - both // 2) if shadows and shadows.halves else ()
    for samples in (*kept, *halves):
        if recipe.batch_size == 1 or samples % recipe.batch_size == 1:
            raise UserError(
                f"{where}: {network.name} cannot be trained with one image as a batch (BatchNorm), and {samples} "
                f"samples in batches of {recipe.batch_size} leave one; change 'batch_size' of recipe "
                f"'{recipe.name}', or 'train'"
            )


def check_swapped(
    experiment: Experiment, measures: Mapping[str, MeasureCard], data: DatasetCard, where: str
) -> None:
    """Refuse a forget set that is to change places with fewer held-out samples; arguments as of `check_attacks`."""
    parts = experiment.scenario.parts(data, train_size(experiment, data))
    named = [entry.name for entry in experiment.measures if "swapped" in measures[entry.name].pools]
    if named and parts and parts[0] > experiment.dataset.held_out:
        raise UserError(
            f"{where}: measure '{named[0]}' lets {parts[0]} forget samples change places with held-out ones, there are "
            f"{experiment.dataset.held_out}; give 'dataset' a larger 'validation'"
        )


def check_attacks(
    experiment: Experiment, attacks: Mapping[str, MeasureCard], data: DatasetCard, where: str
) -> None:
    """Refuse attacks that need more samples of a set than there are.

    Args:
        experiment: says which attacks, and how many samples there are.
        attacks: cards of all attacks.
        data: card of the dataset, completed.
        where: begins the error line.
    """
    parts = experiment.scenario.parts(data, train_size(experiment, data))
    dataset = experiment.dataset
    counts = {"validation": dataset.validation, "test": dataset.test or data.test - dataset.off_test}
    if parts:
        counts["forget"] = min(parts)
    for attack in experiment.attacks:
        for name, least in attacks[attack].least.items():
            if counts.get(name, least) < least:
                raise UserError(
                    f"{where}: attack '{attack}' needs {least} {name} samples, there are {counts[name]}; "
                    "make that set larger or leave the attack out"
                )
