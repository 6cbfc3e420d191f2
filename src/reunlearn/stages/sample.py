"""Draw samples of a generator: of every class, or of a user's prompts."""

from __future__ import annotations

from reunlearn.stages.drawing import Asked, draw
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader
from reunlearn.study.jobs import SampleJob


def run(context: Context[SampleJob]) -> None:
    """Write images.npy [N, C, H, W], uint8, and labels.npy [N]: `images` of class or prompt 0, then of 1, and so on."""
    job = context.job
    loader = Loader(job.training, context.device)
    model = loader.model(job.inputs.model).eval()
    draw(context, loader, model, Asked.of_sampling(job.sampling, loader.classes), [job.inputs.model])
