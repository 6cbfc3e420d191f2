"""Generators → jobs: the samples of a model, and the training of the classifier that says what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.study import checks, paths
from reunlearn.study.counts import check_batches
from reunlearn.study.data_jobs import modules_of
from reunlearn.study.generators import Sampling
from reunlearn.study.inputs import Folder, SampleInputs, TrainInputs
from reunlearn.study.jobs import SampleJob, TrainJob
from reunlearn.study.load import recipe_of
from reunlearn.study.measuring import Judge
from reunlearn.study.pretrained import specification_of
from reunlearn.study.prompts import resolve_sampling
from reunlearn.study.schema import Classifier
from reunlearn.study.specs import ObjectiveSpec, SamplingSpec, TrainingSpec

if TYPE_CHECKING:
    from reunlearn.study.expand import Expansion
    from reunlearn.study.seed_expansion import SeedExpansion

TAUGHT = "classification"  # the objective of classifiers


def sampling_of(whole: Expansion, sampling: Sampling, where: str) -> SamplingSpec:
    """Return how samples are drawn by the network of an experiment.

    Raises:
        UserError: it is no generator, samples take too many steps, or it reads no prompts.
    """
    objective = whole.cards.objectives[whole.training.objective.name]
    if "samples" not in objective.capabilities:
        raise UserError(
            f"{where}: 'sampling' is for generators; the objective '{objective.name}' gives no samples"
        )
    timesteps = int(whole.training.objective.settings["timesteps"] or 0)
    if sampling.steps > timesteps:
        raise UserError(
            f"{where}: sampling: {sampling.steps} steps, but the objective has {timesteps} timesteps"
        )
    network = whole.cards.models[whole.training.architecture.key]
    if sampling.prompts and not network.reads_prompts:
        fitting = ", ".join(name for name, card in whole.cards.models.items() if card.reads_prompts)
        raise UserError(f"{where}: {network.name} draws from classes, not from prompts; {fitting} does")
    return resolve_sampling(sampling, where)[0]


def drawing_of(whole: Expansion, sampling: Sampling, where: str) -> SamplingSpec:
    """Return how the network of an experiment draws the experiment's dataset.

    Raises:
        UserError: it does not come trained, or draws images of another size; see `sampling_of`.
    """
    recipe, side = whole.training.recipe, whole.dataset.side
    network = whole.cards.models[whole.training.architecture.key]
    if not checks.comes_trained(whole.experiment, network):
        raise UserError(
            f"{where}: dataset: {network.name} knows nothing before it is trained, so it draws no dataset"
        )
    if recipe.resize and recipe.resize != side:
        raise UserError(
            f"{where}: dataset: 'side' is {side}, but recipe '{recipe.name}' resizes to {recipe.resize}; give both "
            "the same"
        )
    return sampling_of(whole, sampling, f"{where}: dataset")


def add_judge(whole: Expansion, chosen: Classifier, where: str) -> Judge:
    """Add the training of an experiment's classifier; return it.

    Raises:
        UserError: it does not fit the data.
    """
    experiment, cards, place = whole.experiment, whole.cards, f"{where}, classifier"
    own = experiment.model_copy(
        update={
            "architecture": chosen.architecture,
            "recipe": chosen.recipe,
            "objective": None,
            "original": None,
            "attacks": (),
        }
    )
    checks.check_names(own, cards, place)
    recipe = recipe_of(chosen.recipe, place)
    checks.check_network(own, cards, whole.data_card, recipe, place)
    network = cards.models[chosen.architecture.key]
    check_batches(own, network, whole.data_card, recipe, place)
    checks.check_pretrained(own, network, recipe, place)
    training = TrainingSpec(
        dataset=whole.dataset,
        architecture=specification_of(chosen.architecture, network),
        recipe=recipe,
        objective=ObjectiveSpec(name=TAUGHT, settings=dict(cards.objectives[TAUGHT].settings)),
        threads=experiment.threads,
    )
    modules = modules_of(training)
    job = TrainJob(
        "original",
        paths.original(training, chosen.seed),
        training,
        chosen.seed,
        modules=("reunlearn.stages.original", *modules),
        memory_mib=whole.memory_mib,
        inputs=TrainInputs(data=whole.add_data()),
    )
    return Judge(training, whole.add(job), modules)


def add_samples(seed: SeedExpansion, training: TrainingSpec, model: Folder) -> Folder:
    """Add the samples of a model; return their folder."""
    whole = seed.whole
    assert whole.sampling
    job = SampleJob(
        "sample",
        paths.samples(model, whole.sampling),
        training,
        whole.sampling,
        modules=("reunlearn.stages.sample", *modules_of(training)),
        memory_mib=whole.memory_mib,
        inputs=SampleInputs(data=seed.data, model=model),
    )
    return whole.add(job)
