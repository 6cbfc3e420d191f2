"""A study's page again, from its results alone: after a change of this package, or from a committed report."""

from __future__ import annotations

import lzma
import os
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from reunlearn.artifacts.gathered import FILE as RUNS
from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.commands.printing import print_json
from reunlearn.reporting.pages.report import Report
from reunlearn.reporting.pages.study import make_report
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages.pages import write_list, write_report
from reunlearn.stages.report import logged
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.plan import cards_of, make_plan
from reunlearn.study.report_jobs import ReportJob


@dataclass(frozen=True)
class Written:
    """Pages that were written: of studies, and the list of all reports."""

    reports: tuple[str, ...]
    list: str


def run(
    study: str | None,
    source: str | None = None,
    target: str | None = None,
    *,
    single: bool = False,
    json: bool = False,
) -> None:
    """Write a study's page again, then the list of all reports; without a study the list alone.

    Args:
        study: one of config/studies, which says what its experiments are.
        source: a folder of results, or one that holds results/; the study's own report if None.
        target: where to write; `source` if None.
        single: write one file, NAME.html, with the figures in it, and nothing beside it.
        json: print what was written as JSON.
    """
    pages: tuple[str, ...] = ()
    if study is not None:
        page = _write(study, Path(source or paths.report(study)), Path(target) if target else None, single)
        pages = (page.as_posix(),)
    written = Written(pages, str(write_list()))
    if json:
        print_json(written)
        return
    for name in written.reports:
        print(f"report: {name}")
    print(f"all reports: {written.list}")


def _write(study: str, source: Path, target: Path | None, single: bool) -> Path:
    results = source / "results" if (source / "results").is_dir() else source
    folder = target or source
    report = _render(study, results, folder, single)
    page = folder / (f"{study}.html" if single else "index.html")
    if single:
        write_text(page, report.page)
    else:
        write_report(report, folder)
    return page


def _render(study: str, results: Path, folder: Path, single: bool) -> Report:
    """Return the report of a study from a folder of results; `folder`: where it will lie."""
    gathered = read_gathered(results)
    job = make_plan(study).jobs[paths.report(study)]
    assert isinstance(job, ReportJob)
    here = any(Path(run.model).is_dir() for run in gathered.runs)
    cards = cards_of(gathered.runs, [job.whole, *job.sections.values(), job.of_paper], catalogue())
    return make_report(
        replace(job, cards=cards),
        StudyTables(results),
        gathered,
        logs=logged(gathered),
        root=Path(os.path.relpath(Path.cwd(), folder)).as_posix() if here else None,
        single=single,
    )


def read_gathered(results: Path) -> Gathered:
    """Return what was run, from runs.json or its packed form runs.json.xz.

    Raises:
        UserError: there is neither, or another version wrote it.
    """
    plain, packed = results / RUNS, results / f"{RUNS}.xz"
    try:
        content = plain.read_bytes() if plain.exists() else lzma.decompress(packed.read_bytes())
        return Gathered.model_validate_json(content)
    except FileNotFoundError:
        raise UserError(f"{results}: holds no {RUNS}; `make reproduce STUDY=NAME` makes results") from None
    except (ValidationError, lzma.LZMAError):
        raise UserError(f"{results}: {RUNS} was written by another version; make the study again") from None
