"""A user's sets as methods and attacks read them: on the device, with numbers that no two training samples share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.data.tensors import Augment, TensorSamples
from reunlearn.library.sets import Set, read_set

Arrays = dict[str, tuple[Tensor, Tensor]]  # x [N, …] and y [N] of each set
Pixels = tuple[Sequence[float], Sequence[float]]  # mean and standard deviation per channel

# sets whose samples are numbered together, in this order; others have numbers of their own
NUMBERED = ("forget", "retain", "validation")


def read_sets(given: Mapping[str, Set | None], wanted: Collection[str], who: str) -> Arrays:
    """Return the sets that are wanted, on the CPU; others are not read.

    Raises:
        UserError: one is missing, or is no set; `who` begins the line.
    """
    arrays = {}
    for name in [each for each in given if each in wanted]:
        source = given[name]
        if source is None:
            raise UserError(f"{who} reads the {name} set; give {name}=…")
        arrays[name] = read_set(name, source)
    return arrays


def samples_of(
    arrays: Arrays, device: str, augment: Augment | None = None, pixels: Pixels | None = None
) -> dict[str, TensorSamples]:
    """Return the sets on a device."""
    scale = _scale(pixels, arrays, device) if pixels else None
    samples, first = {}, 0
    for name in sorted(arrays, key=lambda each: NUMBERED.index(each) if each in NUMBERED else len(NUMBERED)):
        x, y = arrays[name]
        begin = first if name in NUMBERED else 0
        index = np.arange(begin, begin + len(y))
        samples[name] = TensorSamples(x, y.numpy(), index, augment=augment, pixels=scale, device=device)
        first += len(y) if name in NUMBERED else 0
    return samples


def training_set(sets: Mapping[str, TensorSamples]) -> TensorSamples:
    """Return forget and retain as one set."""
    parts = [sets["forget"], sets["retain"]]
    return TensorSamples(
        torch.cat([part.inputs(slice(None)) for part in parts]),
        torch.cat([part.y for part in parts]).cpu().numpy(),
        torch.cat([part.index for part in parts]).cpu().numpy(),
        augment=parts[0].augment,
        device=str(parts[0].device),
    )


def true_labels_of(arrays: Arrays, forget: Tensor | Sequence[int] | None) -> Tensor:
    """Return the true labels of all training samples, by their numbers.

    Args:
        arrays: with the labels that the model was taught.
        forget: true labels of the forget set [N]; None: the model was taught right ones.

    Raises:
        UserError: these are not as many as there are samples.
    """
    taught = [arrays[name][1] for name in NUMBERED[:2] if name in arrays]
    if forget is not None:
        labels = torch.as_tensor(forget).cpu()
        if labels.shape != taught[0].shape or labels.is_floating_point():
            raise UserError(
                f"true_labels: a whole number for each of the {len(taught[0])} forget samples is expected"
            )
        taught[0] = labels.to(torch.int64)
    return torch.cat(taught)


def _scale(pixels: Pixels, arrays: Arrays, device: str) -> tuple[Tensor, Tensor]:
    mean, std = (torch.as_tensor(part, dtype=torch.float64, device=device) for part in pixels)
    x = arrays["forget"][0]
    if x.dim() != 4 or not mean.shape == std.shape == x.shape[1:2]:
        raise UserError(
            "pixels: mean and standard deviation of each channel are expected, and x [N, C, H, W]: "
            f"{len(mean)} and {len(std)} numbers do not fit x {list(x.shape)}"
        )
    return mean, std


def objective_name(arrays: Arrays) -> str:
    """Return the objective that fits the inputs: floats, which can be moved a little, or token ids."""
    return "classification" if arrays["forget"][0].is_floating_point() else "text"
