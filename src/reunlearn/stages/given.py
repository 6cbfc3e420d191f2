"""Take in a model that the user brought: its weights are checked, and copied to where a study's would lie."""

from __future__ import annotations

import logging
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.data.prepared import read
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.jobs import GivenJob
from reunlearn.training.given_weights import read_weights
from reunlearn.training.tensor_files import write_tensors


def run(context: Context[GivenJob]) -> None:
    """Write model.safetensors: what a study would have written, whatever becomes of the user's file.

    Raises:
        UserError: the file has changed since the plan was made, or holds no such network's weights.
    """
    job, network = context.job, context.job.training.architecture.without_pretrained()
    prepared, side = read(Path(paths.data(job.training.dataset))), job.training.recipe.resize
    shape = (prepared.shape[0], side, side) if side else prepared.shape
    given = read_weights(job.weights, network, shape, len(prepared.classes), job.ignore)
    if sha256(Path(job.weights).expanduser()) != job.sha256:
        raise UserError(f"{job.weights}: has changed since the plan was made; run again")
    for change in given.changes:
        logging.info("%s: %s", job.weights, change)
    write_tensors(context.folder / "model.safetensors", given.tensors)
    context.facts["status"] = "finished"  # nobody saw it trained
    if given.changes:
        context.facts["changes"] = given.changes
