"""Make `import torchvision` work beside a CPU build of torch.

The package index's wheel of torchvision holds operators compiled for CUDA, which a CPU build of torch cannot
load; the import then dies on registering a fake for `torchvision::nms`. This module declares the operators'
schemas where they do not load, and only then imports torchvision: import its modules from here, so that sorting
imports cannot change the order. `functional` is that of torchvision's transforms v2, for tensors of whole batches.
Datasets and models work then too; calling `torchvision.ops.nms` does not.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import torch

SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # the declarations exist only as long as these objects


def declare_operators() -> bool:
    """Declare torchvision's operators if its own do not load; tell whether that was needed.

    Raises:
        ModuleNotFoundError: torchvision is not installed.
    """
    if _declared:
        return True
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("torchvision is not installed; install it")
    compiled = [Path(spec.origin).parent / f"_C{s}" for s in importlib.machinery.EXTENSION_SUFFIXES]
    try:
        torch.ops.load_library(str(next(path for path in compiled if path.exists())))
    except (OSError, StopIteration):
        library = torch.library.Library("torchvision", "FRAGMENT")
        for schema in SCHEMAS:
            library.define(schema)
        _declared.append(library)
    return bool(_declared)


declare_operators()

from torchvision import models, transforms  # noqa: E402
from torchvision.transforms import InterpolationMode  # noqa: E402
from torchvision.transforms.v2 import functional  # noqa: E402

__all__ = ["InterpolationMode", "declare_operators", "functional", "models", "transforms"]
