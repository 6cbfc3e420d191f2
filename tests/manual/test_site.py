"""The manual is built without a warning, and loads nothing from elsewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.manual.fences import ROOT

LOADED = re.compile(  # what a browser fetches by itself; a link to the page's own address is none
    r"""(?:<(?:script|img|iframe|link(?![^>]*canonical))[^>]*?(?:src|href)=|url\(|@import )["']?(?:https?:)?//"""
)


def build(project: Path) -> subprocess.CompletedProcess[str]:
    """Build the manual of a project into its folder site."""
    command = [sys.executable, "-m", "mkdocs", "build"]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the manual is made of, built."""
    folder = tmp_path_factory.mktemp("manual")
    for name in ("mkdocs.yml", "CONTRIBUTING.md", "README.md"):
        shutil.copy2(ROOT / name, folder)
    for name in ("docs", "config"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for linked in (*ROOT.glob("reports/reference/*/README.md"), ROOT / "benchmarks/history.jsonl"):
        (folder / linked.relative_to(ROOT)).parent.mkdir(parents=True)
        shutil.copy2(linked, folder / linked.relative_to(ROOT))
    done = build(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_has_a_page_for_each_page_of_docs(project: Path) -> None:
    pages = {p.relative_to(ROOT / "docs").with_suffix(".html") for p in (ROOT / "docs").rglob("*.md")}
    built = {p.relative_to(project / "site") for p in (project / "site").rglob("*.html")}
    assert pages <= built
    assert {Path("config/index.html"), Path("CONTRIBUTING.html")} <= built


def test_no_page_loads_anything_from_elsewhere(project: Path) -> None:
    looked = 0
    for path in (project / "site").rglob("*"):
        if path.suffix in (".html", ".css"):
            looked += 1
            assert LOADED.findall(path.read_text(encoding="utf-8")) == [], path
    assert looked > 30
    assert LOADED.search('<link rel="stylesheet" href="https://fonts.example/a.css">')
    assert LOADED.search("src: url(https://fonts.example/a.woff2)")


def test_no_word_of_a_check_is_shown(project: Path) -> None:
    page = (project / "site/slurm.html").read_text(encoding="utf-8")
    assert "```" not in page and "bash help" not in page


def test_control_a_link_to_nothing_stops_the_build(project: Path) -> None:
    page = project / "docs/audit.md"
    before = page.read_text()
    page.write_text(before + "\nSee [nothing](nowhere.md).\n")
    done = build(project)
    page.write_text(before)
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr
