"""Make a small text-to-image pipeline for digits, without any download. Run as a module by `make digits-pipeline`.

Its VAE is trained here on the training digits, of all classes; its text encoder keeps random weights, which tell the
ten captions apart; its U-Net is not trained: a study that says `trained: false` trains one for each seed.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reunlearn.base.threads import limited_threads
from reunlearn.data.resize import resize
from reunlearn.data.sets.digits import CARD
from reunlearn.data.sets.registry import Source
from reunlearn.models import _small_pipeline
from reunlearn.study.needed_files import DIGITS_PIPELINE
from reunlearn.training.randomness import seeded
from reunlearn.training.small_vae import VAETraining, reconstruction_error, train_vae

SIZES = _small_pipeline.Sizes(tokens=8, text=32, vae=(8, 16, 16), unet=(24, 48), heads=4)
WORDS = ("an", "image", "of", "a", *CARD.classes)


def run(folder: Path = Path(DIGITS_PIPELINE), training: VAETraining | None = None) -> int:
    """Write the pipeline, the same bytes each time on one machine; return 0.

    Args:
        folder: where it goes; what is there already stays.
        training: of the VAE; the one that studies need if None.
    """
    if folder.is_dir():
        print(f"{folder} is there already; remove it to make it again")
        return 0
    work = folder.with_name(f".{folder.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    data = CARD.load(Source(work))
    wanted = training or VAETraining()
    with limited_threads(1):  # the order of sums depends on it
        with seeded(0, "weights"):
            vae = _small_pipeline.make_vae(SIZES)
        train_vae(vae, pixels(data.train_x), wanted, progress=_shown(wanted.steps))
        error = reconstruction_error(vae, pixels(data.test_x))
        _small_pipeline.write(work, WORDS, SIZES, vae)
    work.rename(folder)
    print(f"{folder}: mean squared error of test images through the VAE {error:.4f}, of pixels in ±1")
    return 0


def pixels(x_NCHW: np.ndarray) -> Tensor:
    """Return images as studies prepare them for this pipeline: resized, in ±1."""
    resized = resize(torch.from_numpy(x_NCHW).permute(0, 2, 3, 1), SIZES.side, "bicubic")
    return resized.permute(0, 3, 1, 2).float() / 127.5 - 1


def _shown(steps: int) -> Callable[[int, float], None]:
    def show(step: int, error: float) -> None:
        if step % max(1, steps // 10) == 0:
            print(f"VAE step {step}/{steps}  error {error:.4f}", file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    sys.exit(run())
