"""What is to be forgotten: what every kind of scenario has, and how a kind is found by its name.

A kind is one file of src/reunlearn/data/scenarios with one class in it: the fields, the words for the report, the check
in the plan and the selection. The file's name is the kind in studies, paths and tables. The file is imported when a
study names it.
"""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    SerializeAsAny,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from reunlearn.base.errors import closest, near
from reunlearn.study.cards import DatasetCard
from reunlearn.study.fields import no_number_from_bool, text_or_parts

PACKAGE = "reunlearn.data.scenarios"
FOLDER = Path(__file__).resolve().parents[1] / "data" / "scenarios"
COMMON = ("kind", "steps", "step")  # the fields that every kind has
# the fields that hold numbers of classes, and what these are: a study may write names for them
OF_CLASSES = {"classes": "class", "pairs": "class", "subclasses": "sub-class"}


class Scenario(BaseModel):
    """What is to be forgotten.

    A kind is a subclass with fields of its own. A bare Scenario belongs to no kind: it stands where nobody said what is
    forgotten.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    FROM_PLAN: ClassVar[tuple[str, ...]] = ()  # fields that the plan fills in: a study may not have them
    POISONS: ClassVar[bool] = False  # the original is taught wrong labels
    SUBCLASSES: ClassVar[bool] = False  # the numbers of its classes are those of sub-classes
    DRAWS: ClassVar[bool] = True  # the split seed decides what is forgotten
    READS: ClassVar[tuple[str, ...]] = ()  # of trained models: fields of `inputs.SplitInputs`

    _numbers = field_validator("*", mode="wrap")(no_number_from_bool)

    kind: str = Field(default="", description="a file of src/reunlearn/data/scenarios")
    steps: int = Field(
        default=1,
        ge=1,
        description="above 1: forgotten in so many equal parts, each step from the model of the last",
    )
    step: int | None = Field(
        default=None, ge=1, description="only this one of the steps; all, a table each, if absent"
    )

    @model_validator(mode="before")
    @classmethod
    def _keys_fit(cls, content: Any) -> Any:
        """Refuse unknown and missing keys in one line; fill in the kind."""
        if not isinstance(content, dict) or cls is Scenario:
            return content
        kind = kind_of(cls)
        missing = [n for n, f in cls.model_fields.items() if f.is_required() and content.get(n) is None]
        unknown = [str(name) for name in content if name not in cls.model_fields]
        if missing:
            tail = f"; it {cls._refusal(unknown[0])}" if unknown else ""
            raise ValueError(f"scenario '{kind}' takes '{missing[0]}', which is missing{tail}")
        if unknown:
            raise ValueError(f"scenario '{kind}' {cls._refusal(unknown[0])}")
        return {**content, "kind": kind}

    @classmethod
    def _refusal(cls, key: str) -> str:
        keys = [name for name in cls.model_fields if name not in ("kind", *cls.FROM_PLAN)]
        return f"does not take '{key}'; {near(key, keys)}"

    @model_validator(mode="after")
    def _step_is_there(self) -> Scenario:
        if self.step is not None and self.step > self.steps:
            raise ValueError(f"step {self.step} of {self.steps} steps")
        return self

    @model_serializer(mode="wrap")
    def _without_nothing(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Return the written form: the fields that have a value."""
        return {key: value for key, value in write(self).items() if value is not None}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Return the JSON schema of what a study may write."""
        written = handler.resolve_ref_schema(handler(schema))
        keys = written["properties"]
        for name in cls.FROM_PLAN:
            del keys[name]
        for name in OF_CLASSES.keys() & keys.keys():
            keys[name] = {
                **_or_names(keys[name]),
                "description": f"{keys[name]['description']}; or their names",
            }
        del keys["kind"]["default"]
        keys["kind"] |= {"enum": kinds()} if cls is Scenario else {"const": kind_of(cls)}
        written["required"] = ["kind", *written.get("required", ())]
        return written

    @property
    def name(self) -> str:
        """The scenario's name in paths and tables, such as random-0.2, class-3 or first-100-step2of4."""
        parts = [self.kind.replace("_", "-"), *self.labels()]
        if self.steps > 1:
            parts.append(f"step{self.step}of{self.steps}" if self.step else f"{self.steps}steps")
        return "-".join(str(part) for part in parts)

    @property
    def summary(self) -> str:
        """What is forgotten, as the report says it; in steps also which part."""
        if self.steps == 1 or self.step is None:
            return self.words()
        return f"{self.words()}; part {self.step} of {self.steps}, from the models of the part before"

    @property
    def whole_classes(self) -> tuple[int, ...]:
        """The classes that the study names and that are forgotten whole, in all steps together."""
        return ()

    @property
    def limits_test(self) -> bool:
        """Whether test samples of forgotten classes are left out of the test set."""
        return False

    def labels(self) -> list[Any]:
        """Return what tells two scenarios of this kind apart: parts of the name, after the kind."""
        return []

    def words(self) -> str:
        """Return what is forgotten: the sentence part that follows "to be forgotten:" in the report."""
        raise NotImplementedError

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse what a dataset cannot give, before any data are read.

        Args:
            card: the dataset's card, completed.
            train: number of training samples of the study.
            where: begins the error line.

        Raises:
            UserError: the dataset lacks a class, a sub-class or samples, or nothing would be left to retain.
        """

    def parts(self, card: DatasetCard, train: int) -> tuple[int, ...]:
        """Return the number of samples that each step forgets; nothing where only the data can tell.

        Args:
            card: the dataset's card, completed.
            train: number of training samples of the study.
        """
        return ()

    def select(self, samples: Any, split_seed: int) -> Any:
        """Return which samples are forgotten in which step.

        Args:
            samples: the training set, a `reunlearn.data.scenarios.registry.TrainingSet`.
            split_seed: of everything that the scenario draws.

        Returns:
            A `reunlearn.data.scenarios.registry.Selection`.

        Raises:
            UserError: a class or a sample is not there; there are more steps than things to forget.
        """
        raise NotImplementedError

    def resolved(self, models: str = "") -> Scenario:
        """Return the scenario as a specification holds it: the fields FROM_PLAN filled in, files named by content.

        Args:
            models: eight hex digits of the models that the scenario READS.
        """
        return self


def _or_names(schema: Any) -> Any:
    """Return a JSON schema in which text may stand wherever a whole number does."""
    if isinstance(schema, dict) and schema.get("type") == "integer":
        return {"anyOf": [schema, {"type": "string"}]}
    if isinstance(schema, dict):
        return {key: _or_names(value) for key, value in schema.items()}
    return [_or_names(value) for value in schema] if isinstance(schema, list) else schema


@cache
def kinds() -> tuple[str, ...]:
    """Return the names of all kinds, sorted."""
    names = (path.stem for path in FOLDER.glob("*.py"))
    return tuple(sorted(name for name in names if not name.startswith("_") and name != "registry"))


def kind_of(cls: type[Scenario]) -> str:
    """Return the kind of a class: the name of its file."""
    return cls.__module__.rpartition(".")[2]


@cache
def kind_class(kind: str) -> type[Scenario]:
    """Return the class of a kind.

    Raises:
        ValueError: there is no such kind; the line names near ones.
    """
    if kind not in kinds():
        raise ValueError(f"no scenario '{kind}'; {near(kind, kinds())}")
    module = importlib.import_module(f"{PACKAGE}.{kind}")
    classes = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Scenario) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__file__}: holds {len(classes)} subclasses of Scenario; it should hold one")
    return classes[0]


def read_scenario(content: Any) -> Scenario:
    """Return the scenario that a study or a specification says.

    Args:
        content: a mapping with `kind` and the kind's fields, or a scenario.

    Raises:
        ValueError: there is no such kind, or its fields do not fit (pydantic's ValidationError is a ValueError).
    """
    if isinstance(content, Scenario):
        return content
    if not isinstance(content, dict):
        raise ValueError(f"a scenario is a mapping with 'kind', not {content!r}")
    if "kind" not in content:
        meant = [str(key) for key in content if closest(str(key), ["kind"])]
        hint = f"; '{meant[0]}' is no key of it" if meant else ""
        raise ValueError(f"a scenario takes 'kind', which is missing{hint}; known: {', '.join(kinds())}")
    return kind_class(str(text_or_parts(content["kind"]))).model_validate(content)


def as_studies_write(scenario: Scenario) -> Scenario:
    """Return the scenario; refuse one with fields that only the plan fills in."""
    for name in scenario.FROM_PLAN:
        if getattr(scenario, name) is not None:
            raise ValueError(f"scenario '{scenario.kind}' {scenario._refusal(name)}")
    return scenario


class _AnyKind:
    """In the JSON schema, a scenario is one of the kinds."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"oneOf": [kind_class(kind).model_json_schema() for kind in kinds()], "title": "Scenario"}


# for fields of specifications, and for those of studies; both are read from and written to the flat form
# {kind: random, fraction: 0.2, steps: 1}
AnyScenario = Annotated[Scenario, BeforeValidator(read_scenario), SerializeAsAny(), _AnyKind()]
StudyScenario = Annotated[AnyScenario, AfterValidator(as_studies_write)]
