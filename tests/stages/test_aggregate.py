"""Gathering the results of a study: whatever its measures left, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from reunlearn.artifacts.gathered import Gathered
from reunlearn.artifacts.manifest import write_manifest
from reunlearn.artifacts.record import write_record
from reunlearn.base.arrays import write_arrays
from reunlearn.measures.registry import Measured
from reunlearn.metrics.series import MOST
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages import aggregate, measure
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.inputs import AggregateInputs, StateInputs, UnlearnInputs
from reunlearn.study.jobs import Job, StateJob, UnlearnJob
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.rows import Seeds
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import MethodSpec, RowSpec, RunSpec
from tests.stages.specifications import measure_job, training, written

RUN = "runs/digits/net/unlearned/random-0.5/split0/train0/finetune~0/seed0"
STATES = ("state/one", "state/two")
SCENARIO = read_scenario({"kind": "random", "fraction": 0.5})
KEY = {
    "study": "s",
    "experiment": "e",
    "dataset": "digits",
    "architecture": "small_cnn",
    "scenario": "random",
    "fraction": 0.5,
    "method": "finetune",
    "reading": "",
    "label": "quick",
    "train_seed": 0,
    "split_seed": 1,
    "method_seed": 2,
}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder."""
    monkeypatch.chdir(tmp_path)


def make(job: Job, facts: Mapping[str, Any] = {}, seconds: Mapping[str, float] = {}) -> str:
    """Write what a finished job leaves besides its outputs; return its folder."""
    written(job)
    folder = Path(job.folder)
    record = {"peak_memory_mib": 7.0, "device": "cpu", "threads": 1, "facts": dict(facts)}
    write_record(folder, seconds=dict(seconds), **record)
    write_manifest(folder, job, "c0de", {}, [])
    return job.folder


def make_model(**facts: Any) -> None:
    """Make the run's model, and two kinds of state that it read."""
    for folder, run_seconds in zip(STATES, (3.0, 4.0), strict=True):
        inputs = StateInputs(data="data", original="original")
        job = StateJob("state", folder, training(), "noted", 0, inputs=inputs)
        make(job, {}, {"run": run_seconds, "total": 100.0})
    inputs = UnlearnInputs(data="data", split="split", original="original")
    method = MethodSpec(name="finetune")
    job = UnlearnJob("unlearn", RUN, training(), SCENARIO, method, 2, inputs=inputs)
    facts = {"status": "finished", "drawn": {"retain": 30}} | facts
    make(job, facts, {"run": 1.5, "total": 2.0})


def make_measurement(name: str, measured: Measured) -> str:
    """Make one measurement of the run; return its folder."""
    folder = f"{RUN}/measured/{name}"
    Path(folder).mkdir(parents=True)
    measure.write(Path(folder), measured)
    return make(measure_job(folder, name), {"status": measured.status, **measured.facts})


def run_spec(*measures: str) -> RunSpec:
    """Return the run, with these measurements planned."""
    return RunSpec(
        experiment="e",
        row=RowSpec(method="finetune", label="quick"),
        seeds=Seeds(train=0, split=1, method=2),
        scenario=SCENARIO,
        training=training(),
        method=MethodSpec(name="finetune"),
        model=RUN,
        state=STATES,
        measured={name: f"{RUN}/measured/{name}" for name in measures},
    )


def gathered(*measures: str) -> pd.DataFrame:
    """Gather the run; return results.parquet with the metrics as its index."""
    planned = run_spec(*measures)
    measured = tuple(planned.measured.values())
    inputs = AggregateInputs(jobs=(RUN, *STATES, *measured), measured=measured)
    Path("results").mkdir(exist_ok=True)
    job = AggregateJob("aggregate", "results", "s", (planned,), inputs=inputs)
    aggregate.run(Context(job, Path("results")))
    return pd.read_parquet("results/results.parquet").set_index("metric")


def test_a_measure_that_nobody_knows_is_merged() -> None:
    make_model()
    make_measurement("evaluation", Measured({"accuracy_forget": 50.0}))
    table = {"bin": np.arange(3), "height": np.array([0.5, 1.5, 2.5]), "set": np.array(["a", "a", "b"])}
    make_measurement(
        "spectrum", Measured({"spectrum_peak": 2.5, "spectrum_none": None}, tables={"bins": table})
    )
    results = gathered("evaluation", "spectrum")
    assert results.loc["spectrum_peak", "value"] == 2.5
    assert np.isnan(results.loc["spectrum_none", "value"])
    assert results.loc["accuracy_forget", "value"] == 50
    assert set(results["status"]) == {"finished"}
    assert {name: results.loc["spectrum_peak", name] for name in KEY} == KEY
    bins = StudyTables(Path("results")).read("bins")
    assert {name: bins[name].tolist() for name in table} == {k: v.tolist() for k, v in table.items()}
    assert {name: bins[name].unique().tolist() for name in KEY} == {k: [v] for k, v in KEY.items()}
    for name in aggregate.TABLES:  # every study has these, if only without a line
        assert len(pd.read_parquet(f"results/{name}.parquet")) == 0
    assert len(StudyTables(Path("results")).read("scores", ["attack", "method"])) == 0


def test_what_a_run_logs_over_time_becomes_a_bounded_table() -> None:
    make_model()
    make_measurement("evaluation", Measured({}))
    steps = np.arange(1, 100_001, dtype=np.int32)
    logged = {"retain_loss.step": steps, "retain_loss.value": np.linspace(0, 1, len(steps), dtype=np.float32)}
    write_arrays(Path(RUN) / paths.SERIES, logged)
    gathered("evaluation")
    series = StudyTables(Path("results")).read("series", ["series", "step", "value"])
    assert set(series["series"]) == {"retain_loss"}
    assert len(series) == MOST and series["step"].iloc[-1] == 100_000
    assert series["value"].mean() == pytest.approx(0.5)
    assert Path("results/series.parquet").stat().st_size < 20_000


def test_a_missing_run_has_no_series() -> None:
    make_model()
    write_arrays(Path(RUN) / paths.SERIES, {"lambda.step": np.array([1]), "lambda.value": np.array([0.5])})
    gathered("evaluation")  # which was not made
    assert len(pd.read_parquet("results/series.parquet")) == 0


def test_the_tables_of_two_measures_are_put_together() -> None:
    make_model()
    for name, score in {"one": 1.0, "two": 2.0}.items():
        scores = {"attack": np.array([name]), "score": np.array([score])}
        make_measurement(name, Measured({}, tables={"scores": scores}))
    gathered("one", "two")
    scores = pd.read_parquet("results/scores.parquet")
    assert scores[["attack", "score"]].to_numpy().tolist() == [["one", 1.0], ["two", 2.0]]


def test_numbers_of_the_records_are_results_too() -> None:
    make_model()
    make_measurement("evaluation", Measured({}))
    results = gathered("evaluation")["value"]
    assert (
        results["seconds_state"] == 3 + 4
    )  # of both kinds: the time that computing took, not all of the jobs'
    assert (results["seconds_run"], results["seconds_total"]) == (1.5, 2)
    assert (results["drawn_retain"], results["peak_memory_mib"]) == (30, 7)


def test_an_attack_s_diverged_pool_does_not_make_the_run_diverged() -> None:
    make_model()
    make_measurement("evaluation", Measured({}))
    make_measurement("lira", Measured({"lira": None}, facts={"not_finite": "the pool halves"}))
    results = gathered("evaluation", "lira")
    assert set(results["status"]) == {"finished"}
    assert np.isnan(results.loc["lira", "value"])


@pytest.mark.parametrize("where", ["model", "measurement"])
def test_a_run_has_diverged_with_its_model_or_its_outputs(where: str) -> None:
    make_model(status="diverged" if where == "model" else "finished")
    make_measurement("evaluation", Measured({}, status="finished" if where == "model" else "diverged"))
    make_measurement("comparison", Measured({"one": 1}))
    assert set(gathered("evaluation", "comparison")["status"]) == {"diverged"}


def test_a_run_that_is_missing_has_one_line() -> None:
    results = gathered("evaluation")
    assert results.index.tolist() == ["missing"]
    assert results.loc["missing", "status"] == "missing"
    assert results["value"].isna().all()
    assert {name: results.loc["missing", name] for name in KEY} == KEY
    summary = Gathered.read(Path("results"))
    assert summary.missing == tuple(sorted((RUN, *STATES, f"{RUN}/measured/evaluation")))
    assert (summary.jobs, len(summary.runs)) == ({}, 1)


def test_a_model_that_nothing_was_measured_on_is_missing_too() -> None:
    make_model()
    assert gathered("evaluation").index.tolist() == ["missing"]


def test_a_measurement_that_is_missing_leaves_the_others() -> None:
    make_model()
    make_measurement("comparison", Measured({"d_kl": 0.5}))
    results = gathered("evaluation", "comparison")
    assert results.loc["d_kl", "value"] == 0.5
    assert set(results["status"]) == {"finished"}
    summary = Gathered.read(Path("results"))
    assert summary.missing == (f"{RUN}/measured/evaluation",)
    assert summary.jobs[RUN].stage == "unlearn"
    assert summary.jobs[f"{RUN}/measured/comparison"].code == "c0de"


def test_the_runs_have_a_table_of_their_own() -> None:
    make_model()
    make_measurement("evaluation", Measured({"one": 1.0}))
    gathered("evaluation")
    runs = pd.read_parquet("results/runs.parquet")
    assert runs.to_dict("records") == [{"run": 0, **KEY, "status": "finished"}]
    assert runs["run"].dtype == np.int32
    assert set(pd.read_parquet("results/results.parquet")["run"]) == {0}
