"""The list of all reports: what each says of itself in a small file, and the page that lists them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from reunlearn.reporting.pages.view import environment

FILE = "summary.json"
PAGE = "index.html"
DEPTH = ("*", "*/*")  # where below reports/ a report can lie: reports/STUDY, reports/audits/MODEL


class Summary(BaseModel):
    """What a report says of itself.

    Attributes:
        kind: a study's or an audit's.
        title: of the page.
        headline: the main finding of the first experiment, one sentence.
        experiments: how many the page shows.
        made: when the last job ended; nothing where none did.
        jobs, missing: of the plan; those of them without a result.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["study", "audit"]
    title: str
    headline: str
    experiments: int
    made: str
    jobs: int
    missing: int

    @property
    def state(self) -> str:
        """Whether it is whole."""
        return "complete" if not self.missing else f"{self.missing} of {self.jobs} jobs missing"

    @property
    def more(self) -> str:
        """How many experiments the headline does not speak of."""
        others = self.experiments - 1
        return f"and {others} more experiment{'' if others == 1 else 's'}" if others > 0 else ""

    def written(self) -> str:
        """Return the content of its file."""
        return self.model_dump_json(indent=1) + "\n"


@dataclass(frozen=True)
class Entry:
    """One report of the list: its folder below the list, and its summary; None where an earlier version made it."""

    folder: str
    summary: Summary | None


def list_page(entries: Sequence[Entry]) -> str:
    """Return the page that lists reports."""
    ordered = sorted(entries, key=lambda entry: (entry.folder.count("/"), entry.folder))
    return environment().get_template("overview.html").render(entries=ordered)
