"""Take in a model that the user brought: its weights are checked, and put where a study's would lie."""

from __future__ import annotations

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
    """Write model.safetensors: a link to the user's file where that is what a study would have written, else a copy.

    Raises:
        UserError: the file has changed since the plan was made, or holds no such network's weights.
    """
    job, file = context.job, Path(context.job.weights)
    prepared, side = read(Path(paths.data(job.training.dataset))), job.training.recipe.resize
    shape = (prepared.shape[0], side, side) if side else prepared.shape
    given = read_weights(job.weights, job.training.architecture, shape, len(prepared.classes))
    if sha256(file) != job.sha256:
        raise UserError(f"{file}: has changed since the plan was made; run again")
    target = context.folder / "model.safetensors"
    if given.as_in_file:
        target.symlink_to(file.absolute())
    else:
        write_tensors(target, given.tensors)
    context.facts["status"] = "finished"  # nobody saw it trained
