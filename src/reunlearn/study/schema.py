"""What a study file may say: the single source of its keys, their defaults, ranges and meaning.

The JSON schema in workflow/schemas and the table in config/README.md are generated from here.
"""

from __future__ import annotations

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


class Architecture(Strict):
    """Which network."""

    name: Name = Field(description="a file of src/reunlearn/models")
    settings: dict[str, Any] = Field(default_factory=dict, description="its keyword arguments, such as width")


class Seeds(Strict):
    """Three seeds, never mixed."""

    train: int = Field(ge=0, description="initial weights and batch order of the original model")
    split: int = Field(ge=0, description="which samples are to be forgotten")
    method: int = Field(ge=0, description="random draws of the unlearning method, or of retraining")


class Scenario(Strict):
    """What is to be forgotten."""

    kind: Literal["random", "class"] = Field(description="a random fraction, or whole classes")
    fraction: float | None = Field(None, gt=0, lt=1, description="share of the training set (random)")
    classes: tuple[int, ...] | None = Field(None, min_length=1, description="class numbers (class)")

    @model_validator(mode="after")
    def _complete(self) -> Scenario:
        wanted = {"random": "fraction", "class": "classes"}[self.kind]
        other = {"random": "classes", "class": "fraction"}[self.kind]
        if getattr(self, wanted) is None or getattr(self, other) is not None:
            raise ValueError(f"scenario '{self.kind}' takes '{wanted}' and not '{other}'")
        return self

    @property
    def name(self) -> str:
        """The scenario's name in paths and tables, such as random-0.2 or class-3."""
        if self.kind == "random":
            return f"random-{self.fraction:g}"
        return "class-" + "-".join(str(c) for c in self.classes or ())


class Method(Strict):
    """One row of the table."""

    name: Name = Field(description="a method that `reunlearn methods` lists")
    fidelity: Literal["paper", "code"] | None = Field(
        None, description="which reading, where the paper and its released code differ"
    )
    label: Name | None = Field(None, description="name of the row, to tell two settings of one method apart")
    settings: dict[str, Any] = Field(
        default_factory=dict, description="hyper-parameters; they win over the preset and the defaults"
    )


class Shadows(Strict):
    """Models for attacks that learn from other models."""

    inside: int = Field(8, ge=2, description="originals (trained with the forget set)")
    outside: int = Field(8, ge=2, description="retrained models (without it)")


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
        None, description="shadow models per split, for the attacks that need them"
    )
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
    """How a model is trained."""

    source: str = Field(description="paper, released code, or 'ours'")
    epochs: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD only")
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["constant", "cosine", "linear", "multistep"] = Field(
        "constant", description="per epoch; linear ends at a thousandth of the start"
    )
    milestones: tuple[int, ...] = Field((), description="epochs after which multistep divides by ten")
    augmentation: tuple[Literal["crop", "flip"], ...] = Field(
        (), description="random crop with padding 4, flip"
    )


def _method_from_text(text: str) -> Method:
    name, _, fidelity = text.partition("@")
    return Method.model_validate({"name": name, "fidelity": fidelity or None})
