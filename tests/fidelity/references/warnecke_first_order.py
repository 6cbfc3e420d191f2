"""The first-order update of labels. Warnecke et al. 2023.

w −= τ · difference, once, over the LAST `tensors` trainable tensors. _label_points.py says which points there are and
what their difference is. No buffers are touched; the mode the model came in is put back.

`data`: {"training": (inputs, clean labels)}.
`order`: sample indices, the random draw of the subset made explicit; None means as they lie.
`tau`: 2e-5; `tensors`: 6; `maximum`: 1024 in the released code.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from ._label_points import chosen_points, gradient_difference, last_tensors
from ._samples import Batch
from ._weights import add_to


def reference(
    model: nn.Module,
    data: dict[str, Batch],
    *,
    tau: float = 2e-5,
    tensors: int | None = 6,
    order: Sequence[int] | None = None,
    maximum: int = 1024,
    labels_of_z: Tensor | None = None,
) -> nn.Module:
    """Take one gradient step on the last tensors; the model is changed in place and returned."""
    points = chosen_points(model, data["training"], order=order, maximum=maximum, labels_of_z=labels_of_z)
    parameters = last_tensors(model, tensors)
    add_to(parameters, gradient_difference(model, points, parameters), -tau)
    return model
