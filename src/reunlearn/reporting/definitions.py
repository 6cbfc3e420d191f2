"""What the columns mean, in the form of the attacks' definition cards."""

from __future__ import annotations

from typing import Any

from reunlearn.reporting import metric_cards, study_cards

_CLOSER = "closer to Retrain is better"


def _card(
    name: str, title: str, compares: str, unit: str, direction: str, ideal: str, source: str
) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "compares": compares,
        "unit": unit,
        "direction": direction,
        "ideal": ideal,
        "column_of": "",
        "source": source,
    }


CARDS: dict[str, dict[str, Any]] = {
    card["name"]: card
    for card in (
        _card(
            "accuracy_forget",
            "Forget accuracy",
            "share of the forget set that the model classifies rightly",
            "%",
            _CLOSER,
            "Retrain's value; 0 only where whole classes are forgotten",
            "FA, Acc_Df, A_Df; 100 − UA",
        ),
        _card(
            "accuracy_retain",
            "Retain accuracy",
            "share of the retain set that the model classifies rightly",
            "%",
            _CLOSER,
            "Retrain's value",
            "RA, Acc_Dr",
        ),
        _card(
            "accuracy_test",
            "Test accuracy",
            "share of the official test set, forgotten classes included, that the model classifies rightly",
            "%",
            _CLOSER,
            "Retrain's value",
            "TA, Acc_val of GDR-GMA",
        ),
        _card(
            "avg_gap",
            "Avg. Gap",
            "mean of the gaps to Retrain in the columns that follow; a gap is |mean − mean of Retrain|",
            "percentage points",
            "lower is better",
            "that of the noise floor: a second retrained model has a gap too",
            "ours, over the columns shown here; those of the papers, each over its own columns, stand below",
        ),
        _card(
            "seconds",
            "Run time",
            "seconds of the method alone, its preparation included, reading and evaluation not; "
            "for Retrain and Original the training",
            "seconds; below, the ratio to Retrain",
            "lower is cheaper",
            "far below 1 × Retrain; the ratio is shown only between equal device, processor and threads",
            "RTE",
        ),
        _card(
            "passes",
            "Passes",
            "samples that the method really drew, as passes over the retain set and over the forget set",
            "passes over the set",
            "lower is cheaper",
            "a method that does not see a set shows 0 or a dash",
            "counted when batches are handed out",
        ),
        _card(
            "runs",
            "Runs",
            "finished runs: the n of every mean in the line; below, those that diverged or are missing",
            "runs",
            "",
            "none diverged",
            "diverged: a weight, a loss or an output is not finite; left out of the means",
        ),
    )
}


def _table(rows: tuple[metric_cards.Row, ...]) -> dict[str, dict[str, Any]]:
    return {row[0]: _card(*row) for row in rows}


DISTANCES = _table(metric_cards.DISTANCES)
ACCURACIES = _table(metric_cards.ACCURACIES)
AVERAGES = _table(study_cards.AVERAGES)
COSTS = _table(study_cards.COSTS)
SIGNIFICANCE = _table(study_cards.SIGNIFICANCE)
RANKS = _table(study_cards.RANKS)
