"""The jobs of a study, one type per kind of specification; the written form of a job is its specification.json."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.base.hashing import full_digest
from reunlearn.study.inputs import (
    KEYS,
    ChooseInputs,
    DataInputs,
    Inputs,
    MeasureInputs,
    ProbeInputs,
    SampleInputs,
    ShadowInputs,
    SplitInputs,
    StateInputs,
    TrainInputs,
    UnlearnInputs,
)
from reunlearn.study.scenario import AnyScenario
from reunlearn.study.specs import (
    ArchitectureSpec,
    DatasetSpec,
    MeasureSpec,
    MethodSpec,
    SamplingSpec,
    TrainingSpec,
)

JobT = TypeVar("JobT", bound="Job")

WRITTEN_BY = "`make dry-run STUDY=NAME` writes those of a study"
Rarely = Annotated[
    bool, Field(exclude_if=lambda value: not value)
]  # the written form of most jobs leaves it out
HINTS = ("modules", "memory_mib")  # of a job: they change no result, so its digest leaves them out


@dataclass(frozen=True)
class Job:
    """One job: a stage, the folder that it fills, and what its code is.

    Attributes:
        stage: name.
        folder: below the project.
        modules: where its code starts: the stage and the plugins that it names.
        memory_mib: that it is expected to take.
    """

    __pydantic_config__ = KEYS

    stage: str
    folder: str
    modules: tuple[str, ...] = field(default=(), kw_only=True)
    memory_mib: int = field(default=1000, kw_only=True)
    inputs: Inputs = field(default=Inputs(), kw_only=True)

    def document(self) -> dict[str, Any]:
        """Return the written form."""
        document: dict[str, Any] = adapter(type(self)).dump_python(self, mode="json")
        return document

    @property
    def digest(self) -> str:
        """SHA-256 of the written form without what changes no result."""
        return full_digest({k: v for k, v in self.document().items() if k not in HINTS})

    @property
    def threads(self) -> int:
        """CPU threads that it may use."""
        training = getattr(self, "training", None)
        return training.threads if training else 1


@dataclass(frozen=True)
class PrepareJob(Job):
    """Official files → plain arrays. `source`: a user's own folder."""

    dataset: DatasetSpec
    source: str | None = None


@dataclass(frozen=True)
class DrawJob(Job):
    """Prompts → plain arrays: samples of a network that comes trained, a class for each prompt."""

    training: TrainingSpec
    sampling: SamplingSpec
    channels: int


@dataclass(frozen=True)
class SplitJob(Job):
    """What is to be forgotten; `swapped`: held-out samples, which change places with what the scenario chooses."""

    dataset: DatasetSpec
    scenario: AnyScenario
    split_seed: int
    swapped: Rarely = False
    inputs: SplitInputs = field(kw_only=True)


@dataclass(frozen=True)
class TrainJob(Job):
    """Train the original, or a retrained model."""

    training: TrainingSpec
    seed: int
    inputs: TrainInputs = field(kw_only=True)


@dataclass(frozen=True)
class GivenJob(Job):
    """A model that the user brought: its weights are checked and copied.

    Attributes:
        weights: path of the file.
        sha256: of its content.
        ignore: layers of the file that are left out.
    """

    training: TrainingSpec
    weights: str
    sha256: str
    ignore: tuple[str, ...] = ()
    inputs: DataInputs = field(kw_only=True)


@dataclass(frozen=True)
class PoolMethod:
    """How the models of the pool `unlearned` forget: the method, and the scenario of each step."""

    __pydantic_config__ = KEYS

    method: MethodSpec
    scenarios: tuple[AnyScenario, ...]
    result: ArchitectureSpec | None = None  # the network that the method returns, where it is another


@dataclass(frozen=True)
class ShadowJob(Job):
    """A block of a pool of shadow models.

    Attributes:
        kind: of the pool.
        first: number of the block's first model in the pool.
        count: models of the block.
        first_seed: seed of its first model.
        forgetting: of the pools `unlearned` and `swapped`.
    """

    training: TrainingSpec
    kind: str
    first: int
    count: int
    first_seed: int
    forgetting: PoolMethod | None = None
    inputs: ShadowInputs = field(kw_only=True)


@dataclass(frozen=True)
class StateJob(Job):
    """Training-time state of one kind; `scenario`: that reads it, where that is no method."""

    training: TrainingSpec
    kind: str
    seed: int
    result: ArchitectureSpec | None = None
    scenario: Annotated[AnyScenario | None, Field(exclude_if=lambda value: value is None)] = None
    inputs: StateInputs = field(kw_only=True)


@dataclass(frozen=True)
class UnlearnJob(Job):
    """One method on one original; `log`: what it notes while it runs, of study/logs.py."""

    training: TrainingSpec
    scenario: AnyScenario
    method: MethodSpec
    seed: int
    result: ArchitectureSpec | None = None
    log: tuple[str, ...] = ()
    inputs: UnlearnInputs = field(kw_only=True)


@dataclass(frozen=True)
class SampleJob(Job):
    """Samples of a generator: of every class, or of a user's prompts."""

    training: TrainingSpec
    sampling: SamplingSpec
    inputs: SampleInputs = field(kw_only=True)


@dataclass(frozen=True)
class ProbeJob(Job):
    """What a model of a search answers on training and validation data: never on test data."""

    training: TrainingSpec
    scenario: AnyScenario
    inputs: ProbeInputs = field(kw_only=True)


@dataclass(frozen=True)
class ChooseJob(Job):
    """The choice among the trials of a row."""

    method: MethodSpec
    inputs: ChooseInputs = field(kw_only=True)


@dataclass(frozen=True)
class MeasureJob(Job):
    """One measurement of one run. `training` only where the measure reads a network: the run's own, or, of samples,
    the one that says what they show."""

    measure: MeasureSpec
    training: TrainingSpec | None = None
    seed: int = 0
    inputs: MeasureInputs = field(kw_only=True)


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}


def adapter(kind: type) -> TypeAdapter[Any]:
    """Return what reads and writes a type of job: made once, for it takes milliseconds."""
    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def read_job(path: Path, kind: type[JobT]) -> JobT:
    """Read a specification file.

    Raises:
        UserError: there is none, or it holds something else.
    """
    try:
        content = read_json(path)
        job: JobT = adapter(kind).validate_python(content)
        return job
    except FileNotFoundError:
        raise UserError(f"{path}: no such specification; {WRITTEN_BY}") from None
    except (ValueError, ValidationError) as error:
        first = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: no specification of this version ({first}); {WRITTEN_BY}") from None


def stage_name(path: Path) -> str:
    """Return which stage a specification file is for.

    Raises:
        UserError: there is no such file, or it is none.
    """
    try:
        return str(read_json(path)["stage"])
    except FileNotFoundError:
        raise UserError(f"{path}: no such specification; {WRITTEN_BY}") from None
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{path}: cannot be read as a specification; {WRITTEN_BY}") from None


def field_names(kind: type[Job]) -> list[str]:
    """Return the names of a job type's fields."""
    return [f.name for f in dataclasses.fields(kind)]
