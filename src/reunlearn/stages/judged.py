"""Open what a generator drew, beside real images and the classifier that says what images show."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.data.images import ImageSamples
from reunlearn.measures.registry import Drawn
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.study.jobs import MeasureJob
from reunlearn.study.pretrained import weights_digest


def open_samples(context: Context[MeasureJob]) -> Drawn:
    """Return a model's samples as the classifier sees them."""
    job = context.job
    assert job.training and job.inputs.samples and job.inputs.classifier and job.inputs.split
    loader, place = Loader(job.training, context.device), Path(job.inputs.samples)
    images, labels = (np.load(place / f"{name}.npy", allow_pickle=False) for name in ("images", "labels"))
    split = read_split(job.inputs.split)
    sets = (loader.samples_of(images, labels), loader.training_samples(), loader.test_samples())
    drawn, training, test = (samples for samples in sets if isinstance(samples, ImageSamples))
    return Drawn(
        classifier=loader.model(job.inputs.classifier).eval(),
        objective=loader.objective(),
        samples=drawn,
        training=training,
        test=test,
        forgotten=split["forgotten_classes"],
        class_names=tuple(loader.prepared.classes),
        weights=weights_digest(job.inputs.classifier),
    )
