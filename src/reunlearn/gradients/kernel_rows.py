"""Rows of a network's output Jacobian, or what makes them, and their products with each other.

The K rows of a sample a in a layer with inputs u [L, D] and derivatives δ [L, K, O] by its outputs, L places, are
g_ak = Σ_l δ_alk u_alᵀ, and therefore

    ⟨g_aj, g_bk⟩ = Σ_lo δ_aljo Σ_m (u_al · u_bm) δ_bmko

    L² (D + K O) + K² L O     multiplications for two samples;  K² O D by the rows themselves
    L (D + K O)               numbers to keep for a sample;     K O D

Where that is less than half (a product of small matrices takes longer per operation), u and δ are kept, else the rows:
for ten classes, a convolution of 4×4 places with 512 channels takes a seventieth of the time, and of the memory less.
Products are float64 of numbers of the network's own precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.layer_rules import factors, places, ruled_layers
from reunlearn.gradients.per_sample import (
    LayerCalls,
    Outputs,
    layer_calls,
    of_layer,
    one_hot,
    per_sample_gradients,
    refuse_mixing,
)

COLUMNS = 2**11  # of rows in one product
SMALL = 2**12  # parameters with fewer entries are kept together: few columns take longer per operation
PARTS = 8  # a symmetric product of rows is half computed, in so many parts
NUMBERS = 2**21  # of products of factors in memory at once: 16 MB
TOGETHER = ""  # the name under which small parameters are kept


@dataclass(frozen=True)
class Factors:
    """u [N, L, D] and δ [N, L, O, K] of a layer: what makes its rows."""

    u: Tensor
    delta: Tensor


@dataclass(frozen=True)
class Rows:
    """The rows of N samples, an order of columns for each parameter.

    Attributes:
        whole: [N, K, columns] by parameter; small ones together.
        factors: of other layers' weights, by parameter.
    """

    whole: dict[str, Tensor] = field(default_factory=dict)
    factors: dict[str, Factors] = field(default_factory=dict)

    @property
    def _tensors(self) -> list[Tensor]:
        pairs = [part for each in self.factors.values() for part in (each.u, each.delta)]
        return [*self.whole.values(), *pairs]

    def __len__(self) -> int:
        return len(self._tensors[0])

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self._tensors[0].device

    @property
    def numbers(self) -> int:
        """How many numbers are kept for a sample."""
        return sum(part[0].numel() for part in self._tensors)

    def room(self, count: int) -> Rows:
        """Return rows of the same kind for so many samples, not yet filled."""

        def empty(like: Tensor) -> Tensor:
            return like.new_empty(count, *like.shape[1:])

        found = {name: Factors(empty(each.u), empty(each.delta)) for name, each in self.factors.items()}
        return Rows({name: empty(each) for name, each in self.whole.items()}, found)

    def part(self, begin: int, end: int) -> Rows:
        """Return some of the samples, without copies."""
        found = {name: Factors(f.u[begin:end], f.delta[begin:end]) for name, f in self.factors.items()}
        return Rows({name: each[begin:end] for name, each in self.whole.items()}, found)


def rows_of(model: nn.Module, outputs: Outputs, batch: Batch, classes: int, room: Rows | None = None) -> Rows:
    """Return ∂z/∂θ of a batch.

    Args:
        model: in evaluation mode; left as it is.
        outputs: z [B, K] of a batch.
        batch: B samples.
        classes: K.
        room: for these samples, which is filled and returned; made if absent.
    """
    refuse_mixing(model)
    layers = ruled_layers(model)
    target = _Target(model, Rows() if room is None else room, len(batch), classes)
    if layers is None:
        for piece in per_sample_gradients(model, outputs, batch, one_hot):
            target.keep(*piece)
    else:
        for call in layer_calls(model, layers, outputs, batch, one_hot):
            length = places(call.layer, call.calls[0][1]) if len(call.calls) == 1 else None
            if length is None or "weight" not in call.trained:
                for piece in of_layer(call):
                    target.keep(*piece)
            else:
                target.keep_layer(call, length)
    return target.rows


class _Target:
    """Rows that are filled, a part at a time."""

    def __init__(self, model: nn.Module, rows: Rows, count: int, classes: int) -> None:
        self.rows, self.count, self.classes = rows, count, classes
        self._small: dict[str, slice] = {}
        self._width = 0
        for name, p in model.named_parameters():
            if p.requires_grad and p.numel() < SMALL:
                self._small[name] = slice(self._width, self._width + p.numel())
                self._width += p.numel()

    def keep(self, name: str, part: slice, rows: slice, value: Tensor) -> None:
        """Keep gradients [samples, rows, *shape]."""
        if name in self._small:
            self._whole(TOGETHER, self._width, value)[part, rows, self._small[name]] = value.flatten(2)
        else:
            self._whole(name, value[0, 0].numel(), value)[part, rows] = value.flatten(2)

    def keep_layer(self, call: LayerCalls, length: int) -> None:
        """Keep the gradients of a layer with places, or their factors."""
        u_BLD, delta_BLRO = factors(call.layer, *call.calls[0])
        name, wide, deep = call.parameter("weight"), delta_BLRO.shape[3], u_BLD.shape[2]
        if name not in self._small and shorter(length, deep, wide, self.classes):
            found = self._factors(name, u_BLD, wide)
            found.u[call.samples] = u_BLD
            found.delta[call.samples, :, :, call.rows] = delta_BLRO.transpose(2, 3)
        else:
            blocks = delta_BLRO.flatten(2).mT @ u_BLD
            self.keep(name, call.samples, call.rows, blocks.unflatten(1, delta_BLRO.shape[2:]))
        if "bias" in call.trained:
            self.keep(call.parameter("bias"), call.samples, call.rows, delta_BLRO.sum(1))

    def _whole(self, name: str, width: int, like: Tensor) -> Tensor:
        if name not in self.rows.whole:
            self.rows.whole[name] = like.new_empty(self.count, self.classes, width)
        return self.rows.whole[name]

    def _factors(self, name: str, u_BLD: Tensor, wide: int) -> Factors:
        if name not in self.rows.factors:
            _, length, deep = u_BLD.shape
            delta = u_BLD.new_empty(self.count, length, wide, self.classes)
            self.rows.factors[name] = Factors(u_BLD.new_empty(self.count, length, deep), delta)
        return self.rows.factors[name]


def shorter(length: int, deep: int, wide: int, classes: int) -> bool:
    """Tell whether factors of L places, D inputs, O outputs and K rows take less than half of the rows' products."""
    by_factors = length**2 * (deep + classes * wide) + classes**2 * length * wide
    return 2 * by_factors < classes**2 * wide * deep


def add_square(total_RR: Tensor, rows: Rows) -> None:
    """Add the products of each row with itself and those after it, in place; some others, too."""
    for each in rows.whole.values():
        flat_RP = each.flatten(0, 1)
        step = -(-len(flat_RP) // PARTS)
        for part_RC in _doubles(flat_RP):
            for begin in range(0, len(flat_RP), step):
                total_RR[begin : begin + step, begin:].addmm_(
                    part_RC[begin : begin + step], part_RC[begin:].T
                )
    for found in rows.factors.values():
        _add_factors(total_RR, found, found, upper=True)


def add_product(total_RS: Tensor, rows: Rows, others: Rows) -> None:
    """Add the products of rows with others, in place."""
    for name, each in rows.whole.items():
        pairs = zip(_doubles(each.flatten(0, 1)), _doubles(others.whole[name].flatten(0, 1)), strict=True)
        for left_RC, right_SC in pairs:
            total_RS.addmm_(left_RC, right_SC.T)
    for name, found in rows.factors.items():
        _add_factors(total_RS, found, others.factors[name], upper=False)


def _doubles(rows_RP: Tensor) -> Iterator[Tensor]:
    """Yield a few columns after the other in double precision, each in the memory of the one before."""
    buffer = rows_RP.new_empty(len(rows_RP), min(COLUMNS, rows_RP.shape[1]), dtype=torch.float64)
    for first, end in cuts(0, rows_RP.shape[1], COLUMNS):
        yield buffer[:, : end - first].copy_(rows_RP[:, first:end])


def _add_factors(total_RS: Tensor, rows: Factors, others: Factors, upper: bool) -> None:
    """Add the products of a layer's rows with others, in place; `upper`: of the samples up to each other one only."""
    count, length, wide, classes = rows.delta.shape
    total_AKBK = total_RS.view(count, classes, -1, classes)
    step = max(1, NUMBERS // (length * wide * classes))
    for begin, end in cuts(0, count, step):
        u_AD = rows.u[begin:end].double().flatten(0, 1)
        delta_AKQ = rows.delta[begin:end].double().flatten(1, 2).mT  # Q = L O
        for b in range(begin if upper else 0, len(others.u)):
            few = min(end, b + 1) - begin if upper else end - begin
            inner_AM = u_AD[: few * length] @ others.u[b].double().T
            moved_AQK = (inner_AM @ others.delta[b].double().flatten(1)).view(few, length * wide, classes)
            total_AKBK[begin : begin + few, :, b] += torch.bmm(delta_AKQ[:few], moved_AQK)


def cuts(begin: int, end: int, step: int) -> Iterator[tuple[int, int]]:
    """Yield (first, end) of the parts of a range."""
    yield from ((left, min(left + step, end)) for left in range(begin, end, step))
