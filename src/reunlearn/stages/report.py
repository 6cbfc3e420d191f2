"""Write the report of a study: one page, tables as CSV, LaTeX and Markdown, figures as SVG and PDF."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.files import replacing, write_text
from reunlearn.reporting.experiment_data import Tables
from reunlearn.reporting.page import make_report
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.jobs import ReportJob


def run(context: Context[ReportJob]) -> None:
    """Write index.html, tables/ and figures/, from the results alone; logs are looked for, never read."""
    job = context.job
    gathered = Gathered.read(Path(job.inputs.results))
    report = make_report(
        job.study,
        read_tables(Path(job.inputs.results)),
        gathered,
        job.cards,
        printed=job.printed,
        forgotten=job.forgotten,
        logs={folder for folder in gathered.missing if paths.log(folder).exists()},
    )
    for name, content in report.files.items():
        if isinstance(content, str):
            write_text(context.folder / name, content)
            continue
        with replacing(context.folder / name) as partial:
            partial.write_bytes(content)
    write_text(context.folder / "index.html", report.page)


def read_tables(results: Path) -> Tables:
    """Return the tidy tables of a results folder that a report is made from."""
    names = ("results", "samples", "classes", "scores")
    return Tables(**{name: pd.read_parquet(results / f"{name}.parquet") for name in names})
