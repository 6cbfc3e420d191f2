"""A study that extends another one: its experiments, with a change to all of them and changes by name.

A change is merged: mappings merge key by key, everything else is replaced. An experiment without content is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field

from reunlearn.base.errors import UserError, near
from reunlearn.study.fields import Name, Strict
from reunlearn.study.schema import Names

Change = dict[str, object]


class Extension(Strict):
    """A study that extends another one: what it says itself takes the place of what that one says."""

    name: Name = Field(description="the name of the study's file, without .yaml")
    extends: Name = Field(description="a study, which may extend another one itself")
    title: str | None = Field(None, description="heading of the report")
    description: str | None = Field(None, description="a paragraph for the report")
    every: Change = Field(
        default_factory=dict,
        description="merged into every experiment: mappings key by key, everything else is replaced",
    )
    experiments: dict[Name, Change | None] = Field(
        default_factory=dict,
        description="by its name, what is then merged into an experiment; nothing leaves the experiment out",
    )
    tables: Names | None = Field(None, description="as of any study")
    figures: Names | None = Field(None, description="as tables")


def is_extension(content: Any) -> bool:
    """Tell whether a study's file extends another one."""
    return isinstance(content, dict) and "extends" in content


def extended(extension: Extension, read: Callable[[str], Any], where: str) -> dict[str, object]:
    """Return the content of a study that extends another one.

    Args:
        extension: the file's content.
        read: gives the content of another study, whatever that one extends.
        where: begins the error line.

    Raises:
        UserError: an experiment that is changed does not exist, or none is left.
    """
    base = dict(read(extension.extends))
    experiments = {str(entry["name"]): entry for entry in base["experiments"]}
    for name in extension.experiments:
        if name not in experiments:
            raise UserError(
                f"{where}: experiments: '{extension.extends}' has no '{name}'; {near(name, experiments)}"
            )
    kept = {
        name: merged(merged(entry, extension.every), extension.experiments.get(name) or {})
        for name, entry in experiments.items()
        if extension.experiments.get(name, {}) is not None
    }
    if not kept:
        raise UserError(f"{where}: leaves out every experiment of '{extension.extends}'")
    own = extension.model_dump(
        include={"name", "title", "description", "tables", "figures"}, exclude_none=True
    )
    return {**base, **own, "experiments": list(kept.values())}


def merged(old: Any, new: Any) -> Any:
    """Return a value after a change. A text stands for a mapping with its name where the change is a mapping."""
    if not isinstance(new, dict):
        return new
    if isinstance(old, str):
        old = {"name": old}
    if not isinstance(old, dict):
        return new
    return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
