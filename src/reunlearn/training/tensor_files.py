"""Named tensors in safetensors files, also those of networks in which two names are one tensor (tied weights).

The format knows no shared memory. So the file of a network holds a tied tensor once, under its first name; as it is
read, the other names take it from there. Any other file holds a tensor of its own under each name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reunlearn.base.files import replacing

Tensors = dict[str, Tensor]


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors, atomically; those that lie in the same memory are written as if each had its own."""
    alone: Tensors = {}
    occupied: set[int] = set()
    for name, tensor in tensors.items():
        plain = tensor.detach().cpu().contiguous()
        place = plain.untyped_storage().data_ptr()
        alone[name] = plain.clone() if place in occupied else plain
        occupied.add(place)
    with replacing(path) as partial:
        save_file(alone, partial)


def read_tensors(path: Path) -> Tensors:
    """Return all tensors of a file, on the CPU."""
    return load_file(path)


def tied_names(state: Mapping[str, Tensor]) -> dict[str, str]:
    """Return {name: first name of the same tensor} for all names of a network's state that are not the first."""
    first: dict[tuple[object, ...], str] = {}
    for name, tensor in state.items():
        if tensor.numel():  # empty tensors all have the address 0
            first.setdefault(_place(tensor), name)
    return {
        name: first[_place(tensor)]
        for name, tensor in state.items()
        if tensor.numel() and first[_place(tensor)] != name
    }


def without_tied(state: Mapping[str, Tensor]) -> Tensors:
    """Return a network's state with each tensor under its first name only."""
    tied = tied_names(state)
    return {name: tensor for name, tensor in state.items() if name not in tied}


def with_tied(tensors: Tensors, state: Mapping[str, Tensor]) -> Tensors:
    """Return the tensors of a file under all names of a network: of tied names, the file needs to have one only.

    Args:
        tensors: of the file.
        state: the network's own weights and buffers; which names are tied is seen here.
    """
    first = tied_names(state)
    given = {first.get(name, name): tensors[name] for name in state if name in tensors}
    left_out = [name for name in state if name not in tensors and first.get(name, name) in given]
    return tensors | {name: given[first.get(name, name)] for name in left_out}


def _place(tensor: Tensor) -> tuple[object, ...]:
    """Return what two names of one tensor have in common, and no two tensors."""
    return tensor.data_ptr(), tensor.dtype, tuple(tensor.shape), tuple(tensor.stride())


def save_model(model: nn.Module, path: Path) -> None:
    """Write weights and buffers as safetensors, atomically; tied weights once."""
    write_tensors(path, without_tied(model.state_dict()))


def load_model(model: nn.Module, path: Path) -> nn.Module:
    """Read weights and buffers into `model` and return it."""
    model.load_state_dict(with_tied(read_tensors(path), model.state_dict()))
    return model
