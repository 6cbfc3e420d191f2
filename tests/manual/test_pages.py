"""Every command and every Python block of the manual, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.manual.brought import BROUGHT
from tests.manual.fences import PAGES, RUN, fences
from tests.manual.pages import run_page, write_file
from tests.workflow.project import Project

pytestmark = pytest.mark.workflow
# pages that a test of their own runs, because it looks at what comes out
ELSEWHERE = {
    "docs/own-model.md": "tests/manual/test_own_model.py",
    "docs/from-python.md": "tests/manual/test_from_python.py",
}
# each adds to the sources: together, so that these are looked through once
ADD = [page for page in PAGES if page.startswith("docs/add-")]
HERE = [page for page in PAGES if page not in ELSEWHERE and {fence.language for fence in fences(page)} & RUN]
LONG = [page for page in HERE if any(fence.check == "long" for fence in fences(page))]


@pytest.mark.parametrize("page", [page for page in HERE if page not in ADD])
def test_what_it_shows_runs(page: str, copied: Callable[[], Project]) -> None:
    run(page, copied())


def test_what_is_added_works_beside_the_rest(copied: Callable[[], Project]) -> None:
    assert len(ADD) == 5
    project = copied()
    for fence in (fence for page in ADD for fence in fences(page) if fence.file):
        write_file(fence, project)
    for page in ADD:
        run(page, project)


@pytest.mark.thorough
@pytest.mark.parametrize("page", LONG)
def test_what_takes_longer_runs_too(page: str, copied: Callable[[], Project]) -> None:
    run(page, copied(), thorough=True)


def run(page: str, project: Project, thorough: bool = False) -> None:
    BROUGHT.get(page, lambda _: None)(project)
    run_page(page, project, thorough=thorough)
