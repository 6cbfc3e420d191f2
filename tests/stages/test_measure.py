"""The stage measure: what it reads, what it writes, and that a diverged model is a result."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from reunlearn.artifacts.record import read_record
from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.base.files import read_json
from reunlearn.data.sets import digits
from reunlearn.measures.registry import Measured, MeasureInputs
from reunlearn.metrics.outputs import Outputs, Pool, write_pool
from reunlearn.models.registry import build
from reunlearn.stages import measure, placing
from reunlearn.stages.execution import Context, execute
from reunlearn.study import jobs, paths
from reunlearn.study.specs import MeasureSpec
from reunlearn.training.tensor_files import save_model
from tests.stages.specifications import measure_job, training, written

FOLDER = "runs/none/measured/noted"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Callable[..., MeasureInputs]:
    """Return a function that runs the stage with a measure that notes what it is given, and returns that."""
    given: list[MeasureInputs] = []

    def note(inputs: MeasureInputs) -> Measured:
        given.append(inputs)
        return Measured({})

    def run(job: jobs.MeasureJob) -> MeasureInputs:
        measure.run(Context(job, Path()))
        return given[-1]

    monkeypatch.setattr(measure, "get", lambda name: note)
    return run


def answers(seed: int) -> Outputs:
    """Return outputs of a model on two sets."""
    draw = np.random.default_rng(seed)
    sizes = {"forget": 3, "test": 5}
    return Outputs(
        {name: draw.normal(size=(n, 2)).astype(np.float16) for name, n in sizes.items()},
        {name: np.arange(n) % 2 for name, n in sizes.items()},
        {name: np.arange(n) for name, n in sizes.items()},
    )


def evaluated(folder: str, seed: int) -> str:
    """Write an evaluation's arrays with an array that is not an output; return the folder."""
    outputs = answers(seed)
    arrays = {**outputs.arrays(), "forget_augmented_predicted": np.zeros(3, dtype=np.int16)}
    table = {"samples": {"loss": np.zeros(3, dtype=np.float32)}}
    Path(folder).mkdir()
    measure.write(Path(folder), Measured({}, arrays, table))
    return folder


def weights(folder: str, value: float) -> str:
    """Write a model of one weight; return the folder."""
    Path(folder).mkdir()
    save_file({"weight": np.array([value], dtype=np.float32)}, Path(folder) / "model.safetensors")
    return folder


def test_only_the_folders_of_the_job_are_read(noted: Callable[..., MeasureInputs]) -> None:
    inputs = noted(measure_job(FOLDER, outputs=evaluated("mine", 1)))
    assert np.array_equal(inputs.outputs.logits["test"], answers(1).logits["test"])
    assert set(inputs.outputs.logits) == {"forget", "test"}
    assert inputs.reference is inputs.original is inputs.network is None
    assert (dict(inputs.pools), dict(inputs.weights)) == ({}, {})


def test_every_role_reaches_the_measure(noted: Callable[..., MeasureInputs]) -> None:
    for first in (0, 1):
        Path(f"block{first}").mkdir()
        logits = np.full((2, 3, 2), first, dtype=np.float16)
        write_pool(Path(f"block{first}"), Pool(logits, np.ones((2, 3), bool), np.arange(3), np.zeros(3, int)))
    job = measure_job(
        FOLDER,
        outputs=evaluated("mine", 1),
        reference=evaluated("reference", 2),
        original=evaluated("original", 3),
        model=weights("model", 1.0),
        original_model=weights("original_model", 2.0),
        reference_model=weights("reference_model", 3.0),
        pools={"halves": ("block0", "block1")},
    )
    inputs = noted(job)
    for seed, outputs in enumerate((inputs.outputs, inputs.reference, inputs.original), 1):
        assert np.array_equal(outputs.logits["forget"], answers(seed).logits["forget"])
    assert {name: float(w["weight"][0]) for name, w in inputs.weights.items()} == {
        "model": 1,
        "original": 2,
        "retrain": 3,
    }
    assert inputs.pools["halves"].logits[:, 0, 0].tolist() == [0, 0, 1, 1]


def test_a_measure_of_the_network_gets_the_model_with_its_sets(
    noted: Callable[..., MeasureInputs], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = training()
    placing.make(digits.CARD, Path(paths.data(spec.dataset)))
    model = build(spec.architecture, (1, 8, 8), 10, seed=7)
    for folder in ("model", "split"):
        Path(folder).mkdir()
    save_model(model, Path("model/model.safetensors"))
    split = {
        "forget": np.arange(5),
        "retain": np.arange(5, 40),
        "validation": np.arange(0),
        "earlier": [],
        "test": np.arange(599),
        "test_forgotten": np.arange(0),
    }
    write_arrays(Path("split/indices.npz"), {k: np.array(v, dtype=np.int64) for k, v in split.items()})
    job = jobs.MeasureJob(
        "measure",
        FOLDER,
        MeasureSpec(name="noted", settings={"cap": 3}),
        spec,
        5,
        inputs=jobs.MeasureInputs(data="data", split="split", model="model"),
    )
    inputs = noted(job)
    assert (inputs.settings, inputs.seed) == ({"cap": 3}, 5)
    assert {name: len(samples) for name, samples in inputs.network.sets.items()} == {
        "forget": 5,
        "retain": 35,
        "test": 599,
    }
    for mine, theirs in zip(inputs.network.model.parameters(), model.parameters(), strict=True):
        assert (mine == theirs).all()
    assert dict(inputs.weights) == {}  # the network holds them


MEASURED = Measured(
    {"one": 1, "half": 0.5, "none": None, "nan": float("nan")},
    arrays={"test_logits": np.ones((2, 3), dtype=np.float16)},
    tables={
        "samples": {"loss": np.array([0.5, 1.5], dtype=np.float32), "set": np.array(["forget", "test"])},
        "curve": {"at.epoch": np.arange(3), "value": np.array([True, False, True])},
    },
)


def test_numbers_arrays_and_tables_come_back() -> None:
    measure.write(Path(), MEASURED)
    assert read_json("numbers.json") == {"one": 1, "half": 0.5, "none": None, "nan": None}
    assert np.array_equal(read_arrays("arrays.npz")["test_logits"], MEASURED.arrays["test_logits"])
    tables = measure.read_tables(Path())
    assert tables.keys() == MEASURED.tables.keys()
    for name, table in MEASURED.tables.items():
        assert tables[name].keys() == table.keys()
        for column, values in table.items():
            assert tables[name][column].dtype == values.dtype
            np.testing.assert_array_equal(tables[name][column], values)


def test_without_tables_there_are_none() -> None:
    measure.write(Path(), Measured({}, arrays={"table_of_nothing": np.zeros(2)}))
    assert measure.read_tables(Path()) == {}


@pytest.mark.parametrize("status", ["finished", "diverged"])
def test_the_record_says_how_the_measured_model_is(monkeypatch: pytest.MonkeyPatch, status: Any) -> None:
    measured = Measured({}, status=status, facts={"not_finite": "the model"})
    monkeypatch.setattr(measure, "get", lambda name: lambda inputs: measured)
    execute("measure", written(measure_job(FOLDER)))
    record = read_record(Path(FOLDER))
    assert record is not None and record.status == status
    assert record.model_extra == {"not_finite": "the model"}
    assert {"run", "total"} <= record.seconds.keys()
