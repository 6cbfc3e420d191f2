"""A user's sets of samples, read whole: data sets, loaders or arrays become inputs and labels on one device."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import (
    BatchSampler,
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    SequentialSampler,
)

from reunlearn.base.errors import UserError
from reunlearn.training.randomness import seeded

# a map-style data set of (x, y), or a list of these; (x, y) as tensors or arrays; a loader of such a set
Set = Dataset[Any] | list[tuple[Any, Any]] | tuple[Any, Any] | DataLoader[Any]

READ_BATCH = 1000  # samples that are read together
# orders of a loader: whole passes, so that its data set holds the same samples
WHOLE = (SequentialSampler, RandomSampler)


def read_set(name: str, given: Set) -> tuple[Tensor, Tensor]:
    """Return inputs x [N, …] and labels y [N], int64, of a set, on the CPU.

    Random changes of a data set's own transforms are made once, from a fixed seed; the caller's random state stays.

    Args:
        name: of the argument, for messages.
        given: see Set. Of a loader its data set, its collate function and its workers are used, but not its order.

    Raises:
        UserError: it is none of these; it is empty; its samples do not fit together.
    """
    x, y = _arrays(name, *given) if isinstance(given, tuple) and len(given) == 2 else _read(name, given)
    if not len(y):
        raise UserError(f"{name}: there is no sample in it")
    if y.dim() != 1 or len(x) != len(y):
        raise UserError(
            f"{name}: x is {shape(x)} and y is {shape(y)}; one class number per sample is expected: y [{len(x)}]"
        )
    if y.dtype == torch.bool or y.is_floating_point() or y.is_complex():
        raise UserError(f"{name}: y is {_kind(y)}; class numbers are whole numbers: give y.long()")
    if y.min() < 0:
        raise UserError(f"{name}: y holds {int(y.min())}; class numbers begin with 0")
    if not (x.is_floating_point() or (x.dim() == 2 and x.dtype in (torch.int32, torch.int64))):
        raise UserError(
            f"{name}: x is {_kind(x)} {shape(x)}; give x as the network takes it: floats [N, …], already normalised, "
            "or token ids [N, L] as int64"
        )
    return x, y.to(torch.int64)


def shape(tensor: Tensor) -> str:
    """Return a shape as text."""
    return f"[{', '.join(map(str, tensor.shape))}]"


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _arrays(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Return a pair of tensors, or what is like an array, as tensors."""
    try:
        # a copy of an array: those of files may be read-only, which tensors cannot be
        return tuple(  # type: ignore[return-value]
            part.detach().cpu() if isinstance(part, Tensor) else torch.tensor(np.asarray(part))
            for part in (x, y)
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: (x, y) should be tensors or arrays of numbers: {error}") from None


def _read(name: str, given: Any) -> tuple[Tensor, Tensor]:
    """Return all samples of a data set in its own order."""
    loader = given if isinstance(given, DataLoader) else None
    data = loader.dataset if loader is not None else given
    if isinstance(data, IterableDataset) or not (hasattr(data, "__getitem__") and hasattr(data, "__len__")):
        raise UserError(
            f"{name}: a {type(data).__name__} is no set of samples; give a map-style data set of (x, y), its loader, "
            "or a pair (x, y) of tensors"
        )
    if loader is not None and not (
        isinstance(loader.sampler, WHOLE) and type(loader.batch_sampler) in (BatchSampler, type(None))
    ):
        raise UserError(
            f"{name}: the loader chooses samples by a {type(loader.sampler).__name__}; give the samples themselves: "
            "torch.utils.data.Subset(data, indices)"
        )
    batches: DataLoader[Any] = DataLoader(
        data,
        batch_size=READ_BATCH,
        collate_fn=loader.collate_fn if loader is not None and loader.batch_size is not None else None,
        num_workers=loader.num_workers if loader is not None else 0,
    )
    parts: list[tuple[Tensor, Tensor]] = []
    try:
        with seeded(0, "read", name):
            for batch in batches:
                x, y = batch  # a mapping, or more parts than two, is refused here
                parts.append((torch.as_tensor(x), torch.as_tensor(y)))
        xs, ys = (
            zip(*parts, strict=True) if parts else ((torch.zeros(0),), (torch.zeros(0, dtype=torch.int64),))
        )
        return torch.cat(xs), torch.cat(ys)
    except (TypeError, ValueError, RuntimeError, KeyError) as error:
        raise UserError(
            f"{name}: its samples cannot be put together as (x, y), x a tensor of one shape and y a class number: "
            f"{error}"
        ) from error
