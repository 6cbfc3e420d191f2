"""Write the report of a study: one page, tables as CSV, LaTeX and Markdown, figures as SVG and PDF."""

from __future__ import annotations

import pandas as pd

from reunlearn.base.files import read_json, replacing, write_text
from reunlearn.reporting.page import make_report
from reunlearn.stages.execution import Job
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue


def run(job: Job) -> None:
    """Write index.html, tables/ and figures/, from the results alone."""
    folder = job.input("results")
    results, samples, scores, classes = (
        pd.read_parquet(folder / f"{n}.parquet") for n in ("results", "samples", "scores", "classes")
    )
    runs = read_json(folder / "runs.json")
    logs = {f for f in runs["missing"] if paths.log(f).exists()}
    report = make_report(results, samples, scores, runs, catalogue(), logs, classes, job["reported"])
    for name, content in report.files.items():
        if isinstance(content, str):
            write_text(job.folder / name, content)
            continue
        with replacing(job.folder / name) as partial:
            partial.write_bytes(content)
    write_text(job.folder / "index.html", report.page)
