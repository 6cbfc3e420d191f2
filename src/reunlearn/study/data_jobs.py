"""The jobs on data that every study and every audit begins with, and where the code of networks and data starts."""

from __future__ import annotations

from reunlearn.base.hashing import full_digest
from reunlearn.study import own_networks, paths
from reunlearn.study.inputs import SplitInputs
from reunlearn.study.jobs import DrawJob, PrepareJob, SplitJob
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.specs import ArchitectureSpec, DatasetSpec, SamplingSpec, TrainingSpec


def modules_of(training: TrainingSpec, body: ArchitectureSpec | None = None) -> tuple[str, ...]:
    """Return where the code of a network, its objective and its data starts; `body`: of a network around another."""
    networks = [
        module for network in (body, training.architecture) if network for module in _network(network)
    ]
    operations = ("reunlearn.data.randaugment",) if "randaugment" in training.recipe.augmentation else ()
    return (
        *dict.fromkeys(networks),
        f"reunlearn.objectives.{training.objective.name}",
        f"reunlearn.data.modalities.{training.dataset.modality}",
        *operations,
    )


def _network(network: ArchitectureSpec) -> tuple[str, ...]:
    """Return where the code of a network starts."""
    if network.file and network.code:
        return own_networks.modules_of(network.file, network.code)
    return (f"reunlearn.models.{network.name}",)


def prepare_job(dataset: DatasetSpec, folder: str | None) -> PrepareJob:
    """Return the job that prepares a dataset, whatever part of it is used; `folder`: the user's own images."""
    return PrepareJob(
        "prepare",
        paths.prepared(dataset),
        whole(dataset),
        folder,
        modules=("reunlearn.stages.prepare", f"reunlearn.data.sets.{dataset.name}"),
    )


def draw_job(training: TrainingSpec, sampling: SamplingSpec, channels: int, memory_mib: int) -> DrawJob:
    """Return the job that draws a dataset, whatever part of it is used.

    Args:
        training: of the network that draws.
        sampling: how.
        channels: of the images.
        memory_mib: that it is expected to take.
    """
    return DrawJob(
        "draw",
        paths.prepared(training.dataset),
        training.changed(dataset=whole(training.dataset)),
        sampling,
        channels,
        modules=(
            "reunlearn.stages.draw",
            f"reunlearn.data.sets.{training.dataset.name}",
            *modules_of(training),
        ),
        memory_mib=memory_mib,
    )


def drawn_by(training: TrainingSpec, sampling: SamplingSpec) -> TrainingSpec:
    """Return the specification of a network that draws its own dataset: named by all that it is asked for."""
    network = training.changed(dataset=whole(training.dataset))
    listing = full_digest([network.digest, sampling.digest])
    return training.changed(dataset=training.dataset.changed(listing=listing))


def whole(dataset: DatasetSpec) -> DatasetSpec:
    """Return a dataset without what is said of the parts that are used."""
    return dataset.changed(train=None, test=None, validation=0, validation_from="train")


def split_job(
    dataset: DatasetSpec,
    name: str,
    scenario: AnyScenario,
    split_seed: int,
    inputs: SplitInputs,
    *,
    swapped: bool = False,
) -> SplitJob:
    """Return the job that chooses what is forgotten; `swapped`: and lets it change places with held-out samples."""
    return SplitJob(
        "split",
        paths.split(dataset, f"{name}-swapped" if swapped else name, split_seed),
        dataset,
        scenario,
        split_seed,
        swapped,
        modules=("reunlearn.stages.split", f"reunlearn.data.scenarios.{scenario.kind}"),
        inputs=inputs,
    )
