"""What a row of a table is made from: a method with its settings, and three seeds. Both have a short form."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from reunlearn.study.fields import (
    LAST_METHOD_SEED,
    LAST_SPLIT_SEED,
    LAST_TRAIN_SEED,
    METHOD_REASON,
    SPLIT_REASON,
    TRAIN_REASON,
    MethodSeed,
    Name,
    Settings,
    ShortSeed,
    SplitSeed,
    Strict,
    TrainSeed,
    method_name,
    text_or_parts,
)
from reunlearn.study.searching import Space


class Seeds(Strict):
    """Three seeds, which are never mixed."""

    train: TrainSeed = Field(
        description="seed of the original model: its first weights and the order of its batches; "
        f"at most {LAST_TRAIN_SEED:,}, since {TRAIN_REASON}"
    )
    split: SplitSeed = Field(
        description="seed of the forget set: which samples are to be forgotten; "
        f"at most {LAST_SPLIT_SEED}, since {SPLIT_REASON}"
    )
    method: MethodSeed = Field(
        description="seed of the unlearning method's random draws, and of the retrained model; "
        f"at most {LAST_METHOD_SEED}, since {METHOD_REASON}"
    )


def _seeds_written_out(value: Any) -> Any:
    """Return the three seeds that a single one stands for."""
    return value if isinstance(value, dict | Seeds) else {"train": value, "split": value, "method": value}


class Method(Strict):
    """One row of the table: a method, one of its readings, and its settings."""

    name: Annotated[Name, AfterValidator(method_name)] = Field(
        description="a method that `reunlearn methods` lists"
    )
    reading: Literal["paper", "code"] | None = Field(
        None,
        description="for a method whose paper and released code differ: which of the two is followed; "
        "absent for all others",
    )
    label: Name | None = Field(
        None, description="a name of the row's own, to tell two settings of one method apart"
    )
    recipe: Name | None = Field(
        None,
        description="another recipe for this row's original, where its paper trains that otherwise; needs a label. "
        "Retrain stays the experiment's",
    )
    settings: Settings = Field(
        default_factory=dict,
        description="hyper-parameters; what stands here wins over the preset, the preset over the defaults",
    )
    search: Space = Field(
        default_factory=dict,
        description="hyper-parameters to search: for each a list of values, or a Range; the experiment's own "
        "`search` says how",
    )
    log: tuple[Name, ...] | None = Field(
        None, description="what the method notes while it runs; absent: what the experiment's `log` says"
    )

    @model_validator(mode="after")
    def _is_told_apart(self) -> Method:
        if self.recipe and not self.label:
            raise ValueError(f"a row with a recipe of its own needs a label, such as 'label: {self.recipe}'")
        for name in self.settings.keys() & self.search.keys():
            raise ValueError(f"'{name}' is both in settings and in search")
        return self


def _method_written_out(value: Any) -> Any:
    """Return the mapping that `name` or `name@reading` stands for."""
    if not isinstance(text_or_parts(value), str):
        return value
    name, at, reading = value.partition("@")
    if at and reading not in ("paper", "code"):
        raise ValueError(f"{value!r} names no reading; write {name}@paper or {name}@code")
    return {"name": name, "reading": reading} if at else {"name": name}


# as a study file may write them: a number stands for three seeds, a text for a method
SeedsEntry = Annotated[Seeds, BeforeValidator(_seeds_written_out, json_schema_input_type=ShortSeed | Seeds)]
MethodEntry = Annotated[Method, BeforeValidator(_method_written_out, json_schema_input_type=str | Method)]


class Search(Strict):
    """How settings are searched: the trials of each row that has a `search`, on other seeds than the table's."""

    budget: int = Field(ge=2, le=1000, description="most trials of a row, the same for all rows")
    draw: int = Field(0, ge=0, description="seed of the draws where a space is larger than the budget")
    seeds: tuple[SeedsEntry, ...] = Field(
        min_length=1,
        description="of the trials, each on all of them: train, split and method are none of the experiment's",
    )
