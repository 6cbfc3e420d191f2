"""The gradient of each single sample, for many samples at once.

    for each sample b and row r:   g_br = (∂z_b/∂θ)ᵀ c_br = Jᵀ_b c_br

z [B, K] are the outputs of a batch, c the cotangents: one-hot ones give the Jacobian, the gradient of a loss by the
outputs gives that loss's gradient. Computed by the layers' formulas (layer_rules.py) where every layer with parameters
has one, else by torch.func. BatchNorm must be in evaluation mode, where it does not mix samples; dropout must be off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

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
DELTAS = 2**26  # of gradients by the layers' outputs: 512 MB in float64
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
    else:
        for name, layer, calls, rows in layer_calls(model, layers, outputs, batch, cotangents):
            yield from of_layer(name, layer, calls, rows, len(batch))


def refuse_mixing(model: nn.Module) -> None:
    """Raise ValueError if a BatchNorm normalises by its batch."""
    if any(m.training and isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules()):
        raise ValueError("gradients of single samples need BatchNorm in evaluation mode")


def layer_calls(
    model: nn.Module, layers: dict[str, nn.Module], outputs: Outputs, batch: Batch, cotangents: Cotangents
) -> Iterator[tuple[str, nn.Module, Calls, slice]]:
    """Yield (name, layer, calls, rows) with x [B, …] and δ [rows, B, …] of each call that z depends on."""
    with tapped(layers) as taps, torch.enable_grad():
        z_BK = outputs(model, batch)
    zeros = [zero for calls in taps.values() for _, zero in calls]
    cotangents_RBK = cotangents(z_BK.detach()).transpose(0, 1)
    step = max(1, DELTAS // sum(zero.numel() for zero in zeros))
    for begin in range(0, len(cotangents_RBK), step):
        rows = slice(begin, min(begin + step, len(cotangents_RBK)))
        deltas = torch.autograd.grad(
            z_BK,
            zeros,
            cotangents_RBK[rows],
            is_grads_batched=True,
            allow_unused=True,
            retain_graph=rows.stop < len(cotangents_RBK),
        )
        next_delta = iter(deltas)
        for name, layer in layers.items():
            calls = [(x, next(next_delta)) for x, _ in taps[name]]
            yield name, layer, [call for call in calls if call[1] is not None], rows


def of_layer(name: str, layer: nn.Module, calls: Calls, rows: slice, count: int) -> Iterator[Part]:
    """Yield the gradients of one layer's parameters, a bounded number of samples at a time."""
    rule = rule_of(layer)
    assert rule is not None
    width = rows.stop - rows.start
    trained = {key: p for key, p in layer.named_parameters(recurse=False) if p.requires_grad}
    step = max(1, NUMBERS // (width * max(p.numel() for p in trained.values())))
    for begin in range(0, count, step):
        part = slice(begin, min(begin + step, count))
        shape = (part.stop - begin, width)
        total = {} if calls else {key: p.new_zeros(*shape, *p.shape) for key, p in trained.items()}
        for x, delta in calls:  # one call, unless the network uses the layer more than once
            for key, value in rule(layer, x[part], delta[:, part]).items():
                if key in trained:
                    total[key] = total[key] + value if key in total else value
        yield from ((f"{name}.{key}" if name else key, part, rows, value) for key, value in total.items())


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


def jacobian(model: nn.Module, outputs: Outputs, batch: Batch, classes: int) -> Tensor:
    """Return ∂z/∂θ as [B, K, P], K classes, P entries in the order of the trainable parameters."""
    places, width = {}, 0
    for name, p in model.named_parameters():
        if p.requires_grad:
            places[name] = slice(width, width + p.numel())
            width += p.numel()
    full: Tensor | None = None
    for name, part, rows, value in per_sample_gradients(model, outputs, batch, one_hot):
        if full is None:
            full = value.new_empty(len(batch), classes, width)
        full[part, rows, places[name]] = value.flatten(2)
    assert full is not None
    return full


def one_hot(z_BK: Tensor) -> Tensor:
    """Return one-hot cotangents [B, K, K]: each of the K rows selects one output."""
    return torch.eye(z_BK.shape[1], dtype=z_BK.dtype, device=z_BK.device).expand(len(z_BK), -1, -1)
