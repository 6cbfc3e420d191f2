"""A user's own weights: is the file safetensors, of this architecture and number of classes, and finite?

Every mistake is one line, found before a model runs. A pickle is never opened: it could run code.
"""

from __future__ import annotations

import contextlib
import difflib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.base.pickles import no_safetensors
from reunlearn.base.tensor_names import of_layers, without_wrappers
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.tensor_files import read_tensors, tied_names, with_tied, without_tied

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Given:
    """A user's weights as the network's own file would hold them.

    Attributes:
        tensors: by the network's names, in its types; of tied names the first only.
        changes: in words, what the user's file holds otherwise.
    """

    tensors: dict[str, Tensor]
    changes: tuple[str, ...]


def read_weights(
    file: str, network: ArchitectureSpec, shape: tuple[int, ...], classes: int, ignore: Sequence[str] = ()
) -> Given:
    """Return weights from outside, or refuse them: they have to be a whole, finite set for a network.

    The prefixes of wrapped networks are taken off the names. Other types of floating point become the network's, whole
    numbers that were saved in another type likewise.

    Args:
        file: path of a safetensors file.
        network, shape, classes: what `models.registry.build` makes the network from.
        ignore: layers of the file that are left out, since the network does not have them.

    Raises:
        UserError: no such file, a pickle, not safetensors; a weight is missing, unknown, of another shape or type, or
            not finite; two that the network has as one differ; the file is for another number of classes.
    """
    found = _read(file)
    wanted = build(network, shape, classes, 0).state_dict()
    unwrapped, name = without_wrappers(found, wanted), network.key
    tensors = with_tied(_without(file, name, unwrapped, ignore, wanted), wanted)
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
    return Given(own, _changes(found, unwrapped, tensors, converted))


def _without(
    file: str, name: str, tensors: dict[str, Tensor], ignore: Sequence[str], wanted: dict[str, Tensor]
) -> dict[str, Tensor]:
    """Return the tensors without those of some layers; refuse layers that the network has."""
    for layer, names in of_layers(tensors, ignore).items():
        if any(key in wanted for key in names):
            raise UserError(f"{file}: ignore: {name} has '{layer}', so it cannot be left out")
        tensors = {key: tensor for key, tensor in tensors.items() if key not in names}
    return tensors


def _changes(
    found: dict[str, Tensor],
    unwrapped: dict[str, Tensor],
    tensors: dict[str, Tensor],
    converted: dict[str, Tensor],
) -> tuple[str, ...]:
    """Return in words what was made of a file: of its names, of what is left out, of types."""
    words = []
    if found.keys() != unwrapped.keys():
        before, after = next(iter(found)), next(iter(unwrapped))
        words.append(f"'{before.removesuffix(after)}' is taken off all names, a wrapper's")
    if left := [key for key in unwrapped if key not in tensors]:
        words.append(f"'{left[0]}'{_more(left)} {'are' if len(left) > 1 else 'is'} left out, as asked")
    kinds = Counter(
        tuple(str(t.dtype).removeprefix("torch.") for t in (tensors[key], converted[key]))
        for key in converted
        if tensors[key].dtype != converted[key].dtype
    )
    words += [f"{count} tensors of {old} became {new}" for (old, new), count in kinds.items()]
    return tuple(words)


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
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"{file}: {'a folder, not a file' if path.is_dir() else 'no such file'} of weights")
    try:
        return read_tensors(path)
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from None
    except SafetensorError as error:
        raise UserError(no_safetensors(path, " ".join(str(error).split()))) from None


def _check_names(file: str, name: str, tensors: dict[str, Tensor], wanted: dict[str, Tensor]) -> None:
    """Refuse the first weight that is missing, then the first that the network does not have."""
    missing, unexpected = ([k for k in a if k not in b] for a, b in ((wanted, tensors), (tensors, wanted)))
    if missing:
        nearest = difflib.get_close_matches(missing[0], unexpected, n=1, cutoff=0.0)
        hint = f"; the file has '{nearest[0]}'{_more(unexpected)} instead" if nearest else ""
        raise UserError(f"{file}: no weight '{missing[0]}'{_more(missing)}, which {name} needs{hint}")
    if unexpected:
        layers = ", ".join(dict.fromkeys(_layer_of(key, wanted) for key in unexpected))
        raise UserError(
            f"{file}: weight '{unexpected[0]}'{_more(unexpected)}, which {name} does not have; if that is an auxiliary "
            f"head, leave it out: 'ignore: [{layers}]' of a study's original, --ignore of an audit"
        )


def _layer_of(key: str, wanted: dict[str, Tensor]) -> str:
    """Return the outermost layer of a weight of which the network has nothing."""
    parts = key.split(".")
    outer = (".".join(parts[:depth]) for depth in range(1, len(parts)))
    return next((layer for layer in outer if not any(of_layers(wanted, [layer]).values())), key)


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
