"""Architectures in a user's own Python files → cards, as those of this package: the file is read and never run.

The contract: `name` is a class or a function; called with the settings, and with `classes` and `shape` if it has such
arguments, it returns a torch.nn.Module. Optional constants of the file say what a file of src/reunlearn/models says:
INPUTS ("images" by default, or "text"), OBJECTIVES, SIDES, ALONE.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reunlearn.base.errors import UserError, near
from reunlearn.base.python_files import (
    arguments_of,
    code_digest,
    constants,
    definitions,
    imports,
    literal,
    read_tree,
)
from reunlearn.study.architectures import FROM_DATA, Architecture, key_of
from reunlearn.study.cards import Catalogue, ModelCard, Value
from reunlearn.study.schema import Experiment

PACKAGE = "reunlearn"
NEEDED = object()  # the default of an argument that has none


@dataclass(frozen=True)
class OwnNetwork:
    """A network of a user's file.

    Attributes:
        card: as of a network of this package.
        code: digest of what the file computes.
        modules: of this package that it imports.
        needed: settings without a default.
        any_setting: whether it takes settings of any name, or may: its base class is in no file that was read.
    """

    card: ModelCard
    code: str
    modules: tuple[str, ...]
    needed: tuple[str, ...]
    any_setting: bool


def with_own_networks(experiments: Iterable[Experiment], cards: Catalogue, where: str) -> Catalogue:
    """Return the catalogue with the networks of the user's files that experiments name.

    Raises:
        UserError: a file is missing or no Python, defines no such network, or imports what no digest would see.
    """
    asked = [e.architecture for e in experiments]
    asked += [e.classifier.architecture for e in experiments if e.classifier]
    own = {a.key: read_network(a.file, a.name, where).card for a in asked if a.file}
    return cards.model_copy(update={"models": {**cards.models, **own}}) if own else cards


def read_network(file: str, name: str, where: str) -> OwnNetwork:
    """Return what a file says of a network; see `with_own_networks`."""
    path = Path(file).expanduser()
    try:
        tree = read_tree(path)
    except UserError as error:
        raise UserError(f"{where}: architecture: {error}") from None
    known, place = definitions(tree), f"{where}: architecture: {file}"
    if name not in known:
        raise UserError(f"{place} defines no class or function '{name}'; {near(name, known)}")
    _check_imports(tree, path, place)
    arguments = arguments_of(name, known)
    defaults = _defaults(arguments) if arguments else {}
    settings: dict[str, Value] = {
        key: value if isinstance(value, bool | int | float | str) else None
        for key, value in defaults.items()
        if key not in FROM_DATA
    }
    return OwnNetwork(
        _card(tree, known[name], key_of(name, file), settings, place),
        code_digest(tree),
        _modules(tree),
        tuple(key for key, value in defaults.items() if value is NEEDED and key not in FROM_DATA),
        arguments is None or arguments.kwarg is not None,
    )


def check_settings(architecture: Architecture, where: str) -> None:
    """Refuse settings that a user's network does not take, and one that it needs and that is not given."""
    assert architecture.file
    network = read_network(architecture.file, architecture.name, where)
    known, given = network.card.settings, architecture.settings
    for key in given:
        if key not in known and not network.any_setting:
            tail = near(key, known) if known else "it has none"
            raise UserError(f"{where}: {architecture.key} has no setting '{key}'; {tail}")
    for key in network.needed:
        if key not in given:
            raise UserError(f"{where}: {architecture.key} needs '{key}'; give it in 'settings'")


@functools.lru_cache(maxsize=256)
def modules_of(file: str, code: str) -> tuple[str, ...]:
    """Return where the code of a user's network starts, besides its own file; `code`: digest of that file."""
    return ("reunlearn.models._own", *_modules(read_tree(Path(file).expanduser())))


def _defaults(arguments: ast.arguments) -> dict[str, object]:
    """Return the default of each argument by name; NEEDED where there is none, None where it is no plain value."""
    plain = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    found: dict[str, object] = dict.fromkeys(plain, NEEDED)
    if arguments.defaults:
        found |= zip(plain[-len(arguments.defaults) :], map(literal, arguments.defaults), strict=True)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[argument.arg] = literal(default) if default else NEEDED
    found.pop("self", None)
    return found


def _modules(tree: ast.Module) -> tuple[str, ...]:
    names = dict.fromkeys(name for name, _ in imports(tree) if name.split(".")[0] == PACKAGE)
    return tuple(name for name in names if _is_module(name))


def _is_module(name: str) -> bool:
    base = Path(__file__).parents[2].joinpath(*name.split("."))
    return base.with_suffix(".py").is_file()


def _check_imports(tree: ast.Module, path: Path, place: str) -> None:
    """Refuse imports of files beside it: no digest would notice that these change."""
    for name, line in imports(tree):
        first = name.split(".")[0]
        beside = [folder / first for folder in (path.parent, Path())]
        if not first or any(p.with_suffix(".py").is_file() or (p / "__init__.py").is_file() for p in beside):
            raise UserError(
                f"{place}, line {line}: imports '{name}' from a file beside it, and nothing would run again when that "
                "changes; put all code of the network into one file, or into an installed package"
            )


def _card(
    tree: ast.Module, node: ast.ClassDef | ast.FunctionDef, key: str, settings: dict[str, Value], place: str
) -> ModelCard:
    said = constants(tree)
    inputs = said.get("INPUTS", "images")
    summary = (ast.get_docstring(node) or ast.get_docstring(tree) or key).splitlines()[0]
    try:
        return ModelCard.model_validate(
            {
                "name": key,
                "summary": summary,
                "settings": settings,
                "inputs": inputs,
                "objectives": said.get("OBJECTIVES", ("text",) if inputs == "text" else ("classification",)),
                "sides": said.get("SIDES", (1, None)),
                "alone": said.get("ALONE", 1),
                "multiples": {},
                "pretrained": None,
                "maps": False,
            }
        )
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0]).upper()
        raise UserError(
            f"{place}: {name} is {said.get(name)!r}; see src/reunlearn/models/registry.py"
        ) from None
