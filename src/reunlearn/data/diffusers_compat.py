"""diffusers, after torchvision is ready for it; the one place that imports it."""

from __future__ import annotations

from reunlearn.base.errors import UserError
from reunlearn.data import torchvision_compat  # noqa: F401  (transformers, which diffusers imports, imports torchvision)

try:
    import diffusers
except ModuleNotFoundError as error:
    raise UserError("generators need diffusers; install reunlearn[generation]") from error

__all__ = ["diffusers"]
