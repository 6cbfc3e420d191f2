"""What a study file may say: the single source of its keys, their defaults, ranges and meaning.

The JSON schema in workflow/schemas and the table in config/README.md are generated from here.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]


class Strict(BaseModel):
    """A part of a study file; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dataset(Strict):
    """Which images, and how many of them."""

    name: Name = Field(description="a dataset that `reunlearn datasets` lists")
    train: int | None = Field(
        None, ge=2, description="training images, drawn class by class; all of them if absent"
    )
    validation: int = Field(0, ge=0, description="images held out of the official training set")
    folder: str | None = Field(None, description="your own folder, for datasets that nobody may hand out")
    side: int | None = Field(None, ge=4, description="height and width of the images of an image_folder")


class Architecture(Strict):
    """Which network."""

    name: Name = Field(description="a file of src/reunlearn/models")
    settings: dict[str, Any] = Field(default_factory=dict, description="its keyword arguments, such as width")


class Seeds(Strict):
    """Three seeds, never mixed."""

    train: int = Field(ge=0, description="initial weights and batch order of the original model")
    split: int = Field(ge=0, description="which samples are to be forgotten")
    method: int = Field(ge=0, description="random draws of the unlearning method, or of retraining")


# what each kind of scenario takes: wanted fields, then fields that it may have
SCENARIO_FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "random": ({"fraction"}, set()),
    "class": ({"classes"}, set()),
    "subclass": ({"subclasses"}, set()),
    "first": ({"count"}, {"classes"}),
    "label_flip": ({"count"}, {"pairs"}),
    "identities": ({"count"}, set()),
    "indices": ({"file"}, set()),
}


class Scenario(Strict):
    """What is to be forgotten."""

    kind: Literal["random", "class", "subclass", "first", "label_flip", "identities", "indices"] = Field(
        description="a random fraction; whole classes; whole sub-classes; the first samples of each class in the "
        "official order; samples trained with swapped labels; randomly drawn whole classes; a list of your own"
    )
    fraction: float | None = Field(None, gt=0, lt=1, description="share of the training set (random)")
    classes: tuple[int, ...] | None = Field(
        None, min_length=1, description="class numbers (class); of these only, else of all (first)"
    )
    subclasses: tuple[int, ...] | None = Field(None, min_length=1, description="sub-class numbers (subclass)")
    count: int | None = Field(
        None, ge=1, description="samples per class (first, label_flip), classes (identities)"
    )
    pairs: tuple[tuple[int, int], ...] | None = Field(
        None, min_length=1, description="classes whose labels are swapped (label_flip); drawn if absent"
    )
    file: str | None = Field(
        None, description="numbers into the official training set (indices): .npy, or text with one per line"
    )
    steps: int = Field(
        1, ge=1, description="above 1: forgotten in so many equal parts, each step from the model of the last"
    )
    step: int | None = Field(
        None, ge=1, description="only this one of the steps; all, a table each, if absent"
    )

    @model_validator(mode="after")
    def _complete(self) -> Scenario:
        wanted, allowed = SCENARIO_FIELDS[self.kind]
        every = {field for pair in SCENARIO_FIELDS.values() for fields in pair for field in fields}
        given = {field for field in every if getattr(self, field) is not None}
        for field in sorted(wanted - given):
            raise ValueError(f"scenario '{self.kind}' takes '{field}', which is missing")
        for field in sorted(given - wanted - allowed):
            raise ValueError(f"scenario '{self.kind}' does not take '{field}'")
        for name in ("classes", "subclasses"):
            twice = [c for c in getattr(self, name) or () if (getattr(self, name)).count(c) > 1]
            if twice:
                raise ValueError(f"{name}: {twice[0]} is there twice")
        swapped = [c for pair in self.pairs or () for c in pair]
        if len(set(swapped)) < len(swapped):
            raise ValueError("pairs: a class can be in one pair only")
        if self.step is not None and self.step > self.steps:
            raise ValueError(f"step {self.step} of {self.steps} steps")
        return self

    @property
    def name(self) -> str:
        """The scenario's name in paths and tables, such as random-0.2, class-3 or first-100-step2of4."""
        parts: list[Any] = [self.kind.replace("_", "-")]
        if self.fraction is not None:
            parts.append(f"{self.fraction:g}")
        if self.count is not None:
            parts.append(self.count)
        parts += self.classes or self.subclasses or ()
        parts += [f"{a}x{b}" for a, b in self.pairs or ()]
        if self.file is not None:
            parts.append(re.sub(r"[^A-Za-z0-9]+", "-", PurePath(self.file).stem))
        if self.steps > 1:
            parts.append(f"step{self.step}of{self.steps}" if self.step else f"{self.steps}steps")
        return "-".join(str(part) for part in parts)


class Method(Strict):
    """One row of the table."""

    name: Name = Field(description="a method that `reunlearn methods` lists")
    reading: Literal["paper", "code"] | None = Field(
        None, description="which reading, where the paper and its released code differ"
    )
    label: Name | None = Field(None, description="name of the row, to tell two settings of one method apart")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="hyper-parameters; they win over the preset and the defaults"
    )


class Shadows(Strict):
    """Models for attacks that learn from other models, trained in blocks of ten: multiples of ten grow best."""

    with_forget: int = Field(8, ge=0, le=1000, description="originals (trained with the forget set)")
    without_forget: int = Field(8, ge=0, le=1000, description="retrained models (without it), per split")
    halves: int = Field(
        0,
        ge=0,
        le=1000,
        multiple_of=2,
        description="each trained on a random half of training and validation set",
    )
    unlearned: int = Field(
        0, ge=0, le=1000, description="originals that then forgot by the row's method, per split and method"
    )


class Reported(Strict):
    """A paper's printed numbers, to stand beside ours."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\.csv$")] = Field(
        description="a file of config/reported"
    )
    where: dict[str, str] = Field(
        default_factory=dict,
        description="columns and what they must say, to choose one of the file's settings",
    )


class Experiment(Strict):
    """One table: a dataset, a network, a recipe, a scenario and the methods compared on them."""

    name: Name = Field(description="heading in the report")
    dataset: Dataset
    architecture: Architecture
    recipe: Name = Field(description="a file of config/recipes")
    scenario: Scenario
    seeds: tuple[int | Seeds, ...] = Field(
        min_length=1, description="one run per entry; a number k stands for train k, split k, method k"
    )
    methods: tuple[str | Method, ...] = Field(
        min_length=1, description="names (name@paper and name@code choose a reading) or mappings"
    )
    attacks: tuple[Name, ...] = Field((), description="attacks that `reunlearn attacks` lists")
    shadows: Shadows | None = Field(
        None, description="how many shadow models the attacks get; those that no attack reads are not trained"
    )
    reported: Reported | None = Field(None, description="printed numbers that the report compares ours with")
    relearn: int | None = Field(None, ge=1, description="measure relearn time: most epochs that it may take")
    noise_floor: bool = Field(True, description="a second retrained model per seed: Retrain against Retrain")
    threads: int = Field(1, ge=1, description="CPU threads of each job; part of the specification")

    @property
    def seed_triples(self) -> list[Seeds]:
        """The seeds with the short form written out."""
        return [s if isinstance(s, Seeds) else Seeds(train=s, split=s, method=s) for s in self.seeds]

    @property
    def method_entries(self) -> list[Method]:
        """The methods with the short form written out."""
        return [m if isinstance(m, Method) else _method_from_text(m) for m in self.methods]


class Study(Strict):
    """A study: what is run, and what comes out."""

    name: Name = Field(description="the same as the file's name")
    title: str = Field(description="heading of the report")
    description: str = Field("", description="a paragraph for the report")
    experiments: tuple[Experiment, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> Study:
        names = [e.name for e in self.experiments]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"two experiments are called {twice[0]!r}")
        return self


class Recipe(Strict):
    """How a model is trained, and how its inputs are prepared for it."""

    source: str = Field(description="paper, released code, or 'ours'")
    epochs: int = Field(ge=1)
    retrain_epochs: int | None = Field(
        None, ge=1, description="of models trained without the forget set; as many as `epochs` if absent"
    )
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD only")
    nesterov: bool = Field(False, description="SGD only")
    weight_decay: float = Field(0.0, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    schedule: Literal["constant", "cosine", "linear", "exponential", "multistep"] = Field(
        "constant", description="of the learning rate, after the warm-up"
    )
    schedule_end: float = Field(
        0.001,
        ge=0,
        le=1,
        description="linear, exponential: last rate as a share of the first; cosine ends at 0",
    )
    schedule_per: Literal["epoch", "step"] = Field("epoch", description="when the learning rate changes")
    milestones: tuple[int, ...] = Field((), description="epochs after which multistep divides by ten")
    warmup_epochs: int = Field(
        0, ge=0, description="epochs in which the rate rises linearly to learning_rate"
    )
    precision: Literal["full", "mixed"] = Field(
        "full", description="mixed: bfloat16 where a GPU has it; a CPU always computes in full precision"
    )
    augmentation: tuple[Literal["crop", "flip", "rotation", "randaugment"], ...] = Field(
        (), description="of training images, in this order"
    )
    crop_padding: int = Field(4, ge=1, description="black pixels on each side before a random crop")
    rotation_degrees: float = Field(20.0, gt=0, le=180, description="largest random angle to either side")
    randaugment_operations: int = Field(2, ge=1, description="operations per image")
    randaugment_magnitude: int = Field(9, ge=0, le=30, description="of those operations that have one")
    resize: int | None = Field(
        None, ge=1, description="height and width that images are resized to, in training and evaluation"
    )
    interpolation: Literal["bilinear", "bicubic"] = Field("bilinear", description="of resize")
    mean: tuple[Annotated[float, Field(ge=0, le=1)], ...] | None = Field(
        None, description="per channel, of pixels in [0, 1]; the dataset's own if absent"
    )
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(None, description="as mean")
    group_by_length: bool = Field(False, description="texts of like length share a training batch")

    @model_validator(mode="after")
    def _schedule_fits(self) -> Recipe:
        shortest = min(self.epochs, self.retrain_epochs or self.epochs)
        marks = (self.warmup_epochs, *self.milestones)
        if self.warmup_epochs >= shortest:
            raise ValueError(
                f"warmup_epochs {self.warmup_epochs} leaves nothing of {shortest} epochs; lower it"
            )
        if self.warmup_epochs == 1 and self.schedule_per == "epoch":
            raise ValueError("a warm-up of one epoch changes nothing per epoch; set schedule_per to step")
        if (self.schedule == "multistep") != bool(self.milestones):
            raise ValueError("milestones and schedule multistep come together; give both or neither")
        if any(a >= b for a, b in zip(marks, (*self.milestones, shortest), strict=True)):
            raise ValueError(f"milestones must rise, after {self.warmup_epochs} and before {shortest} epochs")
        if self.schedule == "exponential" and not self.schedule_end:
            raise ValueError("schedule exponential never reaches 0; give a schedule_end above 0")
        return self

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        if self.nesterov and (self.optimizer != "sgd" or not self.momentum):
            raise ValueError("nesterov needs optimizer sgd and a momentum above 0")
        if (self.mean and len(self.mean)) != (self.std and len(self.std)):
            raise ValueError("mean and std come together, with one number per channel each")
        return self


def _method_from_text(text: str) -> Method:
    name, _, reading = text.partition("@")
    return Method.model_validate({"name": name, "reading": reading or None})
