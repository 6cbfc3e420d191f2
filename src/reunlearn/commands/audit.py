"""Attack a user's own model, outside any study: every mistake first, then the stages, then one finished folder."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json, write_json, write_text
from reunlearn.base.hashing import sha256
from reunlearn.commands import audit_jobs
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.audit_page import File, make_audit_page
from reunlearn.reporting.definitions import ACCURACIES, CARDS
from reunlearn.reporting.grids import short_unit
from reunlearn.reporting.page import Report
from reunlearn.study import paths
from reunlearn.study.audit import ROW, Audit, Request, check
from reunlearn.study.catalogue import catalogue

TABLES = ("results", "samples", "scores", "classes")
WIDTH = 120  # columns where there is no terminal


def run(request: Request, json: bool = False) -> None:
    """Check everything, attack the model, write the folder, print the numbers."""
    cards = catalogue()
    audit = check(request, cards)
    from reunlearn.training.given_weights import (
        check_weights,
    )  # torch takes seconds; most mistakes need none of it

    for _, _, file in audit_jobs.models(audit):
        check_weights(file, audit.training["architecture"], audit.shape, audit.data["classes"])
    audit_jobs.prepare(audit)
    indices = audit_jobs.split(audit)
    root = paths.state_dir() / "audits" / str(os.getpid())
    shutil.rmtree(root, ignore_errors=True)
    try:
        jobs = audit_jobs.Run(audit, root)
        results = jobs.run(indices)
        sizes = {name: len(indices[name]) for name in ("forget", "retain")}
        sizes["train"] = sum(sizes.values())
        told = _write(audit, results, sizes, jobs.left_out, cards["attacks"])
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if json:
        print((request.target / "audit.json").read_text(encoding="utf-8"), end="")
    else:
        show(told, cards["attacks"])


def _write(
    audit: Audit,
    results: Path,
    sizes: dict[str, int],
    left_out: dict[str, str],
    cards: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Write the folder beside its place and move it there when it is whole; return the content of audit.json."""
    tables = {name: pd.read_parquet(results / f"{name}.parquet") for name in TABLES}
    files = _files(audit)
    page = make_audit_page(
        tables, read_json(results / "runs.json"), cards, sizes, files, left_out, command(audit.request)
    )
    told = {
        "output": str(audit.request.target),
        "command": command(audit.request),
        "files": [{"role": f.role, "path": f.path, "sha256": f.sha256} for f in files],
        "samples": sizes,
        "left_out": left_out,
        "numbers": _by_line(tables["results"]),
    }
    target = audit.request.target
    work = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        _fill(work, page, results, told)
        work.replace(target)
    except OSError as error:
        raise UserError(f"{target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return told


def _fill(work: Path, page: Report, results: Path, told: dict[str, Any]) -> None:
    for name, content in {"index.html": page.page, **page.files}.items():
        if isinstance(content, str):
            write_text(work / name, content)
        else:
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            (work / name).write_bytes(content)
    (work / "results").mkdir()
    for name in (*(f"{table}.parquet" for table in TABLES), "runs.json"):
        shutil.copyfile(results / name, work / "results" / name)
    write_json(work / "audit.json", told)


def _files(audit: Audit) -> list[File]:
    """Return what was read, in the order of the tables, then the lists of samples."""
    role_of = {"retrain": "reference", "original": "original", ROW: "model"}
    read = [(role_of[row], file) for row, _, file in audit_jobs.models(audit)]
    read += [("forget", audit.request.forget)]
    read += [("retain", audit.request.retain)] if audit.request.retain else []
    return [File(role, file, sha256(Path(file))) for role, file in read]


def command(request: Request) -> str:
    """Return the words that ask for an audit."""
    words = ["reunlearn", "audit"]
    for name, value in vars(request).items():
        option = f"--{name}"
        if name == "references":
            words += [word for file in value for word in ("--reference", file)]
        elif name == "attacks" and value is not None:
            words += [option, ",".join(value)]
        elif value != getattr(Request, name, None):
            words += [option, str(value)]
    return shlex.join(words)


def _by_line(results: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return {line of the table: {metric: value}}; several models in a line, as in the noise floor, are averaged."""
    frame = lines.with_line(results)
    return {
        line: frame[frame["line"] == line].groupby("metric", sort=True)["value"].mean().to_dict()
        for line in lines.order(frame)
    }


def show(told: dict[str, Any], cards: dict[str, dict[str, Any]]) -> None:
    """Print a line per number and a column per model, then where the page is."""
    console = Console(markup=False, highlight=False, emoji=False)
    console = (
        console if console.is_terminal else Console(width=WIDTH, markup=False, highlight=False, emoji=False)
    )
    table = Table(title=f"Audit: {told['samples']['forget']} samples to forget", title_justify="left")
    table.add_column("number")
    by_line = told["numbers"]
    for line in by_line:
        table.add_column(line, justify="right")
    for label, metric, decimals in _rows(cards):
        if any(metric in own for own in by_line.values()):
            table.add_row(label, *(numbers.plain(own.get(metric), decimals) for own in by_line.values()))
    console.print(table)
    for attack, why in told["left_out"].items():
        console.print(f"{attack} did not run: {why}")
    console.print("`reunlearn attacks` says what each number compares, and which way leakage is")
    console.print(f"report: {told['output']}/index.html", soft_wrap=True)


def _rows(cards: dict[str, dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Return (label, metric, decimals) of all that is printed: accuracies in per cent, each attack's number and AUC."""
    accuracies = {name: card for name, card in (CARDS | ACCURACIES).items() if name.startswith("accuracy_")}
    found = [(f"{card['title']}, %", name, 1) for name, card in accuracies.items()]
    for name, card in cards.items():
        found += [(f"{name}, {short_unit(card)}", name, 2), (f"{name}, AUC", f"{name}.auc", 2)]
    return found
