"""Names of the tensors in files that other programs wrote: wrappers' prefixes, and layers that are to be left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TypeVar

WRAPPERS = ("module.", "_orig_mod.")  # torch's DataParallel and DistributedDataParallel; torch.compile
Value = TypeVar("Value")


def without_wrappers(tensors: dict[str, Value], wanted: Collection[str] = ()) -> dict[str, Value]:
    """Return tensors by the names that they had before the network was wrapped, once or several times.

    Args:
        tensors: of a file.
        wanted: the network's own names, where they are known: a prefix that all of these have stays.
    """
    while prefix := next((p for p in WRAPPERS if _all_begin(tensors, p) and not _all_begin(wanted, p)), None):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def of_layers(names: Iterable[str], layers: Iterable[str]) -> dict[str, list[str]]:
    """Return the names that belong to each of some layers: equal, or after a dot."""
    names = list(names)
    return {layer: [n for n in names if n == layer or n.startswith(f"{layer}.")] for layer in layers}


def _all_begin(names: Collection[str], prefix: str) -> bool:
    return bool(names) and all(name.startswith(prefix) for name in names)
