"""The numbers of an audit: what audit.json says, and the table that the command prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import pandas as pd
from rich.console import Console
from rich.table import Table

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import short_unit
from reunlearn.reporting.pages.audit import File
from reunlearn.study.cards import Catalogue

WIDTH = 120  # columns where there is no terminal
STATUSES = ("finished", "diverged")
COSTS = ("seconds_", "peak_")


@dataclass(frozen=True)
class AuditResult:
    """What audit.json says.

    Attributes:
        output: the folder.
        command: what makes it again.
        files: what was read: role, path and SHA-256 of each.
        samples: in each set; None where nothing was measured.
        left_out: attacks that did not run, with the reason.
        status: by row, how many of its models finished and how many diverged.
        notes: sentences on models that diverged, and on files that hold the same weights.
        numbers: by row and metric; several models of a row, as in the noise floor, are averaged. Models that diverged
            do not count; where no other is left, every number is None.
    """

    output: str
    command: str
    files: tuple[File, ...]
    samples: Mapping[str, int]
    left_out: Mapping[str, str]
    status: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]
    numbers: Mapping[str, Mapping[str, float | None]]

    def written(self) -> dict[str, object]:
        """Return the written form."""
        return asdict(self)


def by_row(results: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Return {row: {metric: mean over its finished models}}, references first; None where no model finished.

    What it cost to take in a file says nothing and is left out.
    """
    kept = results[~results["metric"].str.startswith(COSTS)]
    found: dict[str, dict[str, float | None]] = {}
    for row, part in rows.by_row(kept).items():
        finished = part[part["status"] == "finished"].groupby("metric", sort=True)["value"].mean().to_dict()
        found[row.heading] = finished or dict.fromkeys(sorted(part["metric"].unique()))
    return found


def status_by_row(results: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Return {row: {finished: models, diverged: models}}."""
    counts = {row.heading: rows.counts_of(part) for row, part in rows.by_row(results).items()}
    return {row: {name: getattr(found, name) for name in STATUSES} for row, found in counts.items()}


def show(result: AuditResult, cards: Catalogue) -> None:
    """Print a line per number and a column per model, then where the page is."""
    plain = {"markup": False, "highlight": False, "emoji": False}
    console = Console(**plain)  # type: ignore[arg-type]
    console = console if console.is_terminal else Console(width=WIDTH, **plain)  # type: ignore[arg-type]
    table = Table(title=f"Audit: {result.samples['forget']} samples to forget", title_justify="left")
    table.add_column("number")
    for row in result.numbers:
        table.add_column(row, justify="right")
    for label, metric, decimals in _printed(cards):
        if any(metric in values for values in result.numbers.values()):
            cells = (_cell(result, row, metric, decimals) for row in result.numbers)
            table.add_row(label, *cells)
    console.print(table)
    for note in result.notes:
        console.print(note)
    for attack, reason in result.left_out.items():
        console.print(f"{attack} did not run: {reason}")
    console.print("`reunlearn attacks` says what each number compares, and which way leakage is")
    console.print(f"report: {result.output}/index.html", soft_wrap=True)


def _cell(result: AuditResult, row: str, metric: str, decimals: int) -> str:
    """Return a number as it is printed; "diverged" in a row of which no model finished."""
    if not result.status[row]["finished"]:
        return "diverged"
    return numbers.plain(result.numbers[row].get(metric), decimals)


def _printed(cards: Catalogue) -> Sequence[tuple[str, str, int]]:
    """Return (label, metric, decimals) of all that is printed: accuracies in per cent, each attack's number and AUC."""
    defined = {name: card for measure in cards.measures.values() for name, card in measure.numbers.items()}
    accuracies = [
        (f"{card.title}, %", name, 1) for name, card in defined.items() if card.table == "accuracies"
    ]
    attacks = [
        line
        for name, card in cards.attacks.items()
        for line in ((f"{name}, {short_unit(card)}", name, 2), (f"{name}, AUC", f"{name}.auc", 2))
    ]
    return [*accuracies, *attacks]
