"""The ten lines of docs/from-python.md do what it says."""

from __future__ import annotations

from collections.abc import Callable

from tests.manual.fences import fences
from tests.manual.pages import run_page
from tests.workflow.project import Project

PAGE = "docs/from-python.md"


def blocks() -> list[str]:
    """Return the blocks of Python, in their order."""
    return [fence.text for fence in fences(PAGE) if fence.language == "python"]


def test_ten_lines_let_a_model_forget(copied: Callable[[], Project]) -> None:
    _, ten, _ = blocks()
    assert len([line for line in ten.splitlines() if line and "import" not in line]) <= 10
    project = copied()
    *_, printed = run_page(PAGE, project)
    record, before, after, *listed = printed.splitlines()
    assert record.startswith("finished ")
    assert float(after.split()[0]) < float(before.split()[0]) - 10  # % of forget called member
    assert (project.root / "unlearned.safetensors").is_file()
    assert len(listed) > 40  # methods and attacks, a line each
