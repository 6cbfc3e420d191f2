"""Help fits 80 columns, narrow terminals too; `--version`; what is mistyped is one line."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from rich.cells import cell_len

import reunlearn
from reunlearn.cli import app

WIDTH = 80
Words = tuple[str, ...]


def commands(group: object = None, words: Words = ()) -> Iterator[tuple[Words, object]]:
    """Yield every command of the application, groups too, with the words that call it."""
    command = typer.main.get_command(app) if group is None else group
    yield words, command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(typer.Context(command)):
            yield from commands(command.get_command(None, name), (*words, name))


EVERY = [words for words, _ in commands()]
PROGRAM = """
import contextlib, io, os, sys
from reunlearn import cli
for line in sys.stdin.read().splitlines():
    sys.argv = ["reunlearn", *line.split(), "--help"]
    with contextlib.suppress(SystemExit):
        cli.main()
"""


def _environment() -> dict[str, str]:
    return {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "TERMINAL_WIDTH")
    }


def piped() -> str:
    """Return the help of every command, as it is printed where there is no terminal."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(" ".join(words) for words in EVERY),
        env=_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def on_terminal(columns: int) -> str:
    """Return the same, as it is printed on a terminal of so many columns."""
    main, sub = pty.openpty()
    termios.tcsetwinsize(sub, (24, columns))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=sub,
        stderr=sub,
        env=_environment() | {"TERM": "xterm"},
    )
    os.close(sub)
    assert process.stdin is not None
    process.stdin.write("\n".join(" ".join(words) for words in EVERY).encode())
    process.stdin.close()
    text = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        text += part
    os.close(main)
    assert process.wait() == 0
    return re.sub(r"\x1b\[[0-9;]*m", "", text.decode())


def check(text: str, width: int) -> None:
    for words in EVERY:
        assert f"Usage: {' '.join(('reunlearn', *words))} " in text
    lines = text.replace("\r", "").splitlines()
    assert max(map(cell_len, lines)) == width  # it is filled, too: the control
    assert [line for line in lines if "…" in line] == []


def test_help_that_is_piped_fits_80_columns() -> None:
    check(piped(), WIDTH)


@pytest.mark.parametrize(("columns", "width"), [(80, 80), (200, 80), (60, 60)])
def test_help_on_a_terminal_fits_it(columns: int, width: int) -> None:
    check(on_terminal(columns), width)


def test_every_option_says_what_it_is_for() -> None:
    silent = [
        (words, parameter.name)
        for words, command in commands()
        for parameter in command.params
        if not parameter.help
    ]
    assert silent == []


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reunlearn.cli", *words], capture_output=True, text=True, check=False
    )


def test_the_version_is_one_line_from_one_place() -> None:
    done = call("--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"reunlearn {reunlearn.__version__}\n", "", 0)
    project = tomllib.loads(Path("pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"] and "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {
        "attr": "reunlearn.base.version.__version__"
    }
    assert yaml.safe_load(Path("CITATION.cff").read_text())["version"] == reunlearn.__version__


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plan", "--jsn", "quickstart"], "error: no such option: --jsn"),
        (["planx"], "error: no such command 'planx'"),
        (["plan"], "error: missing argument 'study'; see `reunlearn plan --help`"),
        (["plan", "quickstart", "--devices", "one"], "error: invalid value for '--devices'"),
    ],
)
def test_what_is_mistyped_is_one_line(words: list[str], expected: str) -> None:
    done = call(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(expected)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["new"]])
def test_no_words_at_all_are_answered_by_the_help(words: list[str]) -> None:
    done = call(*words)
    assert done.returncode == 2
    assert done.stdout.count("Usage:") == 1
    assert done.stderr.strip() == ""
