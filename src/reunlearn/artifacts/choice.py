"""choice.json: the trials of a row whose settings are searched, and which of them was chosen."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from reunlearn.base.files import write_text
from reunlearn.study.cards import Value

FILE = "choice.json"
PROBED = "numbers.json"  # of a probe


class Trial(BaseModel):
    """One trial: values of the searched hyper-parameters, distances (mean over seeds, points) and their mean."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    settings: dict[str, Value]
    distances: dict[str, float]
    score: float
    diverged: int = 0  # of its seeds


class Choice(BaseModel):
    """All trials in the order in which they are planned; the first one with the lowest score is chosen."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    trials: tuple[Trial, ...]

    @property
    def chosen(self) -> Trial:
        """The trial whose settings the row has."""
        return min(self.trials, key=lambda trial: trial.score)

    def write(self, folder: Path) -> None:
        """Write choice.json."""
        write_text(folder / FILE, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Choice:
        """Read choice.json."""
        return cls.model_validate_json((folder / FILE).read_text(encoding="utf-8"))
