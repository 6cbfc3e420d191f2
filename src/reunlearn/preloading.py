"""What the warm worker imports once, so that no job has to: what most jobs need, then the plugins that jobs name."""

from __future__ import annotations

import contextlib
import gc
import importlib
from pathlib import Path

from reunlearn.base.files import read_json
from reunlearn.study.stages import STAGES

PACKAGE = "reunlearn."  # where plugins are
PRELOADED = (
    "numpy",
    "torch",
    "torch._dynamo",  # the first optimizer of a process imports it, which takes longer than training a small network
    "safetensors.torch",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.svm",
    "xgboost",
    "matplotlib.figure",
    "reunlearn.stages.subject",
    "reunlearn.stages.method_run",
    "reunlearn.measures.evaluation",
    "reunlearn.measures.comparison",
    "reunlearn.measures._attack",
    "reunlearn.data.modalities.images",
    *(f"reunlearn.stages.{stage.name}" for stage in STAGES.values() if stage.warm),
)


def preload() -> None:
    """Import what jobs need, and look up once what every record says."""
    for name in PRELOADED:
        importlib.import_module(name)
    record = importlib.import_module("reunlearn.artifacts.record")
    record.versions()
    record.processor()


def warm_up(specification: Path, known: set[str]) -> set[str]:
    """Import the plugins that a job names and what takes long in them (`PRELOAD`), for it and all jobs after it.

    What cannot be imported is the job's matter: it says so.

    Args:
        specification: of the job.
        known: plugins that earlier jobs named.

    Returns:
        Those that are new.
    """
    new: set[str] = set()
    with contextlib.suppress(Exception):
        named = set(read_json(specification)["modules"]) - known
        new = {name for name in named if name.startswith(PACKAGE)}  # a file of others may name any module
        for name in sorted(new):
            for heavy in getattr(importlib.import_module(name), "PRELOAD", ()):
                importlib.import_module(heavy)
        if new:
            gc.collect()
            gc.freeze()
    return new
