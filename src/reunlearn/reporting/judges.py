"""Which networks said what samples show: only numbers of the same ones can be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import KEY, RowKey

DIGITS = 12  # of a SHA-256 that are shown
OTHER = "judged by other weights than most rows: compare its numbers of samples with none of theirs"


def judges_of(data: ExperimentData) -> Mapping[RowKey, Mapping[str, frozenset[str]]]:
    """Return, of each row whose samples were judged, the SHA-256 of the weights of each network that did."""
    found: dict[RowKey, dict[str, frozenset[str]]] = {}
    judges = data.tables["judges"]
    for (*key, network), lines in judges.groupby([*KEY, "network"], sort=False, observed=True):
        found.setdefault(RowKey(*key), {})[str(network)] = frozenset(lines["weights"].astype(str))
    return found


def weights_of(data: ExperimentData) -> dict[str, str]:
    """Return the weights of each network that judged most rows."""
    counts: dict[str, Counter[str]] = {}
    for row in judges_of(data).values():
        for network, weights in row.items():
            counts.setdefault(network, Counter()).update(weights)
    return {network: count.most_common(1)[0][0] for network, count in counts.items()}


def remarks_of(data: ExperimentData) -> dict[RowKey, str]:
    """Return a remark of each row that was judged by other weights than most rows, in some run at least."""
    usual = weights_of(data)
    return {
        row: OTHER
        for row, judges in judges_of(data).items()
        if any(weights != {usual[network]} for network, weights in judges.items())
    }
