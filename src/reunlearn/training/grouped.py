"""Several networks of one architecture as one network: their channels side by side, none sees another's.

A convolution of M networks is one convolution in M groups; BatchNorm, ReLU and pooling treat each channel for itself
anyway; a linear layer becomes M products of matrices. x [B, M·C, H, W] → logits [B, M·K], network by network. Losses
add up, gradients stay apart, and an optimizer that goes element by element does to each network what it would alone.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from reunlearn.training.tensor_files import tied_names

LARGEST = 500_000  # parameters of a network: larger ones keep a processor busy alone
CHANNELWISE = (nn.ReLU, nn.GELU, nn.SiLU, nn.Identity, nn.Flatten)
POOLING = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d)
TOLERANCE = 1e-3  # between logits of a network alone and in a group, relative to the largest


class GroupedLinear(nn.Module):
    """x [B, M·I] → [B, M·O]: of each network its own I features to its own O."""

    def __init__(self, layers: Sequence[nn.Linear]) -> None:
        super().__init__()
        self.networks = len(layers)
        self.weight = nn.Parameter(_joined([layer.weight for layer in layers]))
        biases = [layer.bias for layer in layers if layer.bias is not None]
        self.bias = nn.Parameter(_joined(biases)) if biases else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the features of all networks."""
        x_MBI = x.reshape(len(x), self.networks, -1).transpose(0, 1)
        weight_MIO = self.weight.view(self.networks, -1, x_MBI.shape[2]).transpose(1, 2)
        if self.bias is None:
            y_MBO = torch.bmm(x_MBI, weight_MIO)
        else:
            y_MBO = torch.baddbmm(self.bias.view(self.networks, 1, -1), x_MBI, weight_MIO)
        return y_MBO.transpose(0, 1).flatten(1)


def why_alone(model: nn.Module) -> str | None:
    """Return why networks like this one cannot be grouped, None if they can."""
    count = sum(p.numel() for p in model.parameters())
    if count > LARGEST:
        return f"{count:,} parameters are above {LARGEST:,}"
    for name, other in tied_names(model.state_dict()).items():
        return f"{name} is tied to {other}"
    for name, module in model.named_modules():
        if next(module.children(), None) is not None:
            if next(module.parameters(recurse=False), None) is not None:
                return f"{name or 'the network'} has weights besides its layers"
        elif not _groups(module):
            return f"{name} is {module}"
    return None


def _groups(layer: nn.Module) -> bool:
    if isinstance(layer, NORMS):
        return layer.affine and layer.track_running_stats
    if isinstance(layer, DROPOUT):
        return layer.p == 0
    # exactly these: a class derived from one may do anything
    return type(layer) in (nn.Conv2d, nn.Linear, nn.Sequential, *CHANNELWISE, *POOLING)


def disagreement(models: Sequence[nn.Module], stack: nn.Module, x: Sequence[Tensor]) -> str | None:
    """Return how a group computes something else than its networks do, None if it does not.

    What a forward does between the layers cannot be read off them: it may mix channels, or draw. So one batch [B, C, H,
    W] for each network goes through copies of both, in training mode.
    """
    before = _random_state(x[0])
    alone = torch.cat([_trial(model, x_BCHW) for model, x_BCHW in zip(models, x, strict=True)], dim=1)
    if not torch.equal(before, _random_state(x[0])):
        return "it draws random numbers in training"
    try:
        together = _trial(stack, side_by_side(x))
    except RuntimeError as error:  # sizes that stand in a forward, as in `view(-1, 64)`
        return f"its forward cannot read several networks' channels: {str(error).splitlines()[0]}"
    if together.shape != alone.shape or not torch.allclose(
        together, alone, rtol=0, atol=TOLERANCE * float(alone.abs().max())
    ):
        return "its forward does not keep channels apart"
    return None


def _random_state(x: Tensor) -> Tensor:
    return torch.cuda.get_rng_state(x.device) if x.is_cuda else torch.get_rng_state()


@torch.no_grad()
def _trial(model: nn.Module, x_BCHW: Tensor) -> Tensor:
    return copy.deepcopy(model).train()(x_BCHW)


@torch.no_grad()
def largest_map(model: nn.Module, x: Tensor) -> int:
    """Return the bytes of the largest output of a layer for this batch [B, C, H, W]."""
    sizes: list[int] = []
    trial = copy.deepcopy(model).train()
    for module in trial.modules():
        module.register_forward_hook(lambda layer, inputs, output: sizes.append(output.nbytes))
    trial(x)
    return max(sizes)


def side_by_side(x: Sequence[Tensor]) -> Tensor:
    """Return one batch [B, M·C, H, W] of M batches [B, C, H, W], laid out as the first."""
    joined = torch.cat(list(x), dim=1)
    return joined.contiguous(memory_format=torch.channels_last) if joined.dim() == 4 else joined


def group(models: Sequence[nn.Module]) -> nn.Module:
    """Return one network that computes what these do, with copies of their weights and statistics."""
    stack = copy.deepcopy(models[0])
    for name, layer in models[0].named_modules():
        layers = [model.get_submodule(name) for model in models]
        if isinstance(layer, nn.Linear):
            stack.set_submodule(name, GroupedLinear(layers))  # type: ignore[arg-type]
        elif isinstance(layer, nn.Conv2d):
            stack.set_submodule(name, _convolution(layer, len(models)))
        elif isinstance(layer, NORMS):
            norm = type(layer)(len(models) * layer.num_features, layer.eps, layer.momentum)
            stack.set_submodule(name, norm.to(layer.weight))
    together = {name: _joined(parts) for name, parts in _states(models).items()}
    stack.load_state_dict(together)
    return stack.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def separate(stack: nn.Module, models: Sequence[nn.Module], number: int) -> None:
    """Give the network of this number its weights and statistics back."""
    shapes = models[number].state_dict()
    state = {
        name: tensor.view(len(models), *shapes[name].shape)[number] if tensor.dim() else tensor
        for name, tensor in ((n, t.contiguous()) for n, t in stack.state_dict().items())
    }
    models[number].load_state_dict(state)


def _convolution(layer: nn.Conv2d, networks: int) -> nn.Conv2d:
    """Return the layer of all networks, its weights still unset: nothing is drawn for them."""
    return nn.utils.skip_init(
        nn.Conv2d,
        networks * layer.in_channels,
        networks * layer.out_channels,
        layer.kernel_size,
        layer.stride,
        layer.padding,
        layer.dilation,
        networks * layer.groups,
        layer.bias is not None,
        layer.padding_mode,
        device=layer.weight.device,
        dtype=layer.weight.dtype,
    )


def _states(models: Sequence[nn.Module]) -> dict[str, list[Tensor]]:
    states = [model.state_dict() for model in models]
    return {name: [state[name] for state in states] for name in states[0]}


def _joined(parts: Sequence[Tensor]) -> Tensor:
    """Return tensors one after the other; counters, which have no dimension, are the same in all."""
    return torch.cat([part.detach() for part in parts]) if parts[0].dim() else parts[0].detach().clone()
