"""What a study file may say: the single source of its keys, their defaults, ranges and meaning.

The JSON schema in workflow/schemas and the table in config/README.md are generated from here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reunlearn.study.cards import Part
from reunlearn.study.fields import Name, Settings, Strict, TrainSeed, text_or_parts
from reunlearn.study.generators import Sampling
from reunlearn.study.recipes import RecipeEntry, recipe_written_out
from reunlearn.study.rows import MethodEntry, Search, Seeds, SeedsEntry
from reunlearn.study.scenario import StudyScenario
from reunlearn.study.specs import NOISE_FLOOR, RETRAIN, RowSpec

Hashed = TypeVar("Hashed", bound=Hashable)


def _first_twice(values: Iterable[Hashed]) -> Hashed | None:
    """Return the first value that was there before; None if there is none."""
    seen: set[Hashed] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _distinct_names(names: tuple[str, ...]) -> tuple[str, ...]:
    if twice := _first_twice(names):
        raise ValueError(f"{twice!r} is there twice")
    return names


Names = Annotated[tuple[Name, ...], AfterValidator(_distinct_names)]


class Dataset(Strict):
    """Which samples there are, and how many of them are used."""

    name: Name = Field(description="a dataset that `reunlearn datasets` lists")
    train: int | None = Field(
        None, ge=2, description="number of training samples, drawn with the classes' shares; all if absent"
    )
    test: int | None = Field(
        None, ge=2, description="number of test samples, drawn with the classes' shares; all if absent"
    )
    validation: int = Field(0, ge=0, description="number of samples that are taken out to validate")
    validation_from: Part = Field(
        "train",
        description="official set that they are taken out of; what is left of it is trained or tested on",
    )
    folder: str | None = Field(None, description="folder of your own, for data that nobody may hand out")
    side: int | None = Field(
        None, ge=4, description="height and width in pixels, for image_folder and drawn only"
    )
    drawn: Sampling | None = Field(
        None,
        description="for drawn only: the samples that the experiment's network draws, before it forgets, of each line "
        "of `prompts`: a class each, the first one class 0; every fifth is a test sample",
    )

    @property
    def held_out(self) -> int:
        """How many validation samples are taken out of the official training set."""
        return self.validation if self.validation_from == "train" else 0

    @property
    def off_test(self) -> int:
        """How many validation samples are taken out of the official test set."""
        return self.validation - self.held_out

    @model_validator(mode="after")
    def _source_is_used(self) -> Dataset:
        if self.drawn and not self.drawn.prompts:
            raise ValueError("drawn: give 'prompts', a file with a line for each class")
        if self.drawn and self.drawn.images < 2:
            raise ValueError("drawn: images: at least 2 of a class are needed, to train and to test")
        if self.validation_from == "test" and not self.validation:
            raise ValueError(
                "validation_from: test takes nothing out of the test set; give 'validation' a number"
            )
        return self


class Architecture(Strict):
    """Which network is trained."""

    name: Name = Field(description="a network that `reunlearn models` lists: a file of src/reunlearn/models")
    settings: Settings = Field(
        default_factory=dict, description="settings of the network, such as width; its own defaults if absent"
    )


class Shadows(Strict):
    """How many shadow models are trained, for attacks that learn from other models.

    They are trained in blocks of ten; a pool that grows from ten to twenty trains one block more and no other.
    """

    with_forget: int = Field(
        8, ge=0, le=1000, description="models trained as the original is, on the whole training set"
    )
    without_forget: int = Field(
        8, ge=0, le=1000, description="models trained without the forget set, so many for each split"
    )
    halves: int = Field(
        0,
        ge=0,
        le=1000,
        multiple_of=2,
        description="models of which each is trained on a random half of training and validation set",
    )
    unlearned: int = Field(
        0,
        ge=0,
        le=1000,
        description="models of `with_forget` that then forget by the row's method, so many for each split and row",
    )
    swapped: int = Field(
        0, ge=0, le=1000, description="partners of `unlearned`: forget and held-out samples changed places"
    )


class Objective(Strict):
    """What models are trained for, where it is not the classification of the dataset's modality."""

    name: Name = Field(description="a file of src/reunlearn/objectives")
    settings: Settings = Field(default_factory=dict, description="its keyword arguments")


class Classifier(Strict):
    """The network that says what samples show; the pipeline trains it on the dataset's training set."""

    architecture: Architecture = Field(description="the network")
    recipe: Annotated[
        RecipeEntry, BeforeValidator(recipe_written_out, json_schema_input_type=str | RecipeEntry)
    ] = Field(description="how it is trained")
    seed: TrainSeed = Field(0, description="of its training: one classifier for all models")


class Measure(Strict):
    """Something to measure on every model, besides what is measured by default."""

    name: Name = Field(description="a measure or an attack that `reunlearn measures` lists")
    settings: Settings = Field(default_factory=dict, description="its settings, such as cap")


def _measure_written_out(value: Any) -> Any:
    """Return the mapping that a measure's name stands for."""
    return {"name": value} if isinstance(text_or_parts(value), str) else value


MeasureEntry = Annotated[Measure, BeforeValidator(_measure_written_out, json_schema_input_type=str | Measure)]


class Reported(Strict):
    """A paper's printed numbers, to stand beside ours."""

    file: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*\.csv$")] = Field(
        description="a file of config/reported"
    )
    where: dict[str, str] = Field(
        default_factory=dict,
        description="columns and the values that their lines must have, to choose one setting of the file",
    )


class Experiment(Strict):
    """One table: a dataset, a network, a recipe, a scenario and the methods that are compared on them."""

    name: Name = Field(description="heading in the report")
    dataset: Dataset = Field(description="the samples")
    architecture: Architecture = Field(description="the network")
    recipe: Annotated[
        RecipeEntry, BeforeValidator(recipe_written_out, json_schema_input_type=str | RecipeEntry)
    ] = Field(
        description="how the network is trained: a file of config/recipes, without .yaml; a mapping shortens it"
    )
    scenario: StudyScenario = Field(description="what is to be forgotten")
    seeds: tuple[SeedsEntry, ...] = Field(
        min_length=1, description="one run each; a number k stands for train k, split k, method k"
    )
    methods: tuple[MethodEntry, ...] = Field(
        min_length=1,
        description="the rows; a name, name@paper or name@code stands for a mapping without label and settings",
    )
    attacks: Names = Field((), description="membership-inference attacks that `reunlearn attacks` lists")
    shadows: Shadows | None = Field(
        None, description="how many shadow models there are; those that no attack reads are not trained"
    )
    reported: Reported | None = Field(
        None, description="a paper's numbers that the report shows beside the measured ones"
    )
    log: Names = Field(
        (),
        description="what the methods note while they run, those that can: losses and lambda per step, conflicts and "
        "cosines per epoch; a logged run is a run of its own",
    )
    retrain: bool = Field(
        True,
        description="train a model without the forget set; without it rows stand beside the original alone: where "
        "nobody can train as the weights were trained",
    )
    noise_floor: bool = Field(
        True, description="train a second retrained model for each seed and compare Retrain with Retrain"
    )
    threads: int = Field(
        1,
        ge=1,
        le=256,
        description="CPU threads of each job; another number can give other last digits, so other runs",
    )
    objective: Objective | None = Field(
        None,
        description="what models are trained for; the classification of the dataset's images or texts if absent",
    )
    sampling: Sampling | None = Field(None, description="of generators: how many samples are drawn, and how")
    classifier: Classifier | None = Field(None, description="of generators: what says what samples show")
    measures: tuple[MeasureEntry, ...] = Field(
        (), description="what is measured besides the defaults: names or mappings, such as relearn_time"
    )
    tables: Names | None = Field(
        None,
        description="tables of its section, in this order, of `reunlearn tables`; `defaults` stands for the defaults "
        "that are not named; only they if absent",
    )
    figures: Names | None = Field(None, description="as tables, of `reunlearn figures`")
    search: Search | None = Field(None, description="how the settings of rows with a `search` are chosen")

    @property
    def references(self) -> tuple[RowSpec, ...]:
        """The rows that are retrained: Retrain and its noise floor, as far as they are wanted."""
        if not self.retrain:
            return ()
        return (RETRAIN, NOISE_FLOOR) if self.noise_floor else (RETRAIN,)

    @model_validator(mode="after")
    def _no_seed_twice(self) -> Experiment:
        if seeds := _first_twice(self.seeds):
            numbers = ", ".join(f"{name} {seed}" for name, seed in seeds)
            raise ValueError(f"seeds: {numbers} is there twice")
        return self

    @model_validator(mode="after")
    def _samples_are_judged(self) -> Experiment:
        prompted = self.sampling is not None and self.sampling.prompts is not None
        if self.classifier and not self.sampling:
            raise ValueError("'classifier' without 'sampling': there are no samples for it to look at")
        if self.classifier and prompted:
            raise ValueError("'classifier' with 'prompts': a prompt is of no class; take one of them out")
        if self.sampling and not prompted and not self.classifier:
            raise ValueError("'sampling' without 'classifier': nothing says which class a sample shows")
        return self

    @model_validator(mode="after")
    def _searched_elsewhere(self) -> Experiment:
        searched = [m.name for m in self.methods if m.search]
        if self.search is None:
            if searched:
                raise ValueError(
                    f"'{searched[0]}' has a search, but nothing says how; add 'search' with a budget"
                )
            return self
        if not self.dataset.validation:
            raise ValueError("search chooses by held-out samples; give 'dataset' a 'validation'")
        if twice := _first_twice(self.search.seeds):
            raise ValueError(f"search.seeds: {twice} is there twice")
        for name in Seeds.model_fields:
            shown = {getattr(seeds, name) for seeds in self.seeds}
            if both := shown & {getattr(seeds, name) for seeds in self.search.seeds}:
                raise ValueError(f"search.seeds: {name} {min(both)} is a seed of the table; search on others")
        return self


class Study(Strict):
    """A study: what is run, and what comes out."""

    name: Name = Field(description="the name of the study's file, without .yaml")
    title: str = Field(description="heading of the report")
    description: str = Field("", description="a paragraph for the report")
    experiments: tuple[Experiment, ...] = Field(min_length=1, description="the tables")
    paper: Name | None = Field(None, description="a file of config/papers, whose claims the report tests")
    tables: Names | None = Field(
        None, description="tables over all experiments, in this order; the defaults if absent"
    )
    figures: Names | None = Field(None, description="as tables")

    @model_validator(mode="after")
    def _distinct(self) -> Study:
        names = [e.name for e in self.experiments]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"two experiments are called {twice[0]!r}")
        return self
