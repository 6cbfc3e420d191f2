"""A user's Python file that a setting names: what is known of it before it runs."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.study.cards import MeasureCard, Value


def files_of(card: MeasureCard, settings: Mapping[str, Value], who: str) -> dict[str, str]:
    """Return the SHA-256 of each file that the settings of a measure name; of none that is not there.

    Args:
        card: says which settings name a file, and which function it has.
        settings: all of them.
        who: begins the error line.

    Raises:
        UserError: a setting is empty, or its file has no such function.
    """
    digests = {}
    for setting, function in card.functions.items():
        file = str(settings[setting])
        if not file:
            raise UserError(
                f"{who} needs the setting '{setting}': a Python file of yours with a function '{function}'"
            )
        if (path := Path(file).expanduser()).is_file():
            _check_function(path, file, function, who)
            digests[setting] = sha256(path)
    return digests


def _check_function(path: Path, file: str, function: str, who: str) -> None:
    """Refuse a file that does not define a function; it is read, and not run."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{who}: {file} is no Python file ({error})") from None
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        raise UserError(f"{who}: {file} defines no function '{function}'; add it")
