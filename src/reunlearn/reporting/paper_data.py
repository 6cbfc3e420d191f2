"""All that one table of a paper is made from: how it is laid out, and the experiments that its numbers meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import registry
from reunlearn.study.laid_out import LaidOut
from reunlearn.study.layout import Layout


@dataclass(frozen=True)
class PaperData:
    """One table of the paper that a study reproduces, and the experiments that have results."""

    table: LaidOut
    experiments: Sequence[ExperimentData]
    layout: Layout
    _frames: dict[str, pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The name of the paper's table."""
        return self.table.name

    def frame(self, table: str) -> pd.DataFrame:
        """Return what a table of the registry computes; it is computed once."""
        if table not in self._frames:
            self._frames[table] = registry.get(table).compute(self)
        return self._frames[table]
