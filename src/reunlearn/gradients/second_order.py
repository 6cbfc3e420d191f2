"""Second derivatives whose passes take about as long as those of first ones.

torch differentiates the backward pass of a convolution by convolutions with kernels as large as the maps, and that of
BatchNorm by many small steps over them. Within `second_derivatives` a CPU does it by the operations of first passes.
With a, b, c the derivatives by what the backward pass returns, δ the gradient by the output:

    convolution   y = x ∗ w + bias      by δ: a ∗ w + x ∗ b + c    by x: backward of (δ, b)    by w: backward of (a, δ)
    BatchNorm     y = γ x̂ + β, x̂ = (x − μ) r, n values per channel; sums over them, S₁ = Σa, S₂ = Σa x̂, S₃ = Σa δ:
        ∂L/∂x = γ r (δ − Σδ/n − x̂ Σδx̂/n),   ∂L/∂γ = Σδx̂,   ∂L/∂β = Σδ
        by δ: γ r (a − S₁/n − x̂ S₂/n) + b x̂ + c                              a pass of first order, but for b, c
        by γ: T = r (S₃ − S₁ Σδ/n − S₂ Σδx̂/n)
        by x: r (v − v̄ − x̂ · mean of v x̂) − γ T r x̂ / n,   v = b δ − γ r (S₂ δ + Σδx̂ a)/n

Attention is computed without torch's fast kernels, which cannot be differentiated twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
NUMBERS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}  # of a convolution, in torch's order


@contextmanager
def second_derivatives(wanted: bool = True) -> Iterator[None]:
    """Compute in the block what can be differentiated twice; without `wanted` nothing changes."""
    if not wanted:
        yield
        return
    with sdpa_kernel(SDPBackend.MATH), _Replaced():
        yield


class _Replaced(TorchFunctionMode):
    """Calls the functions below in place of torch's."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        found = RULES[func](*args, **named) if func in RULES and "input" not in named else None
        return func(*args, **named) if found is None else found


class _Convolution(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Gradient, numbers: tuple[Any, ...]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.numbers = numbers
        return torch.conv2d(x, weight, bias, *numbers)

    @staticmethod
    def backward(ctx: Any, delta: Tensor) -> tuple[Gradient, ...]:
        x, weight = ctx.saved_tensors
        return (*_ConvolutionBackward.apply(delta, x, weight, (*ctx.numbers, ctx.needs_input_grad[:3])), None)


class _ConvolutionBackward(Function):
    @staticmethod
    def forward(
        ctx: Any, delta: Tensor, x: Tensor, weight: Tensor, numbers: tuple[Any, ...]
    ) -> tuple[Gradient, ...]:
        *ctx.numbers, wanted = numbers
        ctx.save_for_backward(delta, x, weight)
        ctx.set_materialize_grads(False)
        return _backward(delta, x, weight, ctx.numbers, wanted)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: Gradient, b: Gradient, c: Gradient) -> tuple[Gradient, ...]:
        delta, x, weight = ctx.saved_tensors
        by_delta, by_x, by_weight = ctx.needs_input_grad[:3]
        of_delta: Gradient = None
        if by_delta and b is not None:
            of_delta = torch.conv2d(x, b, c, *ctx.numbers)
        elif by_delta and c is not None:
            of_delta = c.view(1, -1, 1, 1).expand_as(delta)
        if by_delta and a is not None:
            moved = torch.conv2d(a, weight, None, *ctx.numbers)
            of_delta = moved if of_delta is None else moved.add_(of_delta)
        of_x = None if b is None or not by_x else _backward(delta, x, b, ctx.numbers, (True, False, False))[0]
        of_weight = (
            None
            if a is None or not by_weight
            else _backward(delta, a, weight, ctx.numbers, (False, True, False))[1]
        )
        return of_delta, of_x, of_weight, None


def _backward(
    delta: Tensor, x: Tensor, weight: Tensor, numbers: Sequence[Any], wanted: tuple[bool, ...]
) -> tuple[Gradient, ...]:
    stride, padding, dilation, groups = numbers
    pair = (0, 0)
    return torch.ops.aten.convolution_backward(
        delta, x, weight, [len(weight)], stride, padding, dilation, False, pair, groups, list(wanted)
    )


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


def _convolution(
    x: Tensor, weight: Tensor, bias: Gradient = None, *numbers: Any, **named: Any
) -> Tensor | None:
    """Return what functional.conv2d does; None: leave it to torch."""
    given = dict(zip(NUMBERS, numbers, strict=False)) | named
    stride, padding, dilation, groups = (NUMBERS | given).values()
    if x.device.type != "cpu" or x.dim() != 4 or isinstance(padding, str):
        return None
    pairs = (_pair(value) for value in (stride, padding, dilation))
    return _Convolution.apply(*_autocast(x, weight, bias), (*pairs, groups))


def _batch_norm(x: Tensor, mean: Gradient, var: Gradient, **named: Any) -> Tensor | None:
    """Return what functional.batch_norm does, which hands on by name what follows; None: leave it to torch."""
    weight, bias = named["weight"], named["bias"]
    one_kind = weight is not None and bias is not None and x.dtype == weight.dtype == bias.dtype
    if x.device.type != "cpu" or not named["training"] or not one_kind:
        return None
    return _BatchNorm.apply(x, weight, bias, (mean, var, named["momentum"], named["eps"]))


def _autocast(*tensors: Gradient) -> tuple[Gradient, ...]:
    """Return tensors in the precision of autocast, where it is on: inside a Function it would come too late."""
    if not torch.is_autocast_enabled("cpu"):
        return tensors
    wanted = torch.get_autocast_dtype("cpu")
    return tuple(None if t is None else t.to(wanted) for t in tensors)


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


RULES: dict[Callable[..., Any], Callable[..., Tensor | None]] = {
    functional.conv2d: _convolution,
    functional.batch_norm: _batch_norm,
}
