"""A user's model: what it takes and answers, copies of it, and networks of its kind that know nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.library.sets import shape

Fresh = Callable[[int], nn.Module]  # a seed → an untrained network


def device_of(model: nn.Module, wanted: str | torch.device | None) -> str:
    """Return where to compute: the device that is asked for, or the one that the model is on.

    Raises:
        UserError: it is no torch module, or there is no such device.
    """
    if not isinstance(model, nn.Module):
        raise UserError(f"model: a {type(model).__name__}; a torch.nn.Module that returns logits is expected")
    if wanted is None:
        return str(next((p.device for p in model.parameters()), torch.device("cpu")))
    try:
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device: '{wanted}' cannot be used: {error}") from None
    return str(wanted)


def copied(model: nn.Module, device: str) -> nn.Module:
    """Return a copy on the device, laid out as batches of images are; the model given stays as it is."""
    made = copy.deepcopy(model).to(device)
    # torch's type stubs do not know this argument of Module.to
    made.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return made


def learning_copy(model: nn.Module, device: str) -> nn.Module:
    """Return a copy that a method may change.

    Raises:
        UserError: some weights are frozen; methods change all of them.
    """
    frozen = [name for name, weight in model.named_parameters() if not weight.requires_grad]
    if frozen:
        raise UserError(
            f"model: {len(frozen)} of its weights are frozen ({frozen[0]}, …), and methods change all weights; "
            "call model.requires_grad_(True)"
        )
    return copied(model, device).train()


def given_back(made: nn.Module, model: nn.Module) -> nn.Module:
    """Return a model in torch's usual layout, as files of weights want it, and in the mode that `model` is in."""
    made.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return made.train(model.training)


@torch.no_grad()
def classes_of(model: nn.Module, sets: Mapping[str, tuple[Tensor, Tensor]]) -> int:
    """Return the number of classes K that a model answers; check that it takes all sets.

    Args:
        model: on the device; its modes stay.
        sets: x [N, …] and y [N] by name, on the CPU.

    Raises:
        UserError: a set does not fit the model, or another set.
    """
    modes = {module: module.training for module in model.modules()}
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    classes, first = 0, next(iter(sets))
    model.eval()
    for name, (x, y) in sets.items():
        if x.shape[1:] != sets[first][0].shape[1:] or x.dtype != sets[first][0].dtype:
            raise UserError(
                f"{name}: x is {shape(x)}, that of {first} {shape(sets[first][0])}; give one shape and type"
            )
        try:
            logits = model(x[:2].to(device))
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise UserError(f"{name}: the model does not take x {shape(x[:2])}: {error}") from error
        if not isinstance(logits, Tensor) or logits.dim() != 2 or len(logits) != len(x[:2]):
            answer = shape(logits) if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
            raise UserError(
                f"model: logits [{len(x[:2])}, classes] are expected for x {shape(x[:2])}, not {answer}"
            )
        classes = logits.shape[1]
        if int(y.max()) >= classes:
            raise UserError(
                f"{name}: y holds class {int(y.max())}, but the model answers {classes} classes, from 0 on"
            )
    for module, mode in modes.items():
        module.training = mode
    return classes


def fresh_by(model: nn.Module, given: Fresh | None, device: str) -> Fresh:
    """Return what gives untrained networks: the user's function, or copies whose modules draw their weights anew."""

    def fresh(seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            # torch.manual_seed would also seed GPUs, permanently
            torch.random.default_generator.manual_seed(seed)
            made = given(seed) if given else _reset(copy.deepcopy(model).cpu())
        return copied(made, device).train()

    return fresh


def _reset(model: nn.Module) -> nn.Module:
    """Let every module draw its weights anew, in place.

    Raises:
        UserError: a module has weights and no function for that.
    """
    for name, module in model.named_modules():
        reset = getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None)
        if reset is not None:
            reset()
        elif next(module.parameters(recurse=False), None) is not None:
            raise UserError(
                f"the method starts from an untrained network, and {name or 'the model'} ({type(module).__name__}) "
                "cannot draw its weights anew; give fresh=lambda seed: Net(…)"
            )
    return model
