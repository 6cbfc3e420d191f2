"""torchmetrics, after torchvision is ready for it; the one place that imports it."""

from __future__ import annotations

from reunlearn.base.errors import UserError
from reunlearn.data import torchvision_compat  # noqa: F401  (torchmetrics imports torchvision)

try:
    from torchmetrics.image.fid import FrechetInceptionDistance
except ModuleNotFoundError as error:
    raise UserError("Fréchet distances need torchmetrics; install reunlearn[generation]") from error

__all__ = ["FrechetInceptionDistance"]
