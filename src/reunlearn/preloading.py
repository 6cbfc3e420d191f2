"""What the warm worker does once, so that no job has to: it imports what most jobs need and the plugins that jobs
name, and makes what jobs look up. It computes nothing: a library that has started threads cannot be forked.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Number, Real
from pathlib import Path
from typing import Any

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import Manifest, Output
from reunlearn.artifacts.record import Record, processor, versions
from reunlearn.base.files import read_json
from reunlearn.base.log_levels import set_levels
from reunlearn.base.threads import loaded_pools
from reunlearn.study.jobs import adapter
from reunlearn.study.stages import STAGES

PACKAGE = "reunlearn."  # where plugins are
# that nearly every job asks whether they are of an abstract type; the first answer takes a walk through all types
ASKED: tuple[Any, ...] = (0, 0.0, "", (), [], {}, None)
ABSTRACT = (Iterable, Mapping, Sequence, Number, Integral, Real)
PRELOADED = (
    "encodings.cp437",  # of the names in archives of arrays
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
    "reunlearn.training.device",
    *(f"reunlearn.stages.{stage.name}" for stage in STAGES.values() if stage.warm),
)


def preload() -> None:
    """Import what jobs need; make what reads specifications and manifests, look up what every record says."""
    for name in PRELOADED:
        importlib.import_module(name)
    for stage in STAGES.values():
        adapter(stage.job)
    Manifest.model_rebuild()
    Output.model_rebuild()
    Record.model_rebuild()
    set_levels()
    versions()
    processor()
    with contextlib.suppress(ImportError):  # scikit-learn asks for all installed packages at the first fit
        importlib.import_module("narwhals.dependencies").is_into_dataframe(None)
    loaded_pools()
    for value, abstract in itertools.product(ASKED, ABSTRACT):
        isinstance(value, abstract)


def warm_up(specification: Path, known: set[str]) -> set[str]:
    """Import the plugins that a job names and what takes long in them (`PRELOAD`), for it and all jobs after it.

    The digest of its code is computed here, too: many jobs have the same, and the sources are those of this process.
    What cannot be imported is the job's matter: it says so.

    Args:
        specification: of the job.
        known: plugins that earlier jobs named.

    Returns:
        Those that are new.
    """
    new: set[str] = set()
    with contextlib.suppress(Exception):
        content = read_json(specification)
        named = set(content["modules"]) - known
        new = {name for name in named if name.startswith(PACKAGE)}  # a file of others may name any module
        for name in sorted(new):
            for heavy in getattr(importlib.import_module(name), "PRELOAD", ()):
                importlib.import_module(heavy)
        job_digest(content["stage"], content["modules"])
        loaded_pools()
        if new:
            gc.collect()
            gc.freeze()
    return new
