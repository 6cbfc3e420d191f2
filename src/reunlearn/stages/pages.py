"""Write a report's files, and the list of all reports in reports/: the stage, an audit and commands do both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from reunlearn.base.files import write_bytes, write_text
from reunlearn.reporting.pages import overview
from reunlearn.reporting.pages.overview import Entry, Summary
from reunlearn.reporting.pages.report import Report
from reunlearn.study import paths


def write_report(report: Report, folder: Path) -> None:
    """Write the page and what lies beside it; the page comes last."""
    for name, content in {**report.files, overview.PAGE: report.page}.items():
        if isinstance(content, str):
            write_text(folder / name, content)
        else:
            write_bytes(folder / name, content)


def write_list(begun: Path | None = None, report: Report | None = None) -> Path:
    """Write reports/index.html from what lies in reports/; return its path.

    It belongs to no job: whatever writes a report writes it again.

    Args:
        begun, report: a folder whose report is made, but not in its place yet, and this report.
    """
    root = Path(paths.REPORTS)
    entries = {entry.folder: entry for entry in _entries(root)}
    if begun is not None and report is not None and begun.is_relative_to(root):
        name = begun.relative_to(root).as_posix()
        entries[name] = Entry(name, _parsed(str(report.files[overview.FILE])))
    page = root / overview.PAGE
    write_text(page, overview.list_page(list(entries.values())))
    return page


def _entries(root: Path) -> Iterator[Entry]:
    for pattern in overview.DEPTH:
        for page in root.glob(f"{pattern}/{overview.PAGE}"):
            folder = page.parent
            if not folder.name.startswith("."):
                yield Entry(folder.relative_to(root).as_posix(), _summary(folder))


def _summary(folder: Path) -> Summary | None:
    try:
        return _parsed((folder / overview.FILE).read_text(encoding="utf-8"))
    except OSError:
        return None


def _parsed(text: str) -> Summary | None:
    """Return a summary; None for one of another version."""
    try:
        return Summary.model_validate_json(text)
    except ValidationError:
        return None
