"""Generators → jobs: the samples of a model, and the training of the classifier that says what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.study import checks, paths
from reunlearn.study.counts import check_batches
from reunlearn.study.data_jobs import modules_of, prepare_job
from reunlearn.study.inputs import Folder, SampleInputs, TrainInputs
from reunlearn.study.jobs import SampleJob, TrainJob
from reunlearn.study.load import recipe_of
from reunlearn.study.measuring import Judge
from reunlearn.study.pretrained import specification_of
from reunlearn.study.specs import ObjectiveSpec, SamplingSpec, TrainingSpec

if TYPE_CHECKING:
    from reunlearn.study.expand import Expansion
    from reunlearn.study.seed_expansion import SeedExpansion

TAUGHT = "classification"  # the objective of classifiers


def add_judge(whole: Expansion, where: str) -> tuple[SamplingSpec, Judge]:
    """Add the training of an experiment's classifier; return it, and how samples are drawn.

    Raises:
        UserError: models are no generators, samples take too many steps, or the classifier does not fit the data.
    """
    experiment, cards = whole.experiment, whole.cards
    assert experiment.sampling and experiment.classifier  # the schema asks for both
    objective = cards.objectives[whole.training.objective.name]
    if "samples" not in objective.capabilities:
        raise UserError(
            f"{where}: 'sampling' is for generators; the objective '{objective.name}' gives no samples"
        )
    timesteps = int(whole.training.objective.settings["timesteps"] or 0)
    if experiment.sampling.steps > timesteps:
        raise UserError(
            f"{where}: sampling: {experiment.sampling.steps} steps, but the objective has {timesteps} timesteps"
        )
    chosen, place = experiment.classifier, f"{where}, classifier"
    own = experiment.model_copy(
        update={
            "architecture": chosen.architecture,
            "recipe": chosen.recipe,
            "objective": None,
            "attacks": (),
        }
    )
    checks.check_names(own, cards, place)
    recipe = recipe_of(chosen.recipe, place)
    checks.check_network(own, cards, whole.data_card, recipe, place)
    network = cards.models[chosen.architecture.name]
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
        inputs=TrainInputs(data=whole.add(prepare_job(whole.dataset, experiment.dataset.folder))),
    )
    return SamplingSpec(**experiment.sampling.model_dump()), Judge(training, whole.add(job), modules)


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
