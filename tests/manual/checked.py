"""Whether a command of the manual exists as it is written, where running it would take a cluster, root or hours."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache

import click
import typer.main

from reunlearn.cli import app
from tests.manual.fences import ROOT

# programs that are not ours: their lines are looked at by the shell's own parser alone
OTHERS = {"apptainer", "curl", "export", "git", "jq", "mlflow", "pip", "read"}
VARIABLES = {"PARTITION", "ACCOUNT", "GPU_MODEL"}  # read by the profile of Slurm
SEPARATORS = re.compile(r"&&|\|\||\||;")


def check(command: str, *, whole: bool = True) -> None:
    """Check a line of shell; `whole`: whether nothing may be left out.

    Raises:
        AssertionError: what in it does not exist.
    """
    parsed = subprocess.run(["bash", "-n", "-c", command], capture_output=True, text=True, check=False)
    assert parsed.returncode == 0, parsed.stderr
    for part in _parts(command):
        program = part[0].removeprefix(".venv/bin/")
        if program == "make":
            check_make(part[1:])
        elif program == "reunlearn":
            check_reunlearn(part[1:], whole)
        elif program == "dvc":
            check_dvc(part[1:])
        elif program == "python":
            assert part[1] != "-m" and (ROOT / part[1]).exists(), command
        else:
            assert program in OTHERS or program == "cd", f"nothing checks {program!r}: {command}"


def _parts(command: str) -> list[list[str]]:
    """Return the words of each command of a line, without the variables that stand before one."""
    words = shlex.shlex(command, posix=True, punctuation_chars="|&;")
    words.whitespace_split = True
    parts: list[list[str]] = [[]]
    for word in words:
        if SEPARATORS.fullmatch(word):
            parts.append([])
        elif parts[-1] or not re.fullmatch(r"[A-Z_]+=.*", word):
            parts[-1].append(word)
    return [part for part in parts if part]


@cache
def _makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


def check_make(words: list[str]) -> None:
    """Check targets and variables."""
    for word in words:
        name, _, value = word.partition("=")
        if value or "=" in word:
            assert name in VARIABLES or re.search(rf"^{name}\s*\??=", _makefile(), re.MULTILINE), word
        else:
            assert re.search(rf"^{re.escape(word)}: .*##", _makefile(), re.MULTILINE), f"no target {word!r}"


def check_reunlearn(words: list[str], whole: bool = True) -> None:
    """Check a command with its options and arguments: it is parsed, and not run."""
    group = typer.main.get_command(app)
    name, rest, context = "reunlearn", list(words), None
    while isinstance(group, click.Group) or hasattr(group, "commands"):
        if not rest or rest[0].startswith("-"):
            group.parse_args(click.Context(group, info_name=name, resilient_parsing=True), rest)
            return
        name = rest.pop(0)
        assert name in group.commands, f"no command {name!r}"
        context, group = click.Context(group), group.commands[name]
    try:
        group.make_context(name, rest, parent=context)
    except Exception as error:  # typer brings a click of its own, which names its errors alike
        if whole or type(error).__name__ != "MissingParameter":
            raise AssertionError(f"{' '.join(words)}: {error}") from error


def check_dvc(words: list[str]) -> None:
    """Check a command of DVC by its own parser."""
    from dvc.cli import DvcParserError
    from dvc.cli.parser import get_main_parser

    try:
        get_main_parser().parse_args(words)
    except DvcParserError as error:
        raise AssertionError(f"dvc {' '.join(words)}: {error}") from error
