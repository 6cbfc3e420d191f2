"""`reunlearn papers`: all in a line each, or one in full: its words, tables, figures, claims, choices."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from reunlearn.commands.printing import Row, joined, print_facts, print_json, print_table
from reunlearn.study.catalogue import catalogue
from reunlearn.study.papers import (
    Open,
    Paper,
    PrintedColumn,
    PrintedMethod,
    PrintedScenario,
    PrintedTraining,
    names,
    read_paper,
)
from reunlearn.study.presets import given
from reunlearn.study.reported import read_file
from reunlearn.study.specs import RowSpec


def papers(name: str | None, as_json: bool) -> None:
    """List papers, or show one in full."""
    picked = {file: read_paper(file, catalogue()) for file in ([name] if name else names())}
    if as_json:
        print_json([{"name": file, **paper.model_dump(mode="json")} for file, paper in picked.items()])
    elif name:
        _one_paper(picked[name])
    else:
        print_table([_short(file, paper) for file, paper in picked.items()], "Papers")


def _short(file: str, paper: Paper) -> Row:
    cells = sum(len(table.cells(read_file(table.file))) for table in paper.tables)
    return {
        "paper": file,
        "title": paper.title,
        "tables": f"{len(paper.tables)} ({cells} printed numbers)",
        "figures": f"{sum(bool(f.ours) for f in paper.figures)} of {len(paper.figures)} shown",
        "claims": str(len(paper.claims)),
    }


def _one_paper(paper: Paper) -> None:
    """Print all that is known of a paper."""
    print_facts({"paper": paper.paper, "citation": paper.citation}, paper.title)
    print_table([_training(training) for training in paper.trainings], "Datasets and networks")
    print_table([_scenario(scenario) for scenario in paper.scenarios], "What is forgotten")
    print_table([_method(name, method) for name, method in paper.methods.items()], "Rows")
    print_table([_column(paper, name, column) for name, column in paper.columns.items()], "Columns")
    tables = [
        {
            "table": table.table,
            "shows": table.caption,
            "rows": joined(table.rows),
            "columns": joined(table.columns),
            "printed": table.file,
            "doubtful": joined([f"{', '.join(d.where.values())}: {d.why}" for d in table.doubtful]),
        }
        for table in paper.tables
    ]
    print_table(tables, "Tables")
    figures = [
        {"figure": f.figure, "shows": f.shows, "here": f.absent or joined(f.ours)} for f in paper.figures
    ]
    print_table(figures, "Figures")
    claims = [{"claim": c.name, "says": c.says, "source": c.source} for c in paper.claims]
    print_table(claims, "Claims")
    print_table(_open(paper), "What it leaves open, and what was chosen")


def _training(training: PrintedTraining) -> Row:
    ours = training.ours
    here = f"{ours.dataset}, {ours.network}" + (" pretrained" if ours.pretrained else "") if ours else ""
    return {
        "dataset": training.dataset,
        "network": training.network,
        "here": here or training.absent,
        "recipes": joined(ours.recipes) if ours else "",
    }


def _scenario(scenario: PrintedScenario) -> Row:
    here = {name: _values(values) for name, values in given(scenario.ours).items()}
    step = f", step {scenario.step}" if scenario.step else ""
    return {
        "scenario": joined(scenario.scenario),
        "fraction": joined(scenario.fraction, none="any"),
        "here": scenario.absent or _pairs(here) + step,
    }


def _method(name: str, method: PrintedMethod) -> Row:
    return {
        "printed": name,
        "here": method.absent
        or joined([RowSpec(method=row, reading=method.reading).name for row in method.rows]),
        "label": method.label or "",
        "settings": _pairs({key: joined(values) for key, values in method.settings.items()}),
    }


def _column(paper: Paper, name: str, column: PrintedColumn) -> Row:
    elsewhere = {table: columns[name] for table, columns in paper.columns_of.items() if name in columns}
    others = "".join(f"; in {table}: {column_words(other)}" for table, other in elsewhere.items())
    return {"column": name, "is": column.says or column.absent, "here": column_words(column) + others}


def column_words(column: PrintedColumn) -> str:
    """Return how a printed column follows from our numbers."""
    if column.distance:
        return f"|{column.distance[0]} − {column.distance[1]}|"
    if column.average:
        return f"{column.name}: mean gap to Retrain of {joined(column.average)}"
    if column.error_of:
        return f"100 − {column.error_of}"
    if column.share_of_retrain:
        return f"{column.share_of_retrain}, % of Retrain's"
    return column.metric or "nothing"


def _open(paper: Paper) -> list[Row]:
    """Return every open point once, with what it is about."""
    about: dict[str, tuple[Open, ...]] = {}
    for training in paper.trainings:
        about[f"{training.dataset}, {training.network}"] = training.open
    for scenario in paper.scenarios:
        about[f"{joined(scenario.scenario)} {joined(scenario.fraction, none='')}".rstrip()] = scenario.open
    about |= {name: method.open for name, method in paper.methods.items()}
    found: dict[Open, list[str]] = {}
    for what, points in about.items():
        for point in points:
            found.setdefault(point, []).append(what)
    return [{"of": joined(of), "open": o.what, "chosen": o.chosen} for o, of in found.items()]


def _values(values: Sequence[object]) -> str:
    """Return the values of a condition as a study writes them."""
    return " or ".join(json.dumps(value) if isinstance(value, tuple) else str(value) for value in values)


def _pairs(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())
