"""The gradient of each single sample, for many samples at once.

    for each sample b and row r:   g_br = (∂z_b/∂θ)ᵀ c_br = Jᵀ_b c_br

z [B, K] are the outputs of a batch, c the cotangents: one-hot ones give the Jacobian, the gradient of a loss by the
outputs gives that loss's gradient. Computed by the layers' formulas (layer_rules.py) where every layer with parameters
has one, else by torch.func. BatchNorm must be in evaluation mode, where it does not mix samples; dropout must be off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import vjp, vmap

from reunlearn.data.batches import Batch
from reunlearn.gradients.attention import plain_attention
from reunlearn.gradients.displaced import Displaced
from reunlearn.gradients.layer_rules import rule_of, ruled_layers
from reunlearn.gradients.taps import Calls, tapped

Outputs = Callable[[nn.Module, Batch], Tensor]  # logits [B, K] of a batch
Cotangents = Callable[[Tensor], Tensor]  # z [B, K] → c [B, R, K], without a graph
Part = tuple[str, slice, slice, Tensor]  # parameter's name, samples, rows, their gradients
# the most numbers in memory at once
NUMBERS = 2**20  # of one parameter's gradients: 8 MB in float64, about the size of a cache
DELTAS = 2**25  # of gradients by the layers' outputs: 256 MB in float64
FEWEST = 8  # samples of which they are computed at once: with fewer, a pass takes longer than its work
VMAP_NUMBERS = 2**24  # of all gradients that torch.func computes: 128 MB in float64


def per_sample_gradients(
    model: nn.Module, outputs: Outputs, batch: Batch, cotangents: Cotangents
) -> Iterator[Part]:
    """Yield (parameter's name, samples, rows, g [samples, rows, *shape]), which together cover each g once.

    Args:
        model: in evaluation mode; left as it is.
        outputs: z [B, K] of a batch; each row depends on its own sample only.
        batch: B samples.
        cotangents: c [B, R, K] from z.

    Raises:
        ValueError: a BatchNorm normalises by its batch.
    """
    refuse_mixing(model)
    layers = ruled_layers(model)
    if layers is None:
        yield from _by_vmap(model, outputs, batch, cotangents)
        return
    for call in layer_calls(model, layers, outputs, batch, cotangents):
        yield from of_layer(call)


def refuse_mixing(model: nn.Module) -> None:
    """Raise ValueError if a BatchNorm normalises by its batch."""
    if any(m.training and isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules()):
        raise ValueError("gradients of single samples need BatchNorm in evaluation mode")


@dataclass(frozen=True)
class LayerCalls:
    """What the gradients of a layer come from, of some samples and some rows of each.

    Attributes:
        name: of the layer in the network.
        layer: with trainable parameters.
        calls: x [samples, …] and δ [rows, samples, …] of each call that z depends on.
        samples: of the batch.
        rows: of the cotangents.
    """

    name: str
    layer: nn.Module
    calls: Calls
    samples: slice
    rows: slice

    @property
    def trained(self) -> dict[str, nn.Parameter]:
        """The layer's own parameters that take a gradient, by their names in it."""
        return {key: p for key, p in self.layer.named_parameters(recurse=False) if p.requires_grad}

    def parameter(self, key: str) -> str:
        """Return the name in the network of a parameter of the layer."""
        return f"{self.name}.{key}" if self.name else key


def layer_calls(
    model: nn.Module, layers: dict[str, nn.Module], outputs: Outputs, batch: Batch, cotangents: Cotangents
) -> Iterator[LayerCalls]:
    """Yield the calls of the layers, for few enough samples that all rows of each are in memory where they fit."""
    width, height = deltas_of_one(model, layers, outputs, batch, cotangents)
    count = min(len(batch), max(FEWEST, DELTAS // max(1, width * height)))
    for begin in range(0, len(batch), count):
        part = slice(begin, min(begin + count, len(batch)))
        few = Batch(batch.x[part], batch.y[part], batch.index[part])
        with tapped(layers) as taps, torch.enable_grad():
            z_BK = outputs(model, few)
        zeros = [zero for calls in taps.values() for _, zero in calls]
        cotangents_RBK = cotangents(z_BK.detach()).transpose(0, 1)
        step = max(1, DELTAS // (width * len(few)))
        for first in range(0, height, step):
            rows = slice(first, min(first + step, height))
            deltas = torch.autograd.grad(
                z_BK,
                zeros,
                cotangents_RBK[rows],
                is_grads_batched=True,
                allow_unused=True,
                retain_graph=rows.stop < height,
            )
            next_delta = iter(deltas)
            for name, layer in layers.items():
                found = [(x, next(next_delta)) for x, _ in taps[name]]
                yield LayerCalls(name, layer, [call for call in found if call[1] is not None], part, rows)


def deltas_of_one(
    model: nn.Module, layers: dict[str, nn.Module], outputs: Outputs, batch: Batch, cotangents: Cotangents
) -> tuple[int, int]:
    """Return how many numbers the layers' outputs of a sample are, and how many rows it has."""
    with tapped(layers) as taps, torch.no_grad():
        z_1K = outputs(model, Batch(batch.x[:1], batch.y[:1], batch.index[:1]))
    width = sum(zero.numel() for calls in taps.values() for _, zero in calls)
    return max(1, width), cotangents(z_1K).shape[1]


def of_layer(call: LayerCalls) -> Iterator[Part]:
    """Yield the gradients of one layer's parameters, a bounded number of samples at a time."""
    rule = rule_of(call.layer)
    assert rule is not None
    width, trained = call.rows.stop - call.rows.start, call.trained
    count = call.samples.stop - call.samples.start
    step = max(1, NUMBERS // (width * max(p.numel() for p in trained.values())))
    for begin in range(0, count, step):
        part = slice(begin, min(begin + step, count))
        shape = (part.stop - begin, width)
        total = {} if call.calls else {key: p.new_zeros(*shape, *p.shape) for key, p in trained.items()}
        for x, delta in call.calls:  # one call, unless the network uses the layer more than once
            for key, value in rule(call.layer, x[part], delta[:, part]).items():
                if key in trained:
                    total[key] = total[key] + value if key in total else value
        of_batch = slice(call.samples.start + part.start, call.samples.start + part.stop)
        yield from ((call.parameter(key), of_batch, call.rows, value) for key, value in total.items())


def _by_vmap(model: nn.Module, outputs: Outputs, batch: Batch, cotangents: Cotangents) -> Iterator[Part]:
    parameters = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    def of_one(x: Tensor, y: Tensor, index: Tensor) -> dict[str, Tensor]:
        sample = Batch(x[None], y[None], index[None])
        z_K, pull_back, *_ = vjp(lambda weights: outputs(Displaced(model, weights), sample)[0], parameters)
        return vmap(lambda c_K: pull_back(c_K)[0])(cotangents(z_K[None])[0])

    with torch.no_grad():
        rows = cotangents(outputs(model, Batch(batch.x[:1], batch.y[:1], batch.index[:1]))).shape[1]
    step = max(1, VMAP_NUMBERS // (rows * sum(p.numel() for p in parameters.values())))
    for begin in range(0, len(batch), step):
        part = slice(begin, min(begin + step, len(batch)))
        with plain_attention():
            gradients = vmap(of_one)(batch.x[part], batch.y[part], batch.index[part])
        yield from ((name, part, slice(0, rows), value) for name, value in gradients.items())


def one_hot(z_BK: Tensor) -> Tensor:
    """Return one-hot cotangents [B, K, K]: each of the K rows selects one output."""
    return torch.eye(z_BK.shape[1], dtype=z_BK.dtype, device=z_BK.device).expand(len(z_BK), -1, -1)
