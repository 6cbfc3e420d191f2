"""Draw a dataset: samples of a network that comes trained, of each prompt of a file → plain arrays under data/."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from reunlearn.artifacts.manifest import described
from reunlearn.artifacts.soundness import FILES, write_listing
from reunlearn.base.files import write_json
from reunlearn.data.prepared import Prepared
from reunlearn.data.prompts import read_prompts
from reunlearn.data.sets.drawn import CLASSES, HALF
from reunlearn.data.sets.registry import Arrays, get
from reunlearn.stages.drawing import Asked, draw
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.stages.placing import is_as_locked, make
from reunlearn.study import paths
from reunlearn.study.jobs import DrawJob


def run(context: Context[DrawJob]) -> None:
    """Write data/<dataset>/ and the checksums of its files."""
    job, target = context.job, Path(paths.data(context.job.training.dataset))
    if not is_as_locked(target):
        with tempfile.TemporaryDirectory(dir=context.folder) as raw:
            fill(dataclasses.replace(context, folder=Path(raw)))
            make(get(job.training.dataset.name), target, Path(raw), job.training.dataset.side)
    write_listing(context.folder / FILES, described(target, [p.name for p in target.iterdir()]))


def fill(context: Context[DrawJob]) -> None:
    """Write images, labels and the names of the classes, which are the prompts, into the folder."""
    job = context.job
    assert job.sampling.prompts and job.training.dataset.side  # the plan asks for both
    lines = read_prompts(job.sampling.prompts)
    names = tuple(line.text for line in lines)
    loader = Loader(job.training, context.device, prepared=nothing_yet(names, job))
    draw(context, loader, loader.fresh_model(0).eval(), Asked(job.sampling, lines, by_text=False))
    write_json(context.folder / CLASSES, list(names))


def nothing_yet(names: tuple[str, ...], job: DrawJob) -> Prepared:
    """Return a dataset without images: what a network that draws it must know of it."""
    side, channels = job.training.dataset.side or 0, job.channels
    x, y = np.zeros((0, channels, side, side), np.uint8), np.zeros(0, np.int64)
    return Prepared(Arrays(x, y, x, y), names, (channels, side, side), (HALF,) * channels, (HALF,) * channels)
