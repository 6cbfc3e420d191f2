"""Every command and every Python block of the manual, page by page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.manual.brought import BROUGHT
from tests.manual.fences import PAGES, RUN, fences
from tests.manual.pages import run_page
from tests.workflow.project import Project

pytestmark = pytest.mark.workflow
# pages that a test of their own runs, because it looks at what comes out
ELSEWHERE = {
    "docs/own-model.md": "tests/manual/test_own_model.py",
    "docs/from-python.md": "tests/manual/test_from_python.py",
}
HERE = [page for page in PAGES if page not in ELSEWHERE and {fence.language for fence in fences(page)} & RUN]
LONG = [page for page in HERE if any(fence.check == "long" for fence in fences(page))]


@pytest.mark.parametrize("page", HERE)
def test_what_it_shows_runs(page: str, copied: Callable[[], Project]) -> None:
    run(page, copied())


@pytest.mark.thorough
@pytest.mark.parametrize("page", LONG)
def test_what_takes_longer_runs_too(page: str, copied: Callable[[], Project]) -> None:
    run(page, copied(), thorough=True)


def run(page: str, project: Project, thorough: bool = False) -> None:
    BROUGHT.get(page, lambda _: None)(project)
    run_page(page, project, thorough=thorough)
