"""What a specification says, as types: the plan builds them once, JSON is their written form, a stage reads them back.

Paths and digests are made from the written form, so equal specifications share their runs.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from reunlearn.base.hashing import full_digest, short_digest
from reunlearn.study.architectures import key_of
from reunlearn.study.cards import Modality, Part, Reading, Value
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.rows import Seeds
from reunlearn.study.scenario import AnyScenario


def _is_absent(value: object) -> bool:
    """Tell what the written form leaves out, so that what is asked for nowhere has the digest that it always had."""
    return not value


class Spec(BaseModel):
    """A part of a specification: immutable, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    def changed(self, **changes: Any) -> Self:
        """Return a copy with other values; `model_copy` would keep the digests of this one."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self)(**{**fields, **changes})

    @functools.cached_property
    def digest(self) -> str:
        """SHA-256 of the written form."""
        return full_digest(self.model_dump(mode="json"))

    @functools.cached_property
    def short(self) -> str:
        """Eight hex digits that name it in a path."""
        return self.digest[:8]


class DatasetSpec(Spec):
    """Which samples: of a user's own folder by a digest of what lies in it, wherever it lies; of what a network draws
    by a digest of all that it is asked for."""

    name: str
    modality: Modality
    train: int | None = None  # samples of the training set; None: all that validation leaves
    test: int | None = None  # samples of the test set; None: all that validation leaves
    validation: int = 0
    validation_from: Part = "train"  # official set that the validation samples are taken out of
    side: int | None = None  # height and width of the images of a user's own folder, or of drawn ones
    listing: str | None = None  # digest of such a folder, or of what is drawn

    @functools.cached_property
    def key(self) -> str:
        """What it is called on disk."""
        return f"{self.name}~{short_digest([self.listing, self.side])}" if self.listing else self.name


class ArchitectureSpec(Spec):
    """Which network: a user's own pretrained weights, or own code, also by what they hold."""

    name: str
    settings: dict[str, Value] = {}
    weights: str | None = None  # SHA-256 of pretrained weights
    file: str | None = Field(None, exclude_if=_is_absent)  # of the user's, that defines it
    code: str | None = Field(None, exclude_if=_is_absent)  # digest of what that file computes

    @property
    def key(self) -> str:
        """See architectures.Architecture."""
        return key_of(self.name, self.file)

    def without_pretrained(self) -> ArchitectureSpec:
        """Return the same network, freshly initialised."""
        kept = {key: value for key, value in self.settings.items() if key != "pretrained"}
        return self.changed(settings=kept, weights=None)


class ObjectiveSpec(Spec):
    """What a model is trained for."""

    name: str
    settings: dict[str, Value] = {}


class PoisonSpec(Spec):
    """Which samples the original was taught with wrong labels."""

    scenario: AnyScenario
    split_seed: int


class TrainingSpec(Spec):
    """How original, retrained and shadow models are trained: all that they share."""

    dataset: DatasetSpec
    architecture: ArchitectureSpec
    recipe: NamedRecipe
    objective: ObjectiveSpec
    threads: int = 1
    poison: PoisonSpec | None = None
    given: str | None = Field(
        None, exclude_if=_is_absent
    )  # SHA-256 of the original's weights, where it is the user's


class PromptsSpec(Spec):
    """Prompts of a user's file, by what it holds: see generators.Prompts."""

    file: str
    prompt: str
    seed: str | None
    guidance: str | None
    sha256: str = ""  # of the file; nothing where it is not there yet
    lines: int = 0  # prompts in it


Sampler = Literal["ddim", "lms"]


class SamplingSpec(Spec):
    """How samples of a generator are drawn: see generators.Sampling."""

    images: int  # per class or prompt
    # the written form leaves DDIM out: it was the only one
    sampler: Sampler = Field("ddim", exclude_if=lambda sampler: sampler == "ddim")
    steps: int
    eta: float
    guidance: float
    clip: bool
    seed: int
    prompts: PromptsSpec | None = Field(None, exclude_if=_is_absent)

    def count(self, classes: int) -> int:
        """Return how many samples there are, of a dataset with so many classes."""
        return self.images * (self.prompts.lines if self.prompts else classes)


class SearchSpec(Spec):
    """The trials that settings are chosen from: values of the searched hyper-parameters; all on the same seeds."""

    candidates: tuple[dict[str, Value], ...]
    seeds: tuple[Seeds, ...]


class MethodSpec(Spec):
    """A method with every hyper-parameter filled in; those that are searched have a value once the choice is made."""

    name: str
    reading: Reading | None = None
    settings: dict[str, Value] = {}
    search: SearchSpec | None = Field(None, exclude_if=_is_absent)

    @property
    def trials(self) -> tuple[MethodSpec, ...]:
        """The specifications that it may become: itself where nothing is searched."""
        if self.search is None:
            return (self,)
        return tuple(self.chosen(values) for values in self.search.candidates)

    def chosen(self, values: dict[str, Value]) -> MethodSpec:
        """Return it with values for what was searched: an ordinary specification."""
        return self.changed(settings={**self.settings, **values}, search=None)


class RowSpec(Spec):
    """A row of a table: a method, its reading and a label, three columns from the study to the page.

    The references `retrain`, `noise_floor` and `original` are rows, too.
    """

    method: str
    reading: Reading | None = None
    label: str | None = None

    @functools.cached_property
    def name(self) -> str:
        """How the row is called in paths and headings; nothing reads it back."""
        name = f"{self.method}@{self.reading}" if self.reading else self.method
        return f"{name}+{self.label}" if self.label else name


RETRAIN = RowSpec(method="retrain")
NOISE_FLOOR = RowSpec(method="noise_floor")  # a second retrained model per seed: Retrain against Retrain
ORIGINAL = RowSpec(method="original")
REFERENCES = (RETRAIN, NOISE_FLOOR, ORIGINAL)


class MeasureSpec(Spec):
    """Something to measure on a model: a user's own weights also by what they hold."""

    name: str
    settings: dict[str, Value] = {}
    files: dict[str, str] = Field({}, exclude_if=_is_absent)  # SHA-256 of a user's files, by setting


class RunSpec(Spec):
    """A row on one set of seeds: where its model is, and where each measurement of it.

    Attributes:
        experiment: name.
        row: of the table.
        seeds: of training, split and method.
        scenario: of this run's step.
        training: of the model; its network is the method's own where that returns another.
        method: with every hyper-parameter; None for references.
        model: folder of the weights.
        samples: folder of what a generator draws.
        state: folders of the training-time state that the method read.
        measured: folder of each measurement.
        choice: folder of the choice among the trials, where the row's settings are searched.
    """

    experiment: str
    row: RowSpec
    seeds: Seeds
    scenario: AnyScenario
    training: TrainingSpec
    method: MethodSpec | None
    model: str
    samples: str | None = Field(None, exclude_if=_is_absent)
    state: tuple[str, ...] = ()
    measured: dict[str, str]
    choice: str | None = Field(None, exclude_if=_is_absent)
