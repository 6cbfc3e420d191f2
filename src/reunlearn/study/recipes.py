"""How models are trained: what a recipe's file may say, how a study shortens one, what specifications hold."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from reunlearn.study.fields import Name, Strict, text_or_parts

NO_RECIPE = "none"  # instead of a name, where nothing is trained


def _is_off(value: float) -> bool:
    """Tell what the written form leaves out, so that recipes without it have the digest that they always had."""
    return not value


def _is_auto(engine: str) -> bool:
    return engine == "auto"


Engine = Literal["auto", "eager", "grouped", "graphed", "compiled"]


class Recipe(Strict):
    """How a model is trained, and how its inputs are prepared for it."""

    pretrained: bool = Field(
        False,
        description="whether training starts from pretrained weights, which the architecture then must name",
    )
    epochs: int = Field(ge=0, description="0 leaves pretrained weights as they are")
    retrain_epochs: int | None = Field(
        None, ge=1, description="of models trained without the forget set; as many as `epochs` if absent"
    )
    batch_size: int = Field(ge=1)
    optimizer: Literal["sgd", "adam", "adamw"] = "sgd"
    learning_rate: float = Field(gt=0)
    momentum: float = Field(0.9, ge=0, lt=1, description="SGD only")
    nesterov: bool = Field(False, description="SGD only")
    weight_decay: float = Field(0.0, ge=0)
    clip: float = Field(
        0.0,
        ge=0,
        exclude_if=_is_off,
        description="largest norm of the gradient of all weights; 0 does not clip",
    )
    average: float = Field(
        0.0,
        ge=0,
        lt=1,
        exclude_if=_is_off,
        description="decay per step of the moving average of the weights, which is kept in their place; 0 keeps the "
        "weights themselves",
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of the target spread over all classes")
    logit_std: float = Field(
        0.0,
        ge=0,
        description="coefficient of the mean standard deviation of a sample's logits, added to the loss",
    )
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
        "full",
        description="mixed: bfloat16 in forward passes of training and of methods that take optimizer steps, where a "
        "GPU or CPU (avx512_bf16, AMX) has it; full precision elsewhere. Models are always measured in full precision",
    )
    engine: Engine = Field(
        "auto",
        exclude_if=_is_auto,
        description="how steps are computed. auto: on a GPU as a CUDA graph where that can be captured, else one "
        "operation after the other (eager); small networks of a pool in groups (grouped). compiled: by torch, half a "
        "minute before the first step. What is asked for and cannot be had gives way to eager; the record says why",
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
        if not shortest and (self.warmup_epochs or self.milestones):
            raise ValueError("no epoch is trained: warmup_epochs and milestones mean nothing; leave them out")
        if not shortest:
            return self
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


class RecipeFile(Recipe):
    """How a model is trained, how its inputs are prepared for it, and where that comes from."""

    source: str = Field(description="paper, released code, or 'ours'")


class NamedRecipe(Recipe):
    """A recipe as specifications hold it: with the name of its file, which paths show."""

    name: str


def no_recipe() -> NamedRecipe:
    """Return a recipe for evaluation alone: the dataset's own normalisation, no resizing, no augmentation."""
    return NamedRecipe(name=NO_RECIPE, epochs=1, batch_size=1, learning_rate=1.0)


class RecipeEntry(Strict):
    """How the network is trained, where a study shortens a recipe: a name alone stands for one without changes."""

    name: Name = Field(description="a file of config/recipes, without .yaml")
    epochs: int | None = Field(None, ge=0, description="instead of the recipe's, of retrained models, too")
    retrain_epochs: int | None = Field(None, ge=1, description="of models trained without the forget set")
    warmup_epochs: int | None = Field(None, ge=0, description="instead of the recipe's")
    milestones: tuple[int, ...] | None = Field(None, description="instead of the recipe's")
    precision: Literal["full", "mixed"] | None = Field(None, description="instead of the recipe's")
    engine: Engine | None = Field(None, description="instead of the recipe's")

    @property
    def changes(self) -> dict[str, object]:
        """What takes the place of the recipe's own."""
        own = self.model_dump(exclude={"name"}, exclude_none=True)
        return {"retrain_epochs": None, **own} if "epochs" in own else own

    @property
    def words(self) -> str:
        """Its name and what is changed."""
        own = self.model_dump(exclude={"name"}, exclude_none=True)
        changed = ", ".join(f"{key} {_written(value)}" for key, value in own.items())
        return f"{self.name} ({changed})" if changed else self.name


def _written(value: Any) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def recipe_written_out(value: Any) -> Any:
    """Return the mapping that a recipe's name stands for."""
    return {"name": value} if isinstance(text_or_parts(value), str) else value
