"""The library and the pipeline are one: a study's original, sets, settings and seed give the bits of its run folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn

import reunlearn
from reunlearn.base.files import read_json
from reunlearn.commands.execute_plan import execute_plan
from reunlearn.metrics.outputs import read_pool
from reunlearn.stages.loading import Loader
from reunlearn.stages.measure import NUMBERS
from reunlearn.study.jobs import Job, MeasureJob, UnlearnJob
from reunlearn.study.plan import make_plan
from reunlearn.training.tensor_files import read_tensors
from tests.once import made_once
from tests.workflow.project import DATASET, EXPERIMENT, RECIPE, ROOT

# shuffled batches; a mask; formulas; state of the training; an untrained network; a preset of this data set
METHODS: dict[str, dict[str, Any]] = {
    "finetune": {"epochs": 2, "batch_size": 8},
    "salun@code": {"epochs": 2, "batch_size": 8},
    "fisher": {},
    "ssd": {"selection": 1.0},
    "gdr_gma@paper": {},
    "eu_k@code": {"epochs": 1},
    "bad_teacher@paper": {"epochs": 1},
    "pgu@paper": {"epochs": 3},
}
ATTACKED, ATTACKS = ("finetune", "salun@code"), ("entropy_logistic", "lira")
STUDY = {
    **EXPERIMENT,
    "recipe": "digits-small",
    "methods": [
        {"name": name, "reading": reading or None, "settings": settings}
        for (name, _, reading), settings in ((key.partition("@"), value) for key, value in METHODS.items())
    ],
    "attacks": list(ATTACKS),
    "dataset": {**DATASET, "train": 60},
    "shadows": {"halves": 4},
    "retrain": True,
}


def closure(jobs: dict[str, Job], wanted: list[str]) -> dict[str, Job]:
    """Return jobs with all that they read."""
    found: dict[str, Job] = {}
    while wanted:
        folder = wanted.pop()
        found[folder] = jobs[folder]
        wanted += [other for other in jobs[folder].inputs.folders() if other not in found]
    return found


def run_of(jobs: dict[str, Job], method: str) -> UnlearnJob:
    """Return the job of a row."""
    name, _, reading = method.partition("@")
    runs = [job for job in jobs.values() if isinstance(job, UnlearnJob) and job.method.name == name]
    (run,) = [job for job in runs if job.method.reading == (reading or None)]
    return run


def attack_of(jobs: dict[str, Job], attack: str, method: str) -> MeasureJob:
    """Return the job of an attack on a row's model."""
    measured = [job for job in jobs.values() if isinstance(job, MeasureJob) and job.measure.name == attack]
    (job,) = [job for job in measured if job.folder.startswith(run_of(jobs, method).folder + "/")]
    return job


def make(folder: Path) -> None:
    """Run the jobs of the study in this process, short of its tables and its page."""
    shutil.copytree(ROOT / "config", folder / "config")
    shutil.copy2(ROOT / "data.dvc", folder)
    (folder / ".reunlearn").mkdir()
    for file in Path(os.environ["REUNLEARN_KNOWN_PLUGINS"]).glob("*.json"):
        shutil.copy2(file, folder / ".reunlearn")
    (folder / "config/recipes/digits-small.yaml").write_text(yaml.safe_dump({**RECIPE, "epochs": 6}))
    content = {"name": "tiny", "title": "A test", "experiments": [STUDY]}
    (folder / "config/studies/tiny.yaml").write_text(yaml.safe_dump(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("REUNLEARN_STATE", str(folder / ".reunlearn"))
        patch.setenv("REUNLEARN_DEVICE", "cpu")
        jobs = make_plan("tiny").jobs
        methods = [name for name, job in jobs.items() if isinstance(job, UnlearnJob)]
        attacks = [attack_of(jobs, name, method).folder for method in ATTACKED for name in ATTACKS]
        execute_plan(closure(jobs, [*methods, *attacks]))


@pytest.fixture
def jobs(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> dict[str, Job]:
    """The jobs of the study; the working directory is the project in which they ran."""
    folder = made_once(tmp_path_factory, "library-same-bits", make)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("REUNLEARN_STATE", str(folder / ".reunlearn"))
    torch.set_num_threads(1)
    return make_plan("tiny").jobs


def own(job: UnlearnJob) -> tuple[nn.Module, Loader, dict[str, tuple[Tensor, Tensor]]]:
    """Return the original of a run, its loader, and its sets as tensors: what a user would have."""
    loader = Loader(job.training, "cpu")
    sets = {**loader.sets(job.inputs.split), "test": loader.test_samples()}
    pairs = {name: (samples.inputs(slice(None)).contiguous(), samples.y) for name, samples in sets.items()}
    model = loader.model(job.inputs.original)
    return model.to(memory_format=torch.contiguous_format).eval(), loader, pairs  # type: ignore[call-overload]


@pytest.mark.parametrize("method", METHODS)
def test_a_method_gives_the_weights_of_the_run(jobs: dict[str, Job], method: str) -> None:
    job = run_of(jobs, method)
    model, loader, sets = own(job)
    made = reunlearn.unlearn(
        model,
        method,
        **{name: sets[name] for name in ("forget", "retain", "validation")},
        settings=METHODS[method],
        like={"dataset": "digits", "architecture": "small_cnn", "recipe": "digits-small"},
        scenario=job.scenario.model_dump(exclude={"step"}),
        recipe=loader.recipe.model_dump(exclude={"name"}),
        fresh=loader.random_model,
        state=job.inputs.state,
        seed=job.seed,
    )
    weights, mine = read_tensors(Path(job.folder) / "model.safetensors"), made.model.state_dict()
    assert weights.keys() == mine.keys()
    assert all(torch.equal(weights[name], mine[name]) for name in weights)
    assert not all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert made.record.settings == job.method.settings
    record = read_json(Path(job.folder) / "record.json")
    assert made.record.drawn == record["drawn"] and made.record.status == record["status"]
    history = [json.loads(line) for line in (Path(job.folder) / "history.jsonl").read_text().splitlines()]
    assert [dict(entry) for entry in made.record.history] == history


def test_control_another_seed_gives_other_weights(jobs: dict[str, Job]) -> None:
    job = run_of(jobs, "finetune")
    model, _, sets = own(job)
    made = reunlearn.unlearn(
        model, "finetune", forget=sets["forget"], retain=sets["retain"], settings=METHODS["finetune"], seed=1
    )
    weights = read_tensors(Path(job.folder) / "model.safetensors")
    assert not all(torch.equal(weights[name], tensor) for name, tensor in made.model.state_dict().items())


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("method", ATTACKED)
def test_an_attack_gives_the_numbers_of_the_run(jobs: dict[str, Job], attack: str, method: str) -> None:
    run = run_of(jobs, method)
    job = attack_of(jobs, attack, method)
    _, loader, sets = own(run)
    shadows = {}
    for kind, blocks in job.inputs.pools.items():
        pool, split = read_pool(map(Path, blocks)), loader.sets(run.inputs.split)
        rows = {name: pool.of(split[name].index.numpy()) for name in ("forget", "validation")}
        logits, member = ({name: parts[place] for name, parts in rows.items()} for place in range(2))
        shadows[kind] = reunlearn.Shadows(logits=logits, member=member)
    found = reunlearn.attack(loader.model(run.folder), attack, **sets, shadows=shadows)
    numbers = read_json(Path(job.folder) / NUMBERS)
    assert dict(found.numbers) == {name: number for name, number in numbers.items() if number is not None}
    assert np.isfinite(found.value)
