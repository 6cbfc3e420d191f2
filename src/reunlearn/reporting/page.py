"""The whole report: from the tidy tables to the page and the files beside it. No reading, no writing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from reunlearn.reporting import export, ledger, lines, numbers, provenance, ranking
from reunlearn.reporting.costs import set_sizes
from reunlearn.reporting.drawings import Drawing
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.holes import find_holes
from reunlearn.reporting.sections import Section, build

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """The page, and the other files by their path relative to it."""

    page: str
    files: dict[str, str | bytes]


def make_report(
    results: pd.DataFrame,
    samples: pd.DataFrame,
    scores: pd.DataFrame,
    runs: dict[str, Any],
    catalogue: dict[str, dict[str, Any]],
    logs: Collection[str] = (),
    classes: pd.DataFrame | None = None,
    reported: dict[str, list[dict[str, str]]] | None = None,
) -> Report:
    """Return the report of a study.

    Args:
        results, samples, scores, runs: what the stage `aggregate` writes.
        catalogue: cards of methods, attacks and datasets.
        logs: folders of the jobs that have a log.
        classes: what the stage `aggregate` writes of true and predicted classes.
        reported: printed numbers by experiment.
    """
    runs = {**runs, "sizes": set_sizes(runs, _forget_sizes(samples), catalogue["datasets"])}
    study = runs["study"]
    measured = set(results["experiment"])
    shown = [e for e in study["experiments"] if e["name"] in measured]
    by_class, printed = pd.DataFrame() if classes is None else classes, reported or {}
    sections = _build_all(
        [
            (e, results, samples, scores, runs, catalogue["attacks"], by_class, printed.get(e["name"], []))
            for e in shown
        ]
    )
    ranks = ranking.build(results, [e["name"] for e in shown])
    methods = _methods(runs, catalogue["methods"])
    page = environment().get_template("page.html")
    text = page.render(
        study=study,
        sections=sections,
        methods=methods,
        ranks=ranks,
        ledger=ledger.build(methods, runs["rows"]),
        rows=sum(len(m["rows"]) for m in methods),
        holes=find_holes(runs, logs),
        jobs=len(runs["jobs"]) + len(runs["missing"]),
        provenance=provenance.gather(runs),
    )
    files = files_of(
        [*(g for s in sections for g in s.grids), *([ranks.grid] if ranks else [])],
        {name: table for s in sections for name, table in s.numbers.items()}
        | ({ranking.NAME: ranks.numbers} if ranks else {}),
        [*(d for s in sections for d in s.drawings), *([ranks.drawing] if ranks else [])],
    )
    return Report(text, files)


def _build_all(arguments: list[tuple[Any, ...]]) -> list[Section]:
    """Return the sections; several are drawn side by side, each in a process of its own."""
    if len(arguments) < 2:
        return [build(*one) for one in arguments]
    with multiprocessing.get_context("fork").Pool(min(len(arguments), os.cpu_count() or 1)) as pool:
        return pool.starmap(build, arguments)


def _forget_sizes(samples: pd.DataFrame) -> dict[str, int]:
    """Return the samples to forget per experiment: those of one run."""
    if samples.empty:
        return {}
    forget = samples[samples["set"] == "forget"]
    counts = forget.groupby(["experiment", "row", *lines.RUN]).size()
    return {str(k): int(v) for k, v in counts.groupby("experiment").max().items()}


def _methods(runs: dict[str, Any], cards: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the cards of the study's methods, each with the rows that use it, in the study's order."""
    used: dict[str, list[str]] = {}
    for row in runs["rows"]:
        if row["method"] and row["name"] not in used.setdefault(row["method"]["name"], []):
            used[row["method"]["name"]].append(row["name"])
    return [{**cards[name], "rows": rows} for name, rows in used.items() if name in cards]


def files_of(
    grids: list[Grid], tables: dict[str, pd.DataFrame], drawings: list[Drawing]
) -> dict[str, str | bytes]:
    """Return tables and figures as files, by their path relative to the page."""
    found: dict[str, str | bytes] = {}
    for grid in grids:
        found[f"tables/{grid.name}.tex"] = export.tex(grid)
        found[f"tables/{grid.name}.md"] = export.markdown(grid)
    for name, table in tables.items():
        found[f"tables/{name}.csv"] = export.csv(table)
    for drawing in drawings:
        found[f"figures/{drawing.name}.svg"] = drawing.svg
        found[f"figures/{drawing.name}.pdf"] = drawing.pdf
    return found


def environment() -> jinja2.Environment:
    """Return the templates' environment: everything is escaped but our own drawings."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = numbers.seconds
    environment.filters["number"] = numbers.plain
    environment.filters["drawing"] = Markup
    environment.filters["breakable"] = breakable
    return environment


def breakable(name: str) -> Markup:
    """Return a name, escaped, that may be broken after an underscore and before an @ on narrow screens."""
    return escape(name).replace("_", Markup("_<wbr>")).replace("@", Markup("<wbr>@"))
