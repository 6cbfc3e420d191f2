"""Files of the user's that settings of a measure name, weights or Python code: what is known before it runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.base.tensor_shapes import shapes_of
from reunlearn.study.cards import MeasureCard, UserFile, Value


def files_of(card: MeasureCard, settings: Mapping[str, Value], who: str) -> dict[str, str]:
    """Return the SHA-256 of each file that the settings of a measure name; of none that is not there.

    Args:
        card: says which settings name a file, and what it holds.
        settings: all of them.
        who: begins the error line.

    Raises:
        UserError: a setting is empty, or its file holds something else.
    """
    digests = {}
    for setting, file in card.files.items():
        if not settings.get(setting):
            raise UserError(f"{who}: give it '{setting}', the path of a file; {file.words}")
        path = Path(str(settings[setting])).expanduser()
        if path.is_file():
            _check(path, file, who)
            digests[setting] = sha256(path)
    return digests


def _check(path: Path, file: UserFile, who: str) -> None:
    if file.layers:
        _check_layers(path, file, who)
    if file.function:
        _check_function(path, file.function, who)


def _check_layers(path: Path, file: UserFile, who: str) -> None:
    """Refuse weights of another network; they are not read."""
    shapes = shapes_of(path)
    for name, shape in file.layers.items():
        if shapes.get(name) != shape:
            found = "×".join(map(str, shapes[name])) if name in shapes else "not there"
            wanted = "×".join(map(str, shape))
            raise UserError(f"{who}: {path}: '{name}' is {found} instead of {wanted}; {file.words}")


def _check_function(path: Path, function: str, who: str) -> None:
    """Refuse a file that does not define a function; it is read, and not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{who}: {path} is no Python file ({error})") from None
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        raise UserError(f"{who}: {path} defines no function '{function}'; add it")
