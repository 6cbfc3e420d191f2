"""The second moments of a convolution's patches, from products of whole maps instead of from the patches.

A patch at place p of the padded maps x holds x[p + i] for each offset i of the kernel, so that

    M_ij = Σ_p r_i r_jᵀ = Σ_p x[p + i] x[p + j]ᵀ = Σ_q x[q] x[q + j − i]ᵀ          [C, C] for each pair of offsets

where q runs over a window of the maps: all but a few lines at the borders. So M_ij is the sum over all q, which is the
same for all pairs with the same displacement j − i, less what these lines add to it. The sums over all q are what a
convolution's backward pass computes for its weights, with x as its inputs and x as its gradient; the other half of the
displacements are transposes. Lines of zeros, the padding, add nothing. A padded kernel of 3×3 needs 15 blocks and four
lines instead of 45 blocks.

Products are in the inputs' precision, at least float32, each over at most PLACES places; sums of them are float64.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.backends import cudnn
from torch.nn.functional import pad
from torch.nn.grad import conv2d_weight

PLACES = 2**14  # in one float32 sum: with fewer the errors are smaller, and the time is longer


class PatchMoment:
    """Sums M over batches.

    Args:
        layer: gives kernel and zero padding. Patches are taken at stride 1 and dilation 1, whatever its own are.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        self.high, self.wide = (int(size) for size in layer.kernel_size)
        self.top, self.side = (int(size) for size in layer.padding)
        # over all q: [row, column of the displacement, C, C]; the first column is the furthest to the left
        self.whole: Tensor | None = None
        # of two columns: [row of the displacement, C, C]; of two rows: [column of i, column of j, C, C]
        self.lines: dict[tuple[str, bool, int, int], Tensor] = {}

    def add(self, x: Tensor) -> None:
        """Add the patches of x [B, C, H, W], not padded."""
        x = x if x.dtype == torch.float64 else x.float()
        for chunk in x.split(max(1, PLACES // (x.shape[2] * x.shape[3]))):
            product = displaced(chunk, self.high, self.wide).double()
            self.whole = product if self.whole is None else self.whole.add_(product)
        for name, product in self._products(x.permute(0, 2, 3, 1)):
            self.lines[name] = self.lines.get(name, 0) + product.double()

    def _products(self, x_BHWC: Tensor) -> Iterator[tuple[tuple[str, bool, int, int], Tensor]]:
        """Yield the products of two lines: their kind, whether they are at the far end, their numbers from there."""
        for far, i, j, line, other in pairs(x_BHWC.transpose(1, 2), self.wide, self.side):
            below = windows(pad(other, (0, 0, 0, self.high - 1)), self.high)
            yield ("column", far, i, j), products(line[:, :, None], below)[0]
        for far, i, j, line, other in pairs(x_BHWC, self.high, self.top):
            if i <= j:
                line, other = (
                    windows(pad(k, (0, 0, self.side, self.side)), self.wide) for k in (line, other)
                )
                yield ("row", far, i, j), products(line, other)

    def value(self) -> Tensor:
        """Return M [D, D] in float64, D = C · rows · columns of the kernel, in the order of the layer's weights."""
        assert self.whole is not None
        high, wide, count = self.high, self.wide, self.whole.shape[-1]
        full = self.whole.new_empty(
            high, wide, high, wide, count, count
        )  # M_ij at [i, j]; an offset is two numbers
        for i in range(wide):
            for j in range(wide):
                rows = self.whole[:, wide - 1 + j - i] - self._outside("column", i, j, wide)
                for down in range(high):
                    for first in range(high - down):
                        full[first, i, first + down, j] = rows[down]
        for i in range(high):
            for j in range(i, high):
                full[i, :, j] -= self._outside("row", i, j, high)
                if j > i:
                    full[j, :, i] = full[i, :, j].transpose(0, 1).mT
        moment_DD = full.permute(4, 0, 1, 5, 2, 3).reshape(count * high * wide, -1)
        return (moment_DD + moment_DD.T) / 2

    def _outside(self, kind: str, i: int, j: int, size: int) -> Tensor:
        """Return what the lines add that the window of offsets i and j leaves out."""
        assert self.whole is not None
        total = self.whole.new_zeros((self.high, 1, 1) if kind == "column" else ())
        for first in range(size - 1):
            name = (kind, first >= i, first, first + j - i)
            total = total + self.lines[name] if name in self.lines else total
        return total


def displaced(x: Tensor, high: int, wide: int) -> Tensor:
    """Return Σ_q x[q] x[q + d]ᵀ [high, 2 wide − 1, C, C] for d from (0, 1 − wide) to (high − 1, wide − 1)."""
    count = x.shape[1]
    around = pad(x, (wide - 1, wide - 1, 0, high - 1))
    with cudnn.flags(enabled=cudnn.enabled, deterministic=cudnn.deterministic, allow_tf32=False):
        return conv2d_weight(around, (count, count, high, 2 * wide - 1), x).permute(2, 3, 0, 1)


def pairs(x_BLMC: Tensor, size: int, padding: int) -> Iterator[tuple[bool, int, int, Tensor, Tensor]]:
    """Yield (far, i, j, line i, line j) of the L lines that some window leaves out, and that are not padding.

    Args:
        x_BLMC: the maps without padding.
        size: of the kernel across the lines.
        padding: number of lines of zeros on either side.
    """
    places = x_BLMC.shape[1] + 2 * padding - size + 1
    for far in (False, True):
        begin = places * far - padding
        for i in range(size - 1):
            for j in range(size - 1):
                if min(begin + i, begin + j) >= 0 and max(begin + i, begin + j) < x_BLMC.shape[1]:
                    yield far, i, j, x_BLMC[:, begin + i], x_BLMC[:, begin + j]


def windows(line_BMC: Tensor, size: int) -> Tensor:
    """Return the line moved by each offset [B, M − size + 1, size, C]."""
    places = line_BMC.shape[1] - size + 1
    return torch.stack([line_BMC[:, i : i + places] for i in range(size)], dim=2)


def products(left_BMIC: Tensor, right_BMJC: Tensor) -> Tensor:
    """Return the sums of products over samples and places [I, J, C, C]."""
    (_, _, i, c), (_, _, j, d) = left_BMIC.shape, right_BMJC.shape
    product = left_BMIC.reshape(-1, i * c).T @ right_BMJC.reshape(-1, j * d)
    return product.view(i, c, j, d).permute(0, 2, 1, 3)
