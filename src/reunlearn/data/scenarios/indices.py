"""Forget the samples that a file lists; a second file may list those that stay.

Without a second file the rest of the training set stays. With one, samples in neither file belong to neither set, and
test samples count as forgotten where `file` holds their class and `retain` does not. An audit counts them so without a
second file, too.
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._lists import digest_of, read_indices
from reunlearn.data.scenarios._steps import check_steps, dealt, no_classes
from reunlearn.data.scenarios.registry import NEITHER, STAYS, Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np


class Indices(Scenario):
    """The samples that a file of yours lists."""

    DRAWS: ClassVar[bool] = False
    FROM_PLAN: ClassVar[tuple[str, ...]] = ("digest", "retain_digest", "audited")

    file: str = Field(
        description="numbers into the official training set, to forget: .npy, or text with one per line"
    )
    retain: str | None = Field(
        None, description="the same for the samples that stay; the rest of the training set if absent"
    )
    digest: str | None = Field(None, description="SHA-256 of `file`")
    retain_digest: str | None = Field(None, description="SHA-256 of `retain`")
    audited: bool | None = Field(None, description="true in an audit of a user's own model")

    @property
    def name(self) -> str:
        """The name of the files, and the beginning of their digests where these are known."""
        digests = [digest[:8] for digest in (self.digest, self.retain_digest) if digest]
        return "~".join([super().name, *digests])

    def labels(self) -> list[Any]:
        """Return the names of the files."""
        files = [self.file] if self.retain is None else [self.file, "retain", self.retain]
        return [re.sub(r"[^A-Za-z0-9]+", "-", PurePath(file).stem) for file in files]

    def words(self) -> str:
        """Return which files."""
        staying = f"; {self.retain} lists what stays" if self.retain else ""
        return f"the samples that {self.file} lists{staying}"

    def resolved(self, models: str = "") -> Indices:
        """Return the scenario with the digests of its files."""
        digests = {"digest": digest_of(self.file)}
        if self.retain is not None:
            digests["retain_digest"] = digest_of(self.retain, "retain")
        return self.model_copy(update=digests)

    def lists(self) -> tuple[list[int], list[int] | None]:
        """Return the numbers to forget and those to retain, each as its file lists them; None without a file.

        Raises:
            UserError: a file cannot be read, is not what its digest says, or is no list of numbers.
        """
        forget = read_indices(self.file, self.digest)
        retain = self.retain and read_indices(self.retain, self.retain_digest, "retain")
        return forget, retain or None

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse numbers beyond the official training set, all of them, and a number in both files."""
        forget, retain = self.lists()
        for file, numbers in ((self.file, forget), (self.retain, retain or [])):
            if beyond := [n for n in numbers if n >= card.train]:
                raise UserError(f"{where}: {file}: no sample {beyond[0]}; {card.name} has {card.train}")
        check_steps(len(forget), self, "samples", where)
        if len(forget) == card.train:
            raise UserError(f"{where}: {self._nothing_stays}")
        if both := set(forget) & set(retain or ()):
            raise UserError(f"{where}: {self.file} and {self.retain} both list sample {min(both)}")

    @property
    def _nothing_stays(self) -> str:
        return f"{self.file}: lists the whole training set; nothing is left to retain"

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return the listed samples, dealt to the steps in the order of the file."""
        import numpy as np

        forget, retain = self.lists()
        part = dealt(samples, self._rows(self.file, forget, samples), self)
        if retain is not None:
            stays = np.zeros(len(samples), dtype=bool)
            stays[self._rows(str(self.retain), retain, samples)] = True
            part[(part == STAYS) & ~stays] = NEITHER
        if not (part == STAYS).any():
            raise UserError(self._nothing_stays)
        by_class = self.audited or retain is not None
        return Selection(part, samples.y, self._gone(part, samples.y) if by_class else no_classes(self))

    def _rows(self, file: str, numbers: list[int], samples: TrainingSet) -> np.ndarray:
        """Return the rows of the listed samples, in their order."""
        import numpy as np

        listed = np.asarray(numbers)
        rows = np.searchsorted(samples.index, listed)
        absent = listed[samples.index[np.minimum(rows, len(samples) - 1)] != listed]
        held_out = absent[np.isin(absent, samples.held_out)]
        for number in np.setdiff1d(absent, held_out):
            if self.audited:
                raise UserError(f"{file}: sample {number} is not among the {len(samples)} of --train")
            raise UserError(
                f"{file}: sample {number} is not in the training set of this study (numbers go into the official "
                "training set, and some may be held out for validation)"
            )
        for number in held_out:
            place = "--validation" if self.audited else "the validation set"
            raise UserError(f"{file}: sample {number} is among the {len(samples.held_out)} of {place}")
        return rows

    def _gone(self, part: np.ndarray, y: np.ndarray) -> list[list[int]]:
        """Return the classes that each step makes go: forgotten by then and not among what stays."""
        import numpy as np

        gone: list[list[int]] = []
        for step in range(self.steps):
            forgotten, stays = (part >= 0) & (part <= step), (part == STAYS) | (part > step)
            before = [label for group in gone for label in group]
            gone.append(np.setdiff1d(y[forgotten], [*y[stays], *before]).tolist())
        return gone
