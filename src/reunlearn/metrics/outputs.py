"""What models answer, as arrays: of one model per set, and of a pool of shadow models. The one reader and writer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from reunlearn.base.arrays import read_arrays, write_arrays

ARRAYS = "arrays.npz"  # of a measurement
OUTPUTS = "outputs.npz"  # of a block of shadow models
LEFT_OUT = (
    "test_forgotten"  # the set of test samples of forgotten classes, where the test set is without them
)


@dataclass(frozen=True)
class Outputs:
    """What a model answers: logits [N, K], labels [N] and official numbers [N] per set.

    Sets are forget, retain, validation, earlier, test and LEFT_OUT. Numbers go into the official training set, those of
    test and LEFT_OUT into the official test set, those of validation into the set that it is taken out of. Of sets that
    were also seen under the training augmentation, the entropies [N] there.
    """

    logits: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    index: dict[str, np.ndarray]
    augmented_entropy: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def unseen(self) -> str:
        """The set of test samples that are compared with forget: test, or what is left out of it."""
        return LEFT_OUT if LEFT_OUT in self.logits else "test"

    def comparable(self, name: str) -> np.ndarray:
        """Return a mask [N] of the samples of a set whose class occurs in forget: unseen but alike."""
        mask = np.isin(self.labels[name], self.labels["forget"])
        if not mask.any():
            raise ValueError(
                f"no {name} sample has a class of the forget set; nothing can be compared with forget"
            )
        return mask

    def unseen_alike(self) -> tuple[np.ndarray, np.ndarray]:
        """Return logits [M, K] and labels [M] of the test samples whose class occurs in forget."""
        mask = self.comparable(self.unseen)
        return self.logits[self.unseen][mask], self.labels[self.unseen][mask]

    @property
    def finite(self) -> bool:
        """Whether every number is finite."""
        arrays = (*self.logits.values(), *self.augmented_entropy.values())
        return all(bool(np.isfinite(array).all()) for array in arrays)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return them by the names that they have in a file."""
        parts = {"logits": self.logits, "labels": self.labels, "index": self.index}
        parts["augmented_entropy"] = self.augmented_entropy
        return {f"{name}_{part}": array for part, sets in parts.items() for name, array in sets.items()}

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Outputs:
        """Return the outputs that a file holds."""
        sets = [key.removesuffix("_logits") for key in arrays if key.endswith("_logits")]
        parts = ("logits", "labels", "index", "augmented_entropy")
        known = ({n: arrays[f"{n}_{part}"] for n in sets if f"{n}_{part}" in arrays} for part in parts)
        return cls(*known)


@dataclass(frozen=True)
class Pool:
    """What M shadow models answer on N samples.

    Attributes:
        logits: [M, N, K], half precision.
        member: [M, N], whether a model was trained with a sample.
        index: official training numbers [N], sorted.
        label: true labels [N].
    """

    logits: np.ndarray
    member: np.ndarray
    index: np.ndarray
    label: np.ndarray

    def of(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits [M, n, K] and membership [M, n] of the samples with these official numbers."""
        places = np.searchsorted(self.index, index)
        if not np.array_equal(self.index[np.minimum(places, len(self.index) - 1)], index):
            raise ValueError("a sample is not in the pool of shadow models")
        return self.logits[:, places], self.member[:, places]


def read_outputs(folder: Path) -> Outputs:
    """Return the outputs that an evaluation left."""
    return Outputs.of_arrays(read_arrays(folder / ARRAYS))


def write_pool(folder: Path, pool: Pool) -> None:
    """Write a block of a pool."""
    write_arrays(folder / OUTPUTS, vars(pool))


def read_pool(folders: Iterable[Path]) -> Pool:
    """Return the models of all blocks of a pool, in their order."""
    blocks = [read_arrays(folder / OUTPUTS) for folder in folders]
    logits, member = (np.concatenate([block[name] for block in blocks]) for name in ("logits", "member"))
    return Pool(logits, member, blocks[0]["index"], blocks[0]["label"])
