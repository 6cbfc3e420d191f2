"""What an audit says in sentences: how far the model lies from Retrain, and which models have no numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.parts.finding import Finding, with_unit
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.rows import RETRAIN, RowKey

NO_REFERENCE = (
    "There is no Retrain to compare with (--reference): what a model that never saw the forget set would "
    "score is not known, so no number here alone shows whether it was forgotten."
)
NOT_FINITE = "some of its outputs are not finite numbers"


def lead(finding: Finding, headline: Headline, by_row: Mapping[RowKey, pd.DataFrame]) -> str:
    """Return what the gap to Retrain says of the audited model, or why it says nothing.

    Args:
        finding, headline: of the one experiment.
        by_row: the results of each row.
    """
    (audited,) = [row for row in by_row if not row.is_reference]
    if not _finished(by_row[audited]):
        return f"The audited model diverged: {NOT_FINITE}, so nothing can be said of what it forgot."
    if RETRAIN not in by_row:
        return NO_REFERENCE
    if not _finished(by_row[RETRAIN]):
        return f"The reference diverged: {NOT_FINITE}, so there is nothing to compare with."
    if not numbers.known(finding.best_gap):
        return "The distance to Retrain is not known: a number of the first table is missing."
    text = f"The audited model lies {with_unit(finding.best_gap, headline)} (Avg. Gap) from Retrain"
    for value, name in ((finding.original_gap, "the original"), (finding.floor_gap, "another Retrain")):
        if numbers.known(value):
            text += f"; {name} {headline.gap(value)}"
    return text + "."


def divergences(by_row: Mapping[RowKey, pd.DataFrame]) -> list[str]:
    """Return a sentence on each row with models that diverged: these have no numbers."""
    sentences = []
    for row, part in by_row.items():
        counts = rows.counts_of(part)
        count = counts.diverged + counts.finished
        if counts.diverged and count == 1:
            sentences.append(f"{row.heading} diverged: {NOT_FINITE}, so it has no numbers.")
        elif counts.diverged:
            sentences.append(
                f"{row.heading}: {counts.diverged} of {count} models diverged, which have outputs that are not "
                "finite numbers; the row's numbers are those of the others."
            )
    return sentences


def _finished(part: pd.DataFrame) -> int:
    return rows.counts_of(part).finished
