"""Draw samples of a generator: each from noise of its own, so that batches change none of them.

Finished blocks are kept, so that a job that was killed goes on where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.base.files import replacing
from reunlearn.data.npy import write_npy
from reunlearn.data.prompts import Prompt, read_prompts
from reunlearn.models.registry import prompted
from reunlearn.objectives._sampling import Sampler
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.stages.checkpoint_key import checkpoint_key
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import DrawJob, SampleJob
from reunlearn.study.specs import SamplingSpec
from reunlearn.training import checkpoint
from reunlearn.training.precision import autocast, in_use

TOGETHER = 128  # samples of a block, which are computed at once and kept together
DECODED = 16  # latents that become images at once: a VAE takes far more memory than the network


@dataclass(frozen=True)
class Asked:
    """What is to be drawn: `images` samples of the first class or prompt, then of the second, and so on.

    Attributes:
        sampling: how.
        lines: of each prompt; of each class, where what its line says of seed and guidance counts.
        by_text: whether the network reads the lines, and not the classes of its own captions.
    """

    sampling: SamplingSpec
    lines: tuple[Prompt, ...]
    by_text: bool

    @classmethod
    def of_sampling(cls, sampling: SamplingSpec, classes: int) -> Asked:
        """Return what a job samples: the prompts of a file, or all classes."""
        if sampling.prompts:
            return cls(sampling, read_prompts(sampling.prompts), by_text=True)
        return cls(sampling, (Prompt(""),) * classes, by_text=False)

    def labels(self) -> Tensor:
        """Return the number of the class or prompt of each sample, [N]."""
        return torch.arange(len(self.lines)).repeat_interleave(self.sampling.images)

    def generator(self, number: int) -> torch.Generator:
        """Return the generator of one sample; of a line with a seed, its first sample has the noise of that seed."""
        place, n = divmod(number, self.sampling.images)
        if (seed := self.lines[place].seed) is not None:
            return torch.Generator().manual_seed(seed + n)
        return generator_of(self.sampling.seed, number)

    def guidance(self, number: int) -> float:
        """Return w of one sample."""
        scale = self.lines[number // self.sampling.images].guidance
        return self.sampling.guidance if scale is None else scale - 1


def draw(
    context: Context[SampleJob] | Context[DrawJob],
    loader: Loader,
    model: nn.Module,
    asked: Asked,
    read: Sequence[Folder] = (),
) -> None:
    """Write images.npy [N, C, H, W], uint8, and labels.npy [N], into the job's folder.

    Args:
        context: of the job.
        loader: of the network and the size of its images.
        model: the network, in evaluation mode.
        asked: what is to be drawn.
        read: folders whose change makes finished blocks worthless.
    """
    label_N = asked.labels()
    place = _checkpoints(context.job, read)
    context.facts["precision"] = in_use(loader.recipe.precision, context.device)
    blocks = [
        (place / f"{number}.npy", rows)
        for number, rows in enumerate(torch.split(torch.arange(len(label_N)), TOGETHER))
    ]
    with context.stopwatch.section("run"), torch.no_grad():
        for block, rows in blocks:
            if not block.exists():
                with replacing(block) as partial, partial.open("wb") as file:
                    np.save(file, to_pixels(_draw(loader, model, asked, rows), loader))
                print(f"samples {int(rows[-1]) + 1}/{len(label_N)}", file=sys.stderr, flush=True)
    shape = np.load(blocks[0][0], mmap_mode="r", allow_pickle=False).shape[1:]
    write_npy(context.folder / "images.npy", (len(label_N), *shape), np.uint8, _read(blocks))
    np.save(context.folder / "labels.npy", label_N.numpy())


def _read(blocks: list[tuple[Path, Tensor]]) -> Iterator[np.ndarray]:
    for block, _ in blocks:
        yield np.load(block, allow_pickle=False)


def _draw(loader: Loader, model: nn.Module, asked: Asked, rows_B: Tensor) -> Tensor:
    """Return samples [B, C, H, W], as images are before they are pixels; those of one guidance together."""
    objective = loader.objective()
    assert isinstance(objective, NoisePrediction)  # the plan lets no other come here
    label_B = asked.labels()[rows_B]
    if asked.by_text:  # the network reads the texts of this block: they are its classes
        first, last = int(label_B[0]), int(label_B[-1])
        texts, label_B = [line.text for line in asked.lines[first : last + 1]], label_B - first
        model = prompted(model, loader.training.architecture, texts)
        objective = objective.changed(classes=len(texts))
    weights = [asked.guidance(n) for n in rows_B.tolist()]
    drawn: dict[int, Tensor] = {}
    for weight in sorted(set(weights)):
        chosen = [b for b, own in enumerate(weights) if own == weight]
        spec = asked.sampling
        sampler = Sampler(loader.input_shape, spec.steps, spec.eta, weight, spec.clip, kind=spec.sampler)
        generators = [asked.generator(int(rows_B[b])) for b in chosen]
        with autocast(loader.recipe.precision, loader.device):
            samples = objective.sample(model, label_B[chosen].to(loader.device), generators, sampler)
        drawn |= dict(zip(chosen, samples, strict=True))
    x = torch.stack([drawn[b] for b in range(len(weights))])
    return torch.cat([loader.coder.decode(part) for part in torch.split(x, DECODED)]) if loader.coder else x


def generator_of(seed: int, number: int) -> torch.Generator:
    """Return the generator of one sample."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def to_pixels(x: Tensor, loader: Loader) -> np.ndarray:
    """Return normalised images as uint8: the nearest, clipped."""
    mean = torch.tensor(loader.recipe.mean or loader.prepared.mean).view(1, -1, 1, 1)
    std = torch.tensor(loader.recipe.std or loader.prepared.std).view(1, -1, 1, 1)
    pixels = (x.cpu().float() * std + mean) * 255
    return pixels.nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8).numpy()


def _checkpoints(job: SampleJob | DrawJob, read: Sequence[Folder]) -> Path:
    """Return the folder of finished blocks; those of another model, of other settings or other code are gone."""
    place = paths.checkpoint(job.folder)
    checkpoint.begin(place, checkpoint_key(job, read))
    return place
