"""Measure one model: an evaluation, a comparison, an attack; whatever the job's measure does."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from reunlearn.base.arrays import write_arrays
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json
from reunlearn.base.hashing import sha256
from reunlearn.measures.registry import Measured, MeasureInputs, Table, get
from reunlearn.metrics.outputs import ARRAYS, read_outputs, read_pool
from reunlearn.stages.execution import Context
from reunlearn.study.jobs import MeasureJob
from reunlearn.study.specs import MeasureSpec

NUMBERS = "numbers.json"
TABLE = "table"  # begins the names of a table's columns among the arrays


def run(context: Context[MeasureJob]) -> None:
    """Write numbers.json, and arrays.npz with the arrays of other measures' use and the columns of tables."""
    measure, inputs = get(context.job.measure.name), open_inputs(context)
    with context.stopwatch.section("run"):
        measured = measure(inputs)
    write(context.folder, measured)
    context.facts |= {"status": measured.status, **measured.facts}


def open_inputs(context: Context[MeasureJob]) -> MeasureInputs:
    """Read what the measure's card asks for: the plan gave those folders and no others."""
    job, folders = context.job, context.job.inputs
    check_files(job.measure)
    network = drawn = None
    # by name: torch and all of training data belong to these measures' code alone
    if folders.classifier:
        drawn = importlib.import_module("reunlearn.stages.judged").open_samples(context)
    elif job.training is not None:
        network = importlib.import_module("reunlearn.stages.subject").open_network(context)
    weights = {"model": folders.model, "original": folders.original_model, "retrain": folders.reference_model}
    return MeasureInputs(
        settings=job.measure.settings,
        seed=job.seed,
        network=network,
        images=np.load(Path(folders.samples) / "images.npy", mmap_mode="r", allow_pickle=False)
        if folders.samples
        else None,
        drawn=drawn,
        outputs=read_outputs(Path(folders.outputs)) if folders.outputs else None,
        reference=read_outputs(Path(folders.reference)) if folders.reference else None,
        original=read_outputs(Path(folders.original)) if folders.original else None,
        pools={kind: read_pool(map(Path, blocks)) for kind, blocks in folders.pools.items()},
        weights={
            name: load_file(Path(folder) / "model.safetensors")
            for name, folder in weights.items()
            if folder and network is None
        },
    )


def check_files(measure: MeasureSpec) -> None:
    """Refuse a user's file that is another than the plan saw."""
    for setting, digest in measure.files.items():
        file = str(measure.settings[setting])
        if not (path := Path(file).expanduser()).is_file() or sha256(path) != digest:
            raise UserError(f"{file}: is gone or has changed since the plan was made; plan again")


def write(folder: Path, measured: Measured) -> None:
    """Write what was measured."""
    write_json(folder / NUMBERS, dict(measured.numbers))
    columns = {
        f"{TABLE}.{table}.{name}": column
        for table, content in measured.tables.items()
        for name, column in content.items()
    }
    write_arrays(folder / ARRAYS, {**measured.arrays, **columns})


def read_tables(folder: Path) -> dict[str, Table]:
    """Return the tables of a measurement; arrays of other measures' use are not read."""
    tables: dict[str, Table] = {}
    with np.load(folder / ARRAYS, allow_pickle=False) as content:
        for name in content.files:
            if name.startswith(f"{TABLE}."):
                _, table, column = name.split(".", 2)
                tables.setdefault(table, {})[column] = content[name]
    return tables
