"""Read studies and recipes; every mistake in a file of config/ is one line before any work starts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import as_read, read_yaml
from reunlearn.study.class_names import numbered
from reunlearn.study.extending import Extension, extended, is_extension
from reunlearn.study.recipes import NO_RECIPE, NamedRecipe, RecipeEntry, RecipeFile, no_recipe
from reunlearn.study.schema import Study

CONFIG = Path("config")
# keys of older files, and what they are called now
RENAMED = {
    "fidelity": "reading",
    "inside": "with_forget",
    "outside": "without_forget",
    "half": "halves",
}
# keys of older files that another way of saying took the place of
REPLACED = {"relearn": "measures: [{name: relearn_time, settings: {cap: N}}]"}
UNKNOWN = ("extra_forbidden", "invalid_key")  # pydantic's errors of keys that do not exist
PLAIN = {  # instead of pydantic's own words, which name Python's types
    "tuple_type": "a list is expected here, as in [0, 1]",
    "list_type": "a list is expected here, as in [0, 1]",
    "missing": "this key is missing",
    "too_short": "at least {min_length} must be listed",
    "int_type": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_from_float": "a whole number is expected",
    "float_type": "a number is expected",
    "float_parsing": "a number is expected",
    "bool_type": "true or false is expected",
    "bool_parsing": "true or false is expected",
    "greater_than": "must be above {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be below {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
}
TEXTS = ("string_type", "literal_error")  # those of values that should be text
Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], content: Any, where: str) -> Model:
    """Return `content` as a `model`; the first mistake becomes one line with its place and the near keys.

    Args:
        model: what the content must be.
        content: what a YAML file holds.
        where: begins the error line.

    Raises:
        UserError: the content is not a `model`, or holds a number that is infinite or none.
    """
    for place, number in _numbers(content):
        if not math.isfinite(number):
            raise UserError(
                _line(where, place, f"{number} (.inf, .nan) cannot be used; write a finite number")
            )
    try:
        return model.model_validate(content)
    except ValidationError as error:
        # where several kinds of value are allowed each of them reports: the innermost report knows most;
        # a key that is misspelt says more than the one that is missing for it, wherever that is missed
        first = max(error.errors(), key=lambda r: (r["type"] in UNKNOWN, len(r["loc"])))
        place = _place(content, _location(first), first["type"] == "missing")
        raise UserError(_line(where, place, _message(model, first))) from None


def _line(where: str, place: list[str], message: str) -> str:
    """Return an error line; text from a file may hold line breaks."""
    return " ".join(f"{where}: {'.'.join(place)}{': ' if place else ''}{message}".split())


def _numbers(content: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[list[str], float]]:
    """Yield every number of a file's content that may be infinite, with its place."""
    if isinstance(content, float):
        yield list(place), content
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _numbers(value, (*place, str(key)))
    elif isinstance(content, list | tuple):
        for index, value in enumerate(content):
            yield from _numbers(value, (*place, str(index)))


def _place(content: Any, location: tuple[int | str, ...], missing: bool) -> list[str]:
    """Return a pydantic error's location, reduced to keys and numbers that the content has.

    Args:
        content: what was validated.
        location: pydantic's, which also names the alternatives of a type.
        missing: the last part is a key that is not there and should be.
    """
    place: list[str] = []
    for part in location:
        keys = content if isinstance(content, dict) else ()
        count = len(content) if isinstance(content, list | tuple) else 0
        if part in keys or part in range(count):
            content = content[part]
            place.append(str(part))
    return [*place, str(location[-1])] if missing else place


def _is_key(report: Any) -> bool:
    """Tell whether a pydantic error is about a key that is no text."""
    return "[key]" in report["loc"][-1:] or "invalid_key" in report["type"]


def _location(report: Any) -> tuple[int | str, ...]:
    """Return where a pydantic error is; of a key that is no text, where its mapping is."""
    location: tuple[int | str, ...] = report["loc"]
    if location[-1:] == ("[key]",):
        return location[:-2]
    return location[:-1] if report["type"] == "invalid_key" else location


def _message(model: type[BaseModel], report: Any) -> str:
    """Return what is wrong, in words that say what to write."""
    kind, location, value = report["type"], report["loc"], report["input"]
    if kind == "extra_forbidden":
        key, known = str(location[-1]), _keys(model, location[:-1])
        if RENAMED.get(key) in known:
            return f"'{key}' is now called '{RENAMED[key]}'; write '{RENAMED[key]}'"
        if key in REPLACED:
            return f"'{key}' is no key any more; write '{REPLACED[key]}'"
        return f"unknown key '{key}'; {near(key, known)}"
    if _is_key(report):
        return f"a key that is no text: {as_read(value)}"
    if kind in TEXTS and (value is None or isinstance(value, int | float)):
        choices = f"; it may be {report['ctx']['expected']}" if kind == "literal_error" else ""
        return f"{as_read(value)}{choices}"
    if kind in ("model_type", "dict_type"):
        return "a mapping is expected here, as in 'key: value'"
    if kind in PLAIN:
        return PLAIN[kind].format(**report.get("ctx", {}))
    return str(report["msg"]).removeprefix("Value error, ")


def _keys(model: type[BaseModel], location: tuple[Any, ...]) -> list[str]:
    """Return the keys allowed at a location of a pydantic error."""
    current: Any = model
    for part in location:
        fields = {} if isinstance(part, int) else _fields(current)
        if part in fields:
            current = _inner(fields[part].annotation)
    return list(_fields(current))


def _fields(model: Any) -> dict[str, Any]:
    """Return the fields of a pydantic model by the keys that stand in a file; none if it is no model."""
    return {field.alias or name: field for name, field in getattr(model, "model_fields", {}).items()}


def _inner(annotation: Any) -> Any:
    """Return the pydantic model inside an annotation such as tuple[Model, ...]."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        inner = _inner(argument)
        if inner is not None:
            return inner
    return None


def names(folder: str) -> list[str]:
    """Return the names of the YAML files in a folder of config/."""
    return sorted(p.stem for p in (CONFIG / folder).glob("*.yaml"))


def load_study(name: str) -> Study:
    """Read and validate config/studies/NAME.yaml."""
    path = _study_file(name)
    study = parse(Study, numbered(_study_content(name, ()), str(path)), str(path))
    if study.name != name:
        raise UserError(f"{path}: name: is '{study.name}' but the file is called '{name}'")
    return study


def _study_file(name: str) -> Path:
    path = CONFIG / "studies" / f"{name}.yaml"
    if name not in names("studies"):  # a long name could not even be looked for
        raise UserError(f"no study '{name}' in {path.parent}; {near(name, names('studies'))}")
    return path


def _study_content(name: str, before: tuple[str, ...]) -> Any:
    """Return the content of a study's file, with that of the study that it extends; `before`: what leads to it."""
    path = _study_file(name)
    if name in before:
        raise UserError(f"{path}: extends itself, by way of {', '.join(before)}")
    content = read_yaml(path)
    if not is_extension(content):
        return content if not before else parse(Study, numbered(content, str(path)), str(path)) and content
    extension = parse(Extension, content, str(path))
    return extended(extension, lambda base: _study_content(base, (*before, name)), str(path))


def recipe_of(entry: RecipeEntry, where: str) -> NamedRecipe:
    """Return an experiment's recipe; `where`: begins the error line of changes that do not fit it."""
    recipe = no_recipe() if entry.name == NO_RECIPE else load_recipe(entry.name)
    if not entry.changes:
        return recipe
    content = recipe.model_dump() | entry.changes
    return parse(NamedRecipe, content, f"{where}: recipe '{entry.name}'")


def load_recipe(name: str) -> NamedRecipe:
    """Return config/recipes/NAME.yaml, checked, with its defaults filled in."""
    path = CONFIG / "recipes" / f"{name}.yaml"
    if name not in names("recipes"):
        raise UserError(f"no recipe '{name}' in {path.parent}; {near(name, names('recipes'))}")
    return _recipe(name, path, path.absolute(), path.stat().st_mtime_ns)


@cache
def _recipe(name: str, path: Path, absolute: Path, time: int) -> NamedRecipe:
    """Return a file's recipe; remembered by its whole path and its time of change, in nanoseconds."""
    content = parse(RecipeFile, read_yaml(path), str(path))
    return NamedRecipe(name=name, **content.model_dump(exclude={"source"}))
