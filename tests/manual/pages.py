"""Run what a page of the manual shows, in a project of its own: files first, then commands, then Python."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache

from typer.testing import CliRunner

from reunlearn.cli import app
from reunlearn.study.load import names
from tests.manual import checked
from tests.manual.fences import Fence, fences
from tests.manual.place import variables
from tests.workflow.project import Project

# commands that look at the sources alone: where a page adds none, they are run in the tests' own process
LISTINGS = {"methods", "attacks", "measures", "objectives", "models", "datasets", "tables", "figures"}
LISTINGS |= {"studies", "papers", "printed", "recipes"}
REPORTS = re.compile(r"\breunlearn (doctor)\b")  # whose exit code says what the machine lacks


def run_page(page: str, project: Project, *, thorough: bool = False) -> list[str]:
    """Run the fences of a page in their order; return what its commands printed.

    Args:
        page: path in the project.
        project: a usable one (see place.py), which is changed.
        thorough: whether fences marked `long` are run as they stand.
    """
    printed = []
    program = ""
    for fence in fences(page):
        if fence.file:
            write_file(fence, project)
        elif fence.language == "python":
            program += fence.text
        elif fence.language == "bash":
            printed += [run_command(command, fence, project, thorough) for command in fence.commands]
    if program:
        printed.append(_run(["python", "-W", "error", "-c", program], project, page))
    return printed


def write_file(fence: Fence, project: Project) -> None:
    """Write the file that a fence shows; one that is there already keeps its time, so that nothing is read again."""
    path = project.root / fence.file
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != fence.text:
        path.write_text(fence.text)


def run_command(command: str, fence: Fence, project: Project, thorough: bool = False) -> str:
    """Run a command of a fence, or what stands for it; return what it printed."""
    where = f"{fence.page}, line {fence.line}: {command}"
    if not fence.check or (fence.check == "long" and thorough):
        words = shlex.split(command, comments=True)
        if words[0].endswith("reunlearn") and words[1] in LISTINGS and not _adds(fence.page):
            return _look(tuple(words[1:]))
        return _run(["bash", "-c", command], project, where, bool(REPORTS.search(command)))
    checked.check(command)
    if fence.check == "help":
        return ""
    asked = plan_of(command)
    if asked[1:2] == ["printed"] or (asked and set(asked[2].split(",")) <= {*names("studies"), "all-smoke"}):
        return _look(tuple(asked[1:]))
    return _run(asked, project, where, missing=True) if asked else ""


def plan_of(command: str) -> list[str]:
    """Return the command that plans what a command would run; nothing where it runs no study."""
    words = shlex.split(command, comments=True)
    program, rest = words[0].removeprefix(".venv/bin/"), words[1:]
    if program == "make" and rest[0] in ("reproduce", "dry-run"):
        chosen = dict(word.split("=", 1) for word in rest[1:])
        size = chosen.get("SIZE", "full")
        studies = [
            s if size == "full" else f"{s}-{size}" for s in chosen.get("STUDY", "quickstart").split(",")
        ]
        methods, seeds = (chosen[key].split(",") if key in chosen else [] for key in ("METHODS", "SEEDS"))
        return [
            *("reunlearn", "plan", ",".join(studies)),
            *(word for method in methods for word in ("--method", method)),
            *(word for seed in seeds for word in ("--seed", seed)),
        ]
    if program == "reunlearn" and rest[0] == "run":
        return ["reunlearn", "plan", *(word for word in rest[1:] if word != "--debug")]
    if program == "reunlearn" and rest[0] == "printed":
        return words
    return []


def _adds(page: str) -> bool:
    """Tell whether a page adds to the sources."""
    return any(fence.file.startswith("src/") for fence in fences(page))


@cache
def _look(words: tuple[str, ...]) -> str:
    """Run a command that changes nothing, in the tests' own folder; exit code 1 as in `_run`."""
    done = CliRunner().invoke(app, list(words))
    fell = done.exception is not None and not isinstance(done.exception, SystemExit)
    assert done.exit_code in (0, 1) and not fell, f"{words}\n{done.output}\n{done.exception!r}"
    return done.output


def _run(words: list[str], project: Project, where: str, missing: bool = False) -> str:
    """Run words in a project; `missing`: exit code 1 says that something of the user's is not there, in words."""
    done = subprocess.run(
        words,
        cwd=project.root,
        env=project.environment() | variables(project),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    printed = done.stdout + done.stderr
    good = done.returncode == 0 or (missing and done.returncode == 1)
    assert good and "Traceback" not in printed, f"{where}\n{printed[-6000:]}"
    return printed
