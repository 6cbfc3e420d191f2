"""What a checkpoint must share with a job that goes on from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import read_manifest
from reunlearn.base.hashing import full_digest
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job


def checkpoint_key(job: Job, read: Sequence[Folder]) -> str:
    """Return a digest of a job's specification, its code, torch and the manifests of the folders that it reads."""
    manifests = [read_manifest(Path(folder)) for folder in read]
    inputs = [manifest and manifest.model_dump(mode="json") for manifest in manifests]
    return full_digest([job.digest, inputs, job_digest(job.stage, job.modules), torch.__version__])
