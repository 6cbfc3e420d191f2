"""The folders that jobs read, by their role: one type for each kind of job."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import ConfigDict, Field

Folder = str  # of the job that makes what is read
# a folder that few jobs read: the written form of the others leaves it out
Sometimes = Annotated[Folder | None, Field(exclude_if=lambda value: value is None)]
Several = Annotated[tuple[Folder, ...], Field(exclude_if=lambda value: not value)]  # likewise
KEYS = ConfigDict(extra="forbid")  # of written forms: a key that no field has belongs to another version


@dataclass(frozen=True)
class Inputs:
    """The folders that a job reads, by their role."""

    __pydantic_config__ = KEYS

    def folders(self) -> list[Folder]:
        """Return all of them, in the order of the fields."""
        folders: list[Folder] = []
        for value in vars(self).values():
            if isinstance(value, str):
                folders.append(value)
            elif isinstance(value, dict):
                folders += [f for part in value.values() for f in ([part] if isinstance(part, str) else part)]
            elif value is not None:
                folders += value
        return folders

    def opened(self) -> list[Folder]:
        """Return those of which it reads more than manifest and record."""
        return self.folders()


@dataclass(frozen=True, kw_only=True)
class DataInputs(Inputs):
    """A prepared dataset, and the split that says what a poisoned training was taught."""

    data: Folder
    taught: Folder | None = None


@dataclass(frozen=True, kw_only=True)
class SplitInputs(DataInputs):
    """What a scenario READS of trained models: `halves`, the blocks of that pool; `weights`, state of an original."""

    halves: Several = ()
    weights: Sometimes = None


@dataclass(frozen=True, kw_only=True)
class TrainInputs(DataInputs):
    """`split`: of retrained models, which see its retain set only."""

    split: Folder | None = None


@dataclass(frozen=True, kw_only=True)
class ShadowInputs(DataInputs):
    """`split`: whose retain set is learned; `splits`: of each step that is forgotten; `choice`: of settings."""

    split: Folder | None = None
    splits: tuple[Folder, ...] = ()
    choice: Sometimes = None


@dataclass(frozen=True, kw_only=True)
class StateInputs(DataInputs):
    """`split`: of kinds that depend on the forget set."""

    original: Folder
    split: Folder | None = None


@dataclass(frozen=True, kw_only=True)
class UnlearnInputs(DataInputs):
    """`original`: the model to start from, in later steps the run before; `state`: by kind; `choice`: of settings."""

    split: Folder
    original: Folder
    state: dict[str, Folder] = field(default_factory=dict)
    choice: Sometimes = None


@dataclass(frozen=True, kw_only=True)
class SampleInputs(DataInputs):
    """`model`: folder of the generator's weights."""

    model: Folder


@dataclass(frozen=True, kw_only=True)
class ProbeInputs(DataInputs):
    """`model`: folder of the weights."""

    split: Folder
    model: Folder


@dataclass(frozen=True, kw_only=True)
class ChooseInputs(Inputs):
    """Probes of the originals, one per seed; and of the trials, all seeds of the first one first."""

    originals: tuple[Folder, ...]
    trials: tuple[Folder, ...]


@dataclass(frozen=True, kw_only=True)
class MeasureInputs(Inputs):
    """What a measure reads; each is there only for measures whose card asks for it.

    Attributes:
        data, split: of the network's data.
        model: folder of the weights.
        outputs: measurement that holds the model's outputs.
        reference: likewise of Retrain; of the noise floor where the run is Retrain's own.
        reference_model: folder of its weights.
        original: measurement that holds the original's outputs.
        original_model: folder of its weights.
        pools: blocks by kind.
        samples: what a generator drew.
        classifier: folder of the weights of the network that says what samples show.
    """

    data: Folder | None = None
    split: Folder | None = None
    model: Folder | None = None
    outputs: Folder | None = None
    reference: Folder | None = None
    reference_model: Folder | None = None
    original: Folder | None = None
    original_model: Folder | None = None
    pools: dict[str, tuple[Folder, ...]] = field(default_factory=dict)
    samples: Sometimes = None
    classifier: Sometimes = None


@dataclass(frozen=True, kw_only=True)
class AggregateInputs(Inputs):
    """Every other job of the study; `measured`: those of them whose numbers and tables are gathered."""

    jobs: tuple[Folder, ...] = ()
    measured: tuple[Folder, ...] = ()

    def folders(self) -> list[Folder]:
        """Return every job once."""
        return list(self.jobs)

    def opened(self) -> list[Folder]:
        """Return the measurements."""
        return list(self.measured)


@dataclass(frozen=True, kw_only=True)
class ReportInputs(Inputs):
    """`results`: the tidy tables; `report`: the page, for tracking."""

    results: Folder
    report: Folder | None = None
