"""An undisturbed study to compare with, a fresh one per fault, and the table of what each fault cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults import disturbed
from tests.faults.disturbed import Disturbed
from tests.once import made_once
from tests.workflow.project import Project

Note = Callable[[Disturbed, str, str], None]


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    """The study, run to its end by the first worker that asks. Never change it."""

    def make(folder: Path) -> None:
        first = Disturbed(disturbed.make(folder / "project"))
        first.begin()
        assert first.end() == 0, first.printed[-6000:]

    return Project(made_once(tmp_path_factory, "undisturbed", make) / "project")


@pytest.fixture
def study(undisturbed: Project, tmp_path: Path) -> Iterator[Disturbed]:
    """A fresh project with the same study, watched."""
    with Disturbed(disturbed.make(tmp_path / "project"), undisturbed).watched() as study:
        yield study


@pytest.fixture
def finished(undisturbed: Project, tmp_path: Path) -> Iterator[Disturbed]:
    """A copy of the finished study, watched."""
    with Disturbed(undisturbed.copy(tmp_path / "project"), undisturbed).watched() as study:
        yield study


def shortened(line: str) -> str:
    """Return a printed line without the job's folder, its log and a database's statement, and with short paths."""
    line = re.sub(r"^FAILED \S+: ", "", line.partition(" (log: ")[0].partition(" [SQL")[0])
    return re.sub(r"/\S+/(\S+)", r"…/\1", line)


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Note a fault and what one sees of it, for the table; call it when the study is done."""

    def note(study: Disturbed, fault: str, seen: str) -> None:
        record_property("fault", (fault, shortened(seen), study.redone()))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the faults that were survived."""
    rows = [
        value
        for report in terminalreporter.stats.get("passed", [])
        for name, value in getattr(report, "user_properties", [])
        if name == "fault"
    ]
    if rows:
        write = terminalreporter.write_line
        write("\n| fault | what one sees | work done twice |\n|---|---|---|")
        for fault, seen, share in sorted(rows):
            write(f"| {fault} | {seen} | {share:.1%} |")
        write(f"{len(rows)} kinds of fault, each with the bits of the undisturbed study")
