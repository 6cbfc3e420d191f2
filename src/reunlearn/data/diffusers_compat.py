"""diffusers and transformers, after torchvision is ready for them; generators import both from here."""

from __future__ import annotations

from reunlearn.base.errors import UserError
from reunlearn.data import torchvision_compat  # noqa: F401  (transformers, which diffusers imports, imports torchvision)

try:
    import diffusers
    import transformers
except ModuleNotFoundError as error:
    raise UserError("generators need diffusers; install reunlearn[generation]") from error

__all__ = ["diffusers", "transformers"]
