"""CPU milliseconds to augment or resize 1,000 images: our whole batches against torchvision's per-image transforms.

One thread. Ours works on uint8 batches of 128, torchvision on Pillow images and on uint8 tensors, one by one, each
without conversions before or after. All sides take turns in one run; a ratio is the median over the turns.

    python benchmarks/augmentation.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from PIL import Image
from torch import Tensor, nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.resize import resize
from reunlearn.data.torchvision_compat import InterpolationMode, transforms

COUNT, BATCH = 1000, 128
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


def measure(work: dict[str, Callable[[], object]], turns: int) -> dict[str, list[float]]:
    """Return the milliseconds of each side in every turn; the first turn warms up and is not counted."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(turns + 1):
        for name, once in work.items():
            begin = time.process_time()
            once()
            if turn:
                spent[name].append(1000 * (time.process_time() - begin))
    return spent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our augmentation against torchvision's, image by image")
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(
        f"CPU milliseconds for {COUNT} images, 1 thread, median of {options.turns} turns; × times as long as ours"
    )
    for size in (32, 64):
        x_NHWC = torch.randint(0, 256, (COUNT, size, size, 3), dtype=torch.uint8)
        print(f"\n{size}×{size}{'':33}  ours      Pillow          tensors")
        for label, (batches, transform) in WORK.items():
            spent = measure(sides(x_NHWC, batches, transform), options.turns)
            words = f"{statistics.median(spent['ours']):6.0f}"
            for name in ("Pillow", "tensors"):
                ratio = statistics.median(t / o for t, o in zip(spent[name], spent["ours"], strict=True))
                words += f"   {statistics.median(spent[name]):6.0f} ×{ratio:5.1f}"
            print(f"  {label:<37} {words}")


if __name__ == "__main__":
    main()
