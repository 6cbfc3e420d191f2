"""Draw samples of a generator, of every class: each from noise of its own, so that batches change none of them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import read_manifest
from reunlearn.base.files import read_json, replacing, write_json
from reunlearn.base.hashing import full_digest
from reunlearn.objectives._sampling import Sampler
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.study import paths
from reunlearn.study.jobs import SampleJob
from reunlearn.training import checkpoint
from reunlearn.training.precision import autocast, in_use

TOGETHER = 128  # samples of a block, which are computed at once and kept together


def run(context: Context[SampleJob]) -> None:
    """Write images.npy [N, C, H, W], uint8, and labels.npy [N]: `images` of class 0, then of class 1, and so on."""
    job = context.job
    loader = Loader(job.training, context.device)
    model = loader.model(job.inputs.model).eval()
    label_N = torch.arange(loader.classes).repeat_interleave(job.sampling.images)
    place, sampling = _checkpoints(job), job.sampling
    shape = tuple(loader.training_samples(np.array([0])).inputs(slice(0, 1)).shape[1:])
    sampler = Sampler(
        shape, sampling.steps, sampling.eta, sampling.guidance, sampling.clip, kind=sampling.sampler
    )
    context.facts["precision"] = in_use(loader.recipe.precision, context.device)
    with context.stopwatch.section("run"), torch.no_grad():
        for number, rows in enumerate(torch.split(torch.arange(len(label_N)), TOGETHER)):
            if (block := place / f"{number}.npy").exists():
                continue
            drawn = _draw(
                loader, model, sampler, label_N[rows], [generator_of(sampling.seed, n) for n in rows.tolist()]
            )
            with replacing(block) as partial, partial.open("wb") as file:
                np.save(file, to_pixels(drawn, loader))
            print(f"samples {int(rows[-1]) + 1}/{len(label_N)}", file=sys.stderr, flush=True)
    blocks = sorted(place.glob("*.npy"), key=lambda path: int(path.stem))
    np.save(context.folder / "images.npy", np.concatenate([np.load(path) for path in blocks]))
    np.save(context.folder / "labels.npy", label_N.numpy())
    checkpoint.discard(place)


def _draw(
    loader: Loader, model: nn.Module, sampler: Sampler, label_B: Tensor, generators: list[torch.Generator]
) -> Tensor:
    """Return samples [B, C, H, W], as images are before they are pixels."""
    objective = loader.objective()
    assert isinstance(objective, NoisePrediction)  # the plan lets no other come here
    with autocast(loader.recipe.precision, loader.device):
        drawn = objective.sample(model, label_B.to(loader.device), generators, sampler)
    return loader.coder.decode(drawn) if loader.coder else drawn


def generator_of(seed: int, number: int) -> torch.Generator:
    """Return the generator of one sample."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def to_pixels(x: Tensor, loader: Loader) -> np.ndarray:
    """Return normalised images as uint8: the nearest, clipped."""
    mean = torch.tensor(loader.recipe.mean or loader.prepared.mean).view(1, -1, 1, 1)
    std = torch.tensor(loader.recipe.std or loader.prepared.std).view(1, -1, 1, 1)
    pixels = (x.cpu().float() * std + mean) * 255
    return pixels.nan_to_num(0.0).round().clamp(0, 255).to(torch.uint8).numpy()


def _checkpoints(job: SampleJob) -> Path:
    """Return the folder of finished blocks; those of another model, of other settings or other code are gone."""
    place, manifest = paths.checkpoint(job.folder), read_manifest(Path(job.inputs.model))
    model = manifest.model_dump(mode="json") if manifest else None
    key = full_digest([job.digest, model, job_digest(job.stage, job.modules)])
    if not (place / "checkpoint.json").exists() or read_json(place / "checkpoint.json")["key"] != key:
        checkpoint.discard(place)
        place.mkdir(parents=True)
        write_json(place / "checkpoint.json", {"key": key})
    return place
