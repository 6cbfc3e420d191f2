"""How the command line is called: in the project's folder, with help that fits, and each mistake as one line."""

from __future__ import annotations

import os
import shutil
import sys

import typer

from reunlearn.base import project
from reunlearn.base.errors import UserError
from reunlearn.base.refused_writes import told_in_words
from reunlearn.base.secrets import hide_in_streams
from reunlearn.commands import completion

NAME = "reunlearn"
HELP_WIDTH = 80  # columns at most, whatever the terminal has; as many where there is none
MISTYPED = typer.BadParameter.__base__  # the error of words that are no command, option or value
NOTHING_TYPED = "NoArgsIsHelpError"  # one of these; the help is printed when it is raised
INTERRUPTED = 130  # by Ctrl-C, as shells say it


def call(app: typer.Typer) -> int:
    """Run the command line; return its exit code. A UserError, or what is no command, is one line and the code 2."""
    hide_in_streams()
    os.environ.setdefault("TERMINAL_WIDTH", str(_help_width()))
    try:
        with told_in_words("."):
            project.enter()
            return app(prog_name=NAME, standalone_mode=False) or 0
    except UserError as error:
        if completion.is_asked():  # a shell would print it into the line that is being typed
            return 0
        print(f"error: {error}", file=sys.stderr)
        return 2
    except MISTYPED as error:  # type: ignore[misc]  # it has no public name
        return _mistyped(error)
    except typer.Abort:
        return INTERRUPTED


def _help_width() -> int:
    """Return the columns of help: at most those of the terminal."""
    return min(HELP_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else HELP_WIDTH


def _mistyped(error: typer.BadParameter) -> int:
    """Print in one line what was mistyped, unless it was nothing at all; return the exit code."""
    if type(error).__name__ != NOTHING_TYPED:
        command = error.ctx.command_path if error.ctx else NAME
        words = error.format_message()
        message = f"{words[:1].lower()}{words[1:]}".removesuffix(".")
        print(f"error: {message}; see `{command} --help`", file=sys.stderr)
    return error.exit_code
