"""What a study that cannot be planned may own, so that `gc` keeps it.

Which runs it owns is not known until it is mended. What can be known: every job of a study lies below the folder of
one of its datasets, and its last specifications name the runs of its last plan. That plan may have been narrowed to
some methods or seeds, and so cannot tell alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.commands.printing import joined
from reunlearn.study import paths
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import read_job
from reunlearn.study.load import load_study
from reunlearn.study.report_jobs import AggregateJob


@dataclass(frozen=True)
class Claim:
    """What a study that cannot be planned may own.

    Attributes:
        study: name.
        why: it cannot be planned.
        datasets: whose runs may be its own; None where that is not known, so that all runs may be.
        named: folders of its last specifications.
    """

    study: str
    why: str
    datasets: frozenset[str] | None
    named: frozenset[Folder]

    def covers(self, folder: Folder) -> bool:
        """Tell whether a folder may be the study's."""
        report = paths.report(self.study)
        if folder in self.named or folder == report or folder.startswith(f"{report}/"):
            return True
        root, _, below = folder.partition("/")
        if root != paths.RUNS:
            return False
        # a user's own folder of images is called by its dataset and a digest, which is not known here
        return self.datasets is None or below.partition("/")[0].partition("~")[0] in self.datasets

    def __str__(self) -> str:
        of = "" if self.datasets is None else f" of {joined(sorted(self.datasets))}"
        named = ", what its last specifications name" if self.named and self.datasets is not None else ""
        return f"all runs{of}{named}, {paths.report(self.study)}"


def claim_of(study: str, why: str) -> Claim:
    """Return what a study that cannot be planned may own; `why` it cannot be."""
    named = _named(study)
    return Claim(study, why, None if named is None else _datasets(study), named or frozenset())


def _named(study: str) -> frozenset[Folder] | None:
    """Return the folders of a study's last specifications: none if it has no such, None if they cannot be read."""
    path = Path(paths.results(study)) / paths.SPECIFICATION
    if not path.exists():
        return frozenset()
    try:
        return frozenset(read_job(path, AggregateJob).inputs.jobs)
    except (UserError, OSError):
        return None


def _datasets(study: str) -> frozenset[str] | None:
    """Return the datasets of a study's file; None if it cannot be read, or names one that does not exist."""
    try:
        wanted = frozenset(e.dataset.name for e in load_study(study).experiments)
    except Exception:  # whatever keeps it from being read: nothing is known of it then
        return None
    return wanted if wanted <= set(plugin_names("datasets")) else None
