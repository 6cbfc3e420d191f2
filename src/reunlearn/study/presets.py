"""Presets: hyper-parameters of a method for some experiments, each entry with its source.

config/presets/METHOD.yaml is a list of entries. An entry fits an experiment where every condition of it holds. Of
those that fit, the most specific one is taken: it has all conditions that each other one has, and more; or the same,
with fewer values. Where there is no such entry, the plan refuses to choose.

A condition names one value, or a list of which one must hold. `any` holds always: an entry that has the condition so
wins over those that name a value.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import read_yaml
from reunlearn.study import load
from reunlearn.study.cards import MethodCard
from reunlearn.study.catalogue import catalogue
from reunlearn.study.fields import Name, Settings, Strict
from reunlearn.study.origin import MEANINGS, Provenance
from reunlearn.study.scenario import kind_class, kinds

ANY = "any"
# a field of the scenario that is no condition: all steps run with the same settings
WITHOUT_CONDITION = {"step"}

# the values of each condition by its name, such as scenario.count; no values: any holds
Values = tuple[Any, ...]


def _nesting(value: Any) -> int:
    """Return how many lists lie in each other."""
    return 1 + _nesting(value[0] if value else None) if isinstance(value, list | tuple) else 0


def _listed(depth: int = 0) -> Callable[[Any], Any]:
    """Return what makes a list of a condition's values, and an empty one of `any`.

    Args:
        depth: how many lists lie in each other in one value.
    """

    def listed(value: Any) -> Any:
        if value == ANY:
            return ()
        if value is None or value in ([], ()):
            raise ValueError("no value is given; name one, or write any")
        return value if _nesting(value) > depth else [value]

    return listed


def _taken(kind: str) -> dict[str, FieldInfo]:
    """Return the fields of a kind of scenario that can be conditions."""
    kept = {**kind_class(kind).model_fields}
    for name in (*WITHOUT_CONDITION, *kind_class(kind).FROM_PLAN):
        kept.pop(name, None)
    return kept


# of all kinds together: a field that several kinds have is of one type in all of them
SCENARIO_FIELDS: dict[str, FieldInfo] = {
    name: field for kind in kinds() for name, field in _taken(kind).items()
}


def _bare(kind: Any) -> Any:
    """Return a type without the checks that `Annotated` adds to it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _known_kind(kind: str) -> str:
    """Return the name of a kind of scenario, if there is such a kind."""
    if kind not in kinds():
        raise ValueError(f"no scenario '{kind}'; {near(kind, kinds())}")
    return kind


def _meaning(name: str) -> str:
    """Return what a field of the scenario means: of each kind, where the kinds differ."""
    meanings = {kind: _taken(kind)[name].description or "" for kind in kinds() if name in _taken(kind)}
    if len(set(meanings.values())) == 1:
        return next(iter(meanings.values()))
    return "; ".join(f"{kind}: {meaning}" for kind, meaning in meanings.items())


def _scenario_condition(name: str) -> tuple[Any, Any]:
    """Return type and default of the condition on a field of the scenario."""
    field = SCENARIO_FIELDS[name]
    parts = get_args(field.annotation)
    kind: Any = next(p for p in parts if p is not type(None)) if type(None) in parts else field.annotation
    depth, part, more = 0, _bare(kind), ""
    while get_origin(part) is tuple:
        depth, part = depth + 1, _bare(get_args(part)[0])
    kind = Annotated[kind, *field.metadata] if field.metadata else kind
    if name == "kind":
        names: Any = kinds()
        kind = Annotated[str, AfterValidator(_known_kind), Field(json_schema_extra={"enum": names})]
    if depth:
        kind, more = Annotated[int, Field(ge=1)] | kind, "; or a number: how many these are"
    written: Any = kind | list.__class_getitem__(kind) | Literal["any"]
    values: Any = tuple.__class_getitem__((kind, ...)) | None
    condition = Annotated[values, BeforeValidator(_listed(depth), json_schema_input_type=written)]
    return condition, Field(None, description=f"{_meaning(name)}{more}")


if TYPE_CHECKING:
    ScenarioConditions = Strict
else:
    ScenarioConditions = create_model(
        "ScenarioConditions",
        __base__=Strict,
        __doc__="What the scenario must be; the name of a kind, or a list of them, stands for `{kind: …}`.",
        **{name: _scenario_condition(name) for name in SCENARIO_FIELDS},
    )


def _scenario_written_out(value: Any) -> Any:
    """Return the mapping that a kind of scenario, or a list of kinds, stands for."""
    return value if isinstance(value, dict | Strict) else {"kind": value}


Reading = Literal["paper", "code"]
NameCondition = Annotated[
    tuple[Name, ...] | None,
    BeforeValidator(_listed(), json_schema_input_type=Name | list[Name] | Literal["any"]),
]
ReadingCondition = Annotated[
    tuple[Reading, ...] | None,
    BeforeValidator(_listed(), json_schema_input_type=Reading | list[Reading] | Literal["any"]),
]


class Conditions(Strict):
    """What an experiment must be. A list: one of its values must hold. `any`: every value holds."""

    dataset: NameCondition = Field(None, description="name of the dataset")
    architecture: NameCondition = Field(None, description="name of the network")
    recipe: NameCondition = Field(None, description="name of the recipe")
    scenario: Annotated[
        ScenarioConditions | None,
        BeforeValidator(_scenario_written_out, json_schema_input_type=str | list[str] | ScenarioConditions),
    ] = Field(None, description="kind of the scenario, or a mapping of its fields")
    reading: ReadingCondition = Field(None, description="reading of the method")

    @model_validator(mode="before")
    @classmethod
    def _of_the_scenario(cls, content: Any) -> Any:
        for name in ScenarioConditions.model_fields:
            if isinstance(content, dict) and name in content:
                raise ValueError(f"'{name}' is a field of the scenario; write 'scenario: {{{name}: …}}'")
        return content

    @model_validator(mode="after")
    def _possible(self) -> Conditions:
        values = self.values
        for kind in values.get("scenario.kind", ()):
            for name in sorted(SCENARIO_FIELDS.keys() - _taken(kind).keys()):
                if values.get(f"scenario.{name}"):
                    raise ValueError(f"scenario '{kind}' has no '{name}', so that no experiment fits")
        return self

    @cached_property
    def values(self) -> dict[str, Values]:
        """The values of each condition by its name, such as scenario.count; no values: any holds."""
        outer = given(self)
        scenario = outer.pop("scenario", None)
        return {**outer, **{f"scenario.{name}": values for name, values in given(scenario).items()}}


def given(conditions: Strict | None) -> dict[str, Any]:
    """Return the conditions that stand in the file, in the schema's order."""
    if conditions is None:
        return {}
    return {name: value for name, value in conditions if name in conditions.model_fields_set}


class Preset(Strict):
    """Hyper-parameters for the experiments that fit some conditions."""

    conditions: Conditions = Field(alias="for", description="what an experiment must be; `{}`: all fit")
    provenance: Provenance = Field(description="; ".join(f"{n}: {words}" for n, words in MEANINGS.items()))
    source: str = Field(min_length=1, description="the same in words: which table, script, search")
    settings: Settings = Field(description="hyper-parameters of the method; its defaults for the rest")


def read(method: str, folder: Path | None = None) -> dict[str, Preset]:
    """Return a method's presets, each by its place: file and number; none if there is no file.

    Args:
        method: name.
        folder: where the files are; the project's if None.

    Raises:
        UserError: an entry is not a preset.
    """
    path = (folder or load.CONFIG / "presets") / f"{method}.yaml"
    return _read(path, path.absolute(), path.stat().st_mtime_ns) if path.exists() else {}


@cache
def _read(path: Path, absolute: Path, time: int) -> dict[str, Preset]:
    """Return the presets of a file; remembered by its whole path and its time of change, in nanoseconds."""
    content = read_yaml(path)
    if not isinstance(content, list):
        raise UserError(f"{path}: a list of entries is expected, each as in '- for: …'")
    places = {f"{path}: entry {number}": entry for number, entry in enumerate(content, start=1)}
    return {place: load.parse(Preset, entry, place) for place, entry in places.items()}


def check_conditions(presets: dict[str, Preset], card: MethodCard) -> None:
    """Refuse conditions on datasets, networks and readings that do not exist: such an entry fits nothing."""
    known: dict[str, list[str]] = {
        "dataset": list(catalogue().datasets),
        "architecture": list(catalogue().models),
        "reading": list(card.readings),
    }
    for place, preset in presets.items():
        for condition, names in known.items():
            for name in preset.conditions.values.get(condition, ()):
                if name not in names:
                    hint = near(name, names) if names else f"{card.name} has only one"
                    raise UserError(f"{place}: for.{condition}: there is no {condition} '{name}'; {hint}")
