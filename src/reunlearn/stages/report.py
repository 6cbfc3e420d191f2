"""Write the report of a study: one page, tables as CSV, LaTeX and Markdown, figures as SVG and PDF."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting.experiment_data import Tables
from reunlearn.reporting.page import make_report
from reunlearn.stages.execution import Context
from reunlearn.stages.pages import write_list, write_report
from reunlearn.study import paths
from reunlearn.study.jobs import ReportJob


def run(context: Context[ReportJob]) -> None:
    """Write the page and what lies beside it, from the results alone; logs are looked for, never read."""
    job = context.job
    gathered = Gathered.read(Path(job.inputs.results))
    report = make_report(
        job.study,
        read_tables(Path(job.inputs.results)),
        gathered,
        job.cards,
        printed=job.printed,
        forgotten=job.forgotten,
        logs=logged(gathered),
    )
    write_report(report, context.folder)
    write_list(Path(job.folder), report)


def logged(gathered: Gathered) -> set[str]:
    """Return the folders of the missing jobs that have a log."""
    return {folder for folder in gathered.missing if paths.log(folder).exists()}


def read_tables(results: Path) -> Tables:
    """Return the tidy tables that a report is made from; a committed report may lack those of single samples."""
    others = {
        name: pd.read_parquet(path) if (path := results / f"{name}.parquet").exists() else pd.DataFrame()
        for name in ("samples", "classes", "scores")
    }
    return Tables(results=pd.read_parquet(results / "results.parquet"), **others)
