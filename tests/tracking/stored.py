"""What a store holds of a synthetic study."""

from __future__ import annotations

from collections import Counter
from typing import Any

from reunlearn.tracking.store import open_store


def runs_of_store(study: str = "tiny") -> list[Any]:
    """Return every run of a study that is not deleted."""
    with open_store() as client:
        experiment = client.get_experiment_by_name(study)
        return list(client.search_runs([experiment.experiment_id], max_results=1000))


def kinds(runs: list[Any]) -> Counter[str]:
    return Counter(run.data.tags["kind"] for run in runs)


def ids(runs: list[Any]) -> set[str]:
    return {run.info.run_id for run in runs}
