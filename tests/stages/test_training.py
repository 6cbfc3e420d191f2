"""What a recipe says of one kind of job only, and that global draws in a job follow its seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reunlearn.stages import state, unlearn
from reunlearn.stages.execution import Context
from reunlearn.stages.model_files import History
from reunlearn.stages.training import recipe_of, train_one
from reunlearn.study.inputs import StateInputs, TrainInputs, UnlearnInputs
from reunlearn.study.jobs import StateJob, TrainJob, UnlearnJob
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import MethodSpec
from reunlearn.training import precision
from reunlearn.training.state.registry import StateRequest
from tests.stages.loaders import Loader
from tests.stages.specifications import recipe, training


def context(folder: Path) -> Context[TrainJob]:
    """Return what the stage original gets."""
    job = TrainJob("original", "runs/none", training(), 0, inputs=TrainInputs(data="data"))
    return Context(job, folder)


def history(folder: Path, index: np.ndarray | None = None, **changes: Any) -> History:
    """Train on the samples with these numbers, as the stages original (None) and retrained do."""
    loader = Loader(recipe(**changes))
    chosen = recipe_of(loader.recipe, index is not None)
    return train_one(context(folder), loader, loader.training_samples(index), 0, recipe=chosen)[1]  # type: ignore[arg-type]


def test_a_retrained_model_may_have_other_epochs(tmp_path: Path) -> None:
    retain = np.arange(4, 12)
    assert len(history(tmp_path, None, retrain_epochs=2)) == 3
    assert len(history(tmp_path, retain, retrain_epochs=2)) == 2
    assert len(history(tmp_path, retain)) == 3


def test_a_retrained_models_schedule_has_the_length_of_its_training(tmp_path: Path) -> None:
    rates = {}
    for name, index in {"original": None, "retrained": np.arange(12)}.items():
        entries = history(tmp_path, index, retrain_epochs=2, schedule="linear", schedule_end=0.5)
        rates[name] = [entry["learning_rate"] for entry in entries]
    assert rates["original"] == pytest.approx([0.1, 0.075, 0.05])
    assert rates["retrained"] == pytest.approx([0.1, 0.05])


def test_labels_are_smoothed_in_training(tmp_path: Path) -> None:
    losses = {}
    for smoothing in (0.0, 0.3):
        loader = Loader(recipe(label_smoothing=smoothing))
        samples = loader.training_samples()
        losses[smoothing] = train_one(context(tmp_path), loader, samples, 0, recipe=loader.recipe)[1][0][  # type: ignore[arg-type]
            "loss"
        ]
        assert loader.smoothing == [smoothing]
    assert losses[0.0] != losses[0.3]


@pytest.mark.parametrize("native", [False, True])
def test_the_record_tells_the_precision_that_was_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, native: bool
) -> None:
    monkeypatch.setattr(precision, "has_bfloat16", lambda device: native)
    job, loader = context(tmp_path), Loader(recipe(precision="mixed"))
    train_one(job, loader, loader.training_samples(), 0, recipe=loader.recipe)  # type: ignore[arg-type]
    assert job.facts["precision"] == ("mixed" if native else "full")


def weights_after_unlearning(
    monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int
) -> dict[str, torch.Tensor]:
    """Fine-tune the network with dropout; labels stay sharp whatever the recipe says."""
    loader, kept = Loader(recipe(label_smoothing=0.3)), {}
    monkeypatch.setattr(unlearn, "open_loader", lambda context: loader)
    monkeypatch.setattr(unlearn, "save_model", lambda model, path: kept.update(model.state_dict()))
    job = UnlearnJob(
        "unlearn",
        "runs/none",
        training(),
        read_scenario({"kind": "random", "fraction": 0.5}),
        MethodSpec(name="finetune", settings={"epochs": 1, "batch_size": 4}),
        seed,
        inputs=UnlearnInputs(data="data", split="split", original="original"),
    )
    unlearn.run(Context(job, folder))
    assert loader.smoothing == [0.0]
    return kept


def test_a_methods_dropout_follows_the_seed_and_leaves_the_global_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = torch.get_rng_state()
    first = weights_after_unlearning(monkeypatch, tmp_path, 1)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    again = weights_after_unlearning(monkeypatch, tmp_path, 1)
    other = weights_after_unlearning(monkeypatch, tmp_path, 2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_is_kept_of_training_follows_the_seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    drawn: list[float] = []

    def write(kind: str, request: StateRequest) -> dict[str, Any]:
        drawn.append(torch.rand(()).item())
        return {"noted": kind}

    monkeypatch.setattr(state, "open_loader", lambda context: Loader())
    monkeypatch.setattr(state, "write", write)
    before = torch.get_rng_state()
    for seed, kind in ((1, "noted"), (1, "noted"), (2, "noted"), (1, "another")):
        inputs = StateInputs(data="data", original="original")
        job = Context(StateJob("state", "runs/none", training(), kind, seed, inputs=inputs), tmp_path)
        state.run(job)
        assert job.facts["noted"] == kind
    assert torch.equal(torch.get_rng_state(), before)
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3


@pytest.mark.parametrize(
    ("engine", "reason"),
    [
        ("auto", None),
        ("eager", None),
        ("graphed", "a CUDA graph needs a GPU"),
        ("grouped", "there is only one model"),
    ],
)
def test_the_record_says_how_steps_were_computed(tmp_path: Path, engine: str, reason: str | None) -> None:
    made, loader = context(tmp_path), Loader(recipe(engine=engine))
    train_one(made, loader, loader.training_samples(), 0, recipe=loader.recipe)  # type: ignore[arg-type]
    assert made.facts["engine"] == "eager"
    assert made.facts.get("engine_reason") == reason
