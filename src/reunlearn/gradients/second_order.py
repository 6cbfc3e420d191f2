"""Second derivatives of BatchNorm whose passes take about as long as those of first ones.

torch differentiates the backward pass of BatchNorm by many small steps over the maps. Within `second_derivatives` a CPU
does it by the operations of first passes. With y = γ x̂ + β, x̂ = (x − μ) r, n values per channel, δ the gradient by y:

    ∂L/∂x = γ r (δ − Σδ/n − x̂ Σδx̂/n),   ∂L/∂γ = Σδx̂,   ∂L/∂β = Σδ

and with a, b, c the derivatives by these three, S₁ = Σa, S₂ = Σa x̂, S₃ = Σa δ:

    by δ: γ r (a − S₁/n − x̂ S₂/n) + b x̂ + c                              a pass of first order, but for b, c
    by γ: T = r (S₃ − S₁ Σδ/n − S₂ Σδx̂/n)
    by x: r (v − v̄ − x̂ · mean of v x̂) − γ T r x̂ / n,   v = b δ − γ r (S₂ δ + Σδx̂ a)/n

Attention is computed without torch's fast kernels, which cannot be differentiated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

Gradient = Tensor | None


@contextmanager
def second_derivatives(wanted: bool = True) -> Iterator[None]:
    """Compute in the block what can be differentiated twice; without `wanted` nothing changes."""
    if not wanted:
        yield
        return
    with sdpa_kernel(SDPBackend.MATH), _Replaced():
        yield


class _Replaced(TorchFunctionMode):
    """Calls `_batch_norm` in place of torch's."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        found = _batch_norm(*args, **named) if func is functional.batch_norm else None
        return func(*args, **named) if found is None else found


class _BatchNorm(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, settings: tuple[Any, ...]) -> Tensor:
        running_mean, running_var, momentum, ctx.eps = settings
        y, mean, inverse = torch.native_batch_norm(
            x, weight, bias, running_mean, running_var, True, momentum, ctx.eps
        )
        ctx.save_for_backward(x, weight, mean, inverse)
        return y

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Gradient, ...]:
        x, weight, *statistics = ctx.saved_tensors
        return (*_BatchNormBackward.apply(delta, x, weight, (*statistics, ctx.eps)), None)


class _BatchNormBackward(Function):
    @staticmethod
    def forward(
        ctx: Any, delta: Tensor, x: Tensor, weight: Tensor, statistics: tuple[Any, ...]
    ) -> tuple[Tensor, ...]:
        found = _normal_backward(delta, x, weight, statistics)
        mean, inverse, ctx.eps = statistics
        ctx.save_for_backward(delta, x, weight, mean, inverse, *found[1:])
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Tensor, b: Tensor, c: Tensor) -> tuple[Gradient, ...]:
        delta, x, weight, mean, inverse, by_scale, by_shift = ctx.saved_tensors
        n = x.numel() / x.shape[1]
        of_delta, second, first = _normal_backward(a, x, weight, (mean, inverse, ctx.eps))
        zero, one = torch.zeros_like(mean), torch.ones_like(mean)
        third = torch.ops.aten.native_batch_norm_backward(
            a, delta, None, None, None, zero, one, True, ctx.eps, [False, True, False]
        )[1]
        slope = inverse * (third - first * by_shift / n - second * by_scale / n)
        # v = by_delta δ + by_a a, and its sums
        by_a = -weight * inverse * by_scale / n
        by_delta = b - weight * inverse * second / n
        mean_v = (by_delta * by_shift + by_a * first) / n
        mean_vx = (by_delta * by_scale + by_a * second) / n
        by_normal = -inverse * mean_vx - weight * slope * inverse / n
        of_x = _scaled(delta, inverse * by_delta)
        of_x.addcmul_(a, _wide(inverse * by_a, x)).addcmul_(x, _wide(by_normal * inverse, x))
        of_x.add_(_wide(-inverse * mean_v - by_normal * inverse * mean, x))
        of_delta = of_delta.addcmul_(x, _wide(b * inverse, x)).add_(_wide(c - b * inverse * mean, x))
        return of_delta, of_x, slope, None


def _normal_backward(
    delta: Tensor, x: Tensor, weight: Tensor, statistics: tuple[Any, ...]
) -> tuple[Tensor, Tensor, Tensor]:
    mean, inverse, eps = statistics
    return torch.ops.aten.native_batch_norm_backward(
        delta, x, weight, None, None, mean, inverse, True, eps, [True, True, True]
    )


def _wide(value_C: Tensor, x: Tensor) -> Tensor:
    return value_C.to(x.dtype).view(1, -1, *(1,) * (x.dim() - 2))


def _scaled(x: Tensor, value_C: Tensor) -> Tensor:
    return x * _wide(value_C, x)


def _batch_norm(x: Tensor, mean: Gradient, var: Gradient, **named: Any) -> Tensor | None:
    """Return what functional.batch_norm does, which hands on by name what follows; None: leave it to torch."""
    weight, bias = named["weight"], named["bias"]
    one_kind = weight is not None and bias is not None and x.dtype == weight.dtype == bias.dtype
    several = x.numel() > x.shape[1]  # torch refuses a single value per channel
    if x.device.type != "cpu" or not named["training"] or not one_kind or not several:
        return None
    return _BatchNorm.apply(x, weight, bias, (mean, var, named["momentum"], named["eps"]))
