"""Printed run times as shares of Retrain's: which two are divided, and which digits are certain."""

from __future__ import annotations

import pytest

from reunlearn.study.catalogue import catalogue
from reunlearn.study.papers import papers
from reunlearn.study.reported import PrintedCell, all_cells
from reunlearn.study.shares import printed_share


def share(cell: PrintedCell) -> tuple[str, str]:
    """Return the share of a printed time."""
    return printed_share(cell, papers(catalogue())[cell.paper], all_cells())


def printed(**words: str) -> PrintedCell:
    """Return a printed run time."""
    (cell,) = [c for c in all_cells() if all(getattr(c, key) == value for key, value in words.items())]
    return cell


GDR = {"paper": "GDR-GMA", "metric": "RTE", "dataset": "CIFAR-10", "fraction": "20%"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({**GDR, "method": "Fine-tune"}, ("5.2", "")),  # 1.48 / 28.53
        ({**GDR, "method": "Retrain"}, ("100.0", "")),
        ({**GDR, "method": "w_o_Bank"}, ("359", "")),  # Retrain's time stands in Table 2
        ({"paper": "PGU", "metric": "time", "table": "Table 1", "method": "PGU"}, ("8.66", "0.43")),
        ({"paper": "PGU", "metric": "time", "table": "Table 1", "method": "NTK"}, ("", "")),  # not printed
    ],
)
def test_a_time_is_divided_by_retrains_in_the_same_setting(words: dict, expected: tuple[str, str]) -> None:
    assert share(printed(**words)) == expected


def test_rounding_of_both_times_leaves_these_digits() -> None:
    """Over all printed times: the true share, whatever was rounded away, lies within half a unit."""
    cells = [c for c in all_cells() if c.metric in ("RTE", "time") and c.mean]
    assert len(cells) == 68 + 22 + 16
    for cell in cells:
        text, _ = share(cell)
        whole = next(
            c
            for c in all_cells()
            if c.method in ("Retrain", "RT", "Retrained")
            and (c.paper, c.dataset, c.model, c.scenario, c.fraction, c.metric)
            == (cell.paper, cell.dataset, cell.model, cell.scenario, cell.fraction, cell.metric)
        )
        half = [0.5 * 10.0 ** -len(t.partition(".")[2]) for t in (cell.mean, whole.mean, text)]
        ends = [
            100 * (float(cell.mean) + sign * half[0]) / (float(whole.mean) - sign * half[1])
            for sign in (-1, 1)
        ]
        assert max(abs(end - float(text)) for end in ends) <= 2 * half[2] + 1e-9, cell


def test_without_a_time_of_retrain_there_is_none() -> None:
    cell = printed(**GDR, method="Fine-tune")
    assert printed_share(cell, papers(catalogue())[cell.paper], [cell]) == ("", "")
