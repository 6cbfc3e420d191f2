"""Write the report of a study: one page, tables as CSV, LaTeX and Markdown, figures as SVG and PDF."""

from __future__ import annotations

from pathlib import Path

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.side_by_side import cores
from reunlearn.reporting.pages.study import make_report
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages.execution import Context
from reunlearn.stages.pages import write_list, write_report
from reunlearn.study import paths
from reunlearn.study.report_jobs import ReportJob


def run(context: Context[ReportJob]) -> None:
    """Write the page and what lies beside it, from the results alone; logs are looked for, never read."""
    job = context.job
    gathered = Gathered.read(Path(job.inputs.results))
    tables = StudyTables(Path(job.inputs.results))
    report = make_report(job, tables, gathered, logs=logged(gathered), cores=cores())
    write_report(report, context.folder)
    write_list(Path(job.folder), report)


def logged(gathered: Gathered) -> set[str]:
    """Return the folders of the missing jobs that have a log."""
    return {folder for folder in gathered.missing if paths.log(folder).exists()}
