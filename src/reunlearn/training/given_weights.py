"""A user's own weights: is the file safetensors, of this architecture and number of classes, and finite?

Every mistake is one line, found before a model runs. A pickle is never opened: it could run code.
"""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.models._foreign import without_wrappers
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.convert_weights import command
from reunlearn.training.tensor_files import read_tensors, tied_names, with_tied, without_tied

PICKLE_BEGINS = (b"PK\x03\x04", b"\x80")  # torch's zip archives; pickles since protocol 2
PICKLE_SUFFIXES = (".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt")

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Given:
    """A user's weights as the network's own file would hold them.

    Attributes:
        tensors: by the network's names, in its types; of tied names the first only.
        as_in_file: whether the user's file holds exactly these.
    """

    tensors: dict[str, Tensor]
    as_in_file: bool


def read_weights(file: str, network: ArchitectureSpec, shape: tuple[int, ...], classes: int) -> Given:
    """Return weights from outside, or refuse them: they have to be a whole, finite set for a network.

    The prefixes of wrapped networks are taken off the names. Other types of floating point become the network's, whole
    numbers that were saved in another type likewise.

    Args:
        file: path of a safetensors file.
        network, shape, classes: what `models.registry.build` makes the network from.

    Raises:
        UserError: no such file, a pickle, not safetensors; a weight is missing, unknown, of another shape or type, or
            not finite; two that the network has as one differ; the file is for another number of classes.
    """
    found = _read(file)
    wanted = build(network, shape, classes, 0).state_dict()
    tensors = with_tied(without_wrappers(found, wanted), wanted)
    name = network.name
    _check_names(file, name, tensors, wanted)
    wrong = [key for key in wanted if tensors[key].shape != wanted[key].shape]
    if wrong:
        _check_classes(file, network, shape, classes, {k: tuple(t.shape) for k, t in tensors.items()})
        ours, theirs = tuple(wanted[wrong[0]].shape), tuple(tensors[wrong[0]].shape)
        raise UserError(f"{file}: weight '{wrong[0]}' is {theirs}, but {name} has {ours}; other settings?")
    converted = {key: _as_type(file, name, key, tensors[key], wanted[key].dtype) for key in wanted}
    for key, tensor in converted.items():
        if not bool(tensor.isfinite().all()):
            raise UserError(f"{file}: weight '{key}' holds NaN or infinity; nothing can be measured of it")
    for key, first in tied_names(wanted).items():
        if not converted[key].equal(converted[first]):
            raise UserError(f"{file}: weights '{first}' and '{key}' differ, but {name} has one for both")
    own = {key: converted[key] for key in without_tied(wanted)}
    as_in_file = {k: t.dtype for k, t in own.items()} == {k: t.dtype for k, t in found.items()}
    return Given(own, as_in_file)


def _as_type(file: str, name: str, key: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a tensor in the network's type; refuse types that hold something else, and fractions in a counter."""
    converted = None
    if tensor.is_floating_point() or not (dtype.is_floating_point or tensor.is_complex()):
        with contextlib.suppress(RuntimeError):  # types that are packed, as of four bits, cannot be converted
            converted = tensor.to(dtype)
    whole = dtype.is_floating_point or (
        converted is not None and bool((converted.double() == tensor.double()).all())
    )
    if converted is None or not whole:
        kinds = [str(t).removeprefix("torch.") for t in (tensor.dtype, dtype)]
        raise UserError(f"{file}: weight '{key}' is {kinds[0]}, but {name} has {kinds[1]}")
    return converted


def _read(file: str) -> dict[str, Tensor]:
    """Return all tensors of a safetensors file."""
    path = Path(file)
    if not path.is_file():
        raise UserError(f"{file}: {'a folder, not a file' if path.is_dir() else 'no such file'} of weights")
    try:
        return read_tensors(path)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from None
    except SafetensorError as error:
        with path.open("rb") as handle:
            begin = handle.read(4)
        if begin.startswith(PICKLE_BEGINS) or path.suffix.lower() in PICKLE_SUFFIXES:
            raise UserError(
                f"{file}: a pickle, which can run code when it is opened; convert it: {command(path)}"
            ) from None
        raise UserError(f"{file}: not a safetensors file ({' '.join(str(error).split())})") from None


def _check_names(file: str, name: str, tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Refuse the first weight that is missing, then the first that the network does not have."""
    missing, unexpected = ([k for k in a if k not in b] for a, b in ((wanted, tensors), (tensors, wanted)))
    if missing:
        nearest = difflib.get_close_matches(missing[0], unexpected, n=1, cutoff=0.0)
        hint = f"; the file has '{nearest[0]}'{_more(unexpected)} instead" if nearest else ""
        raise UserError(f"{file}: no weight '{missing[0]}'{_more(missing)}, which {name} needs{hint}")
    if unexpected:
        raise UserError(f"{file}: weight '{unexpected[0]}'{_more(unexpected)}, which {name} does not have")


def _more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _check_classes(
    file: str, network: ArchitectureSpec, shape: tuple[int, ...], classes: int, given: Shapes
) -> None:
    """Refuse weights whose shapes, `given`, differ from what is wanted in the number of classes alone.

    Which sizes follow the number of classes is seen by building the network for one class more.
    """
    ours, other = (
        {k: tuple(t.shape) for k, t in build(network, shape, count, 0).state_dict().items()}
        for count in (classes, classes + 1)
    )
    following = {
        (key, axis)
        for key, sizes in ours.items()
        for axis, (here, there) in enumerate(zip(sizes, other[key], strict=True))
        if here != there
    }
    counts = {given[key][axis] for key, axis in following if axis < len(given[key])}
    alike = all(
        len(given[key]) == len(sizes)
        and all((key, axis) in following or size == given[key][axis] for axis, size in enumerate(sizes))
        for key, sizes in ours.items()
    )
    if alike and len(counts) == 1 and counts != {classes}:
        raise UserError(f"{file}: is for {counts.pop()} classes; the dataset has {classes}")
