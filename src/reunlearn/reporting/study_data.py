"""All that tables and figures over a whole study are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import registry
from reunlearn.study.claims import Claim
from reunlearn.study.layout import Layout


@dataclass(frozen=True)
class StudyData:
    """The experiments that have results, and what is shown over all of them."""

    experiments: Sequence[ExperimentData]
    layout: Layout
    claims: Sequence[Claim] = ()  # of the paper that the study reproduces
    name: str = ""  # of an experiment, where there is one: tables over all of them have no such prefix
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    def frame(self, table: str) -> pd.DataFrame:
        """Return what a table of the registry computes; it is computed once."""
        if table not in self._frames:
            self._frames[table] = registry.get(table).compute(self)
        return self._frames[table]
