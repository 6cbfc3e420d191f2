"""CPU milliseconds to augment or resize 1,000 images: our whole batches against torchvision's per-image transforms.

One thread. Ours works on uint8 batches of 128, torchvision on Pillow images and on uint8 tensors, one by one, each
without conversions before or after. All sides take turns in one run; a ratio is the median over the turns.

    python benchmarks/augmentation.py [--quick]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from history import Row, options, publish
from PIL import Image
from torch import Tensor, nn
from turns import cpu_seconds

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.resize import resize
from reunlearn.data.torchvision_compat import InterpolationMode, transforms

COUNT, BATCH, TURNS = 1000, 128, 3
LARGE = 224  # side of resized images

Batches = Callable[[Tensor, torch.Generator], Tensor]
WORK: dict[str, tuple[Batches, nn.Module]] = {
    "crop and flip": (
        Augmentation(("crop", "flip")),
        # 4 pixels of padding, whatever the size
        transforms.Compose(
            [
                lambda image: transforms.RandomCrop(side(image), padding=4)(image),
                transforms.RandomHorizontalFlip(),
            ]
        ),
    ),
    "rotation ±20°": (Augmentation(("rotation",)), transforms.RandomRotation(20)),
    "RandAugment 2 operations, magnitude 9": (Augmentation(("randaugment",)), transforms.RandAugment(2, 9)),
    f"resize to {LARGE}, bilinear": (
        lambda x_NHWC, _: resize(x_NHWC, LARGE, "bilinear"),
        transforms.Resize((LARGE, LARGE), InterpolationMode.BILINEAR),
    ),
    f"resize to {LARGE}, bicubic": (
        lambda x_NHWC, _: resize(x_NHWC, LARGE, "bicubic"),
        transforms.Resize((LARGE, LARGE), InterpolationMode.BICUBIC),
    ),
}


def side(image: Tensor | Image.Image) -> int:
    """Return the width of an image."""
    return image.shape[-1] if isinstance(image, Tensor) else image.width


def sides(x_NHWC: Tensor, batches: Batches, transform: nn.Module) -> dict[str, Callable[[], object]]:
    """Return what works through all images once, by the name of who does it; ours first."""
    generator = torch.Generator().manual_seed(0)
    pillow = [Image.fromarray(image.numpy()) for image in x_NHWC]
    tensors = [image.contiguous() for image in x_NHWC.permute(0, 3, 1, 2)]
    return {
        "ours": lambda: [batches(x, generator) for x in x_NHWC.split(BATCH)],
        "Pillow": lambda: [transform(image) for image in pillow],
        "tensors": lambda: [transform(image) for image in tensors],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    count, turns, rows = *((BATCH, 1) if asked.quick else (COUNT, TURNS)), []
    for size in (32,) if asked.quick else (32, 64):
        x_NHWC = torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8)
        for label, (batches, transform) in WORK.items():
            found = cpu_seconds(sides(x_NHWC, batches, transform), turns)
            details = {f"{name} ms per 1,000": 1e6 * found.median(name) / count for name in found.spent}
            details["tensors ×"] = found.ratio("tensors", "ours")
            name = f"{size}×{size}, {label}, against Pillow images"
            rows.append(Row(name, found.ratio("Pillow", "ours"), details=details))
    publish("augmentation", rows, asked.quick)


if __name__ == "__main__":
    main()
