"""What a recipe says of one kind of job only, and that global draws in a job follow its seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import make
from reunlearn.stages import state, training, unlearn
from reunlearn.stages.execution import Job
from reunlearn.study.schema import Recipe
from reunlearn.training.state.registry import StateRequest

COUNT, CLASSES = 12, 3


class Loader:
    """Stands for the loader: noise images, a linear network, and a note of each objective that was asked for."""

    classes = CLASSES
    device = "cpu"
    training: ClassVar[dict[str, Any]] = {"recipe": {}}
    true_labels = np.arange(COUNT) % CLASSES

    def __init__(self) -> None:
        self.smoothing: list[float] = []

    def training_samples(self, index: np.ndarray | None = None) -> ImageSamples:
        rows = np.arange(COUNT) if index is None else index
        x = np.random.default_rng(0).integers(0, 256, (COUNT, 1, 4, 4)).astype(np.uint8)
        return ImageSamples(x[rows], rows % CLASSES, rows, (0.5,), (0.25,))

    def sets(self, split: Path) -> dict[str, ImageSamples]:
        return {
            "forget": self.training_samples(np.arange(4)),
            "retain": self.training_samples(np.arange(4, 12)),
        }

    def fresh_model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, CLASSES))

    random_model = result_model = fresh_model

    def model(self, folder: Path) -> nn.Module:
        return self.fresh_model(0)

    def objective(self, label_smoothing: float = 0.0) -> Any:
        self.smoothing.append(label_smoothing)
        return make(CLASSES, label_smoothing)


def make_job(folder: Path, seed: int = 0, more: dict[str, Any] | None = None, **recipe: Any) -> Job:
    settings = {"source": "tests", "epochs": 3, "batch_size": 4, "learning_rate": 0.1, **recipe}
    content = {
        "training": {"recipe": Recipe(**settings).model_dump(mode="json")},
        "seed": seed,
        "folder": "runs/none",
        "inputs": {"original": "original", "split": "split"},
        "kind": "noted",
        "scenario": {"kind": "random"},
        "method": {"name": "finetune", "reading": None, "settings": {"epochs": 1, "batch_size": 4}},
    }
    return Job(content | (more or {}), folder)


def epochs_of(folder: Path, index: np.ndarray | None, **recipe: Any) -> int:
    loader = Loader()
    samples = loader.training_samples(index)
    job = make_job(folder, **recipe)
    return len(training.train_one(job, loader, samples, seed=0, retrained=index is not None)[1])


def test_a_retrained_model_may_have_other_epochs(tmp_path: Path) -> None:
    retain = np.arange(4, 12)
    assert epochs_of(tmp_path, None, retrain_epochs=2) == 3
    assert epochs_of(tmp_path, retain, retrain_epochs=2) == 2
    assert epochs_of(tmp_path, retain) == 3


def test_a_retrained_models_schedule_has_the_length_of_its_training(tmp_path: Path) -> None:
    job = make_job(tmp_path, retrain_epochs=2, schedule="linear", schedule_end=0.5)
    rates = {}
    samples = Loader().training_samples()
    for name in ("original", "retrained"):
        history = training.train_one(job, Loader(), samples, seed=0, retrained=name == "retrained")[1]
        rates[name] = [entry["learning_rate"] for entry in history]
    assert rates["original"] == pytest.approx([0.1, 0.075, 0.05])
    assert rates["retrained"] == pytest.approx([0.1, 0.05])


def test_labels_are_smoothed_in_training(tmp_path: Path) -> None:
    losses = {}
    for smoothing in (0.0, 0.3):
        loader = Loader()
        job = make_job(tmp_path, label_smoothing=smoothing)
        losses[smoothing] = training.train_one(job, loader, loader.training_samples(), seed=0)[1][0]["loss"]
        assert loader.smoothing == [smoothing]
    assert losses[0.0] != losses[0.3]


def test_the_record_tells_the_precision_that_was_used(tmp_path: Path) -> None:
    job = make_job(tmp_path, precision="mixed")
    training.train_one(job, Loader(), Loader().training_samples(), seed=0)
    assert job.facts["precision"] == "full"  # the job is on a CPU


def weights_after_unlearning(
    monkeypatch: pytest.MonkeyPatch, folder: Path, seed: int
) -> dict[str, torch.Tensor]:
    """Fine-tune the network with dropout; labels stay sharp whatever the recipe says."""
    loader, kept = Loader(), {}
    monkeypatch.setattr(unlearn, "open_loader", lambda job: loader)
    monkeypatch.setattr(unlearn, "save_model", lambda model, path: kept.update(model.state_dict()))
    unlearn.run(make_job(folder, seed, label_smoothing=0.3))
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

    monkeypatch.setattr(state, "open_loader", lambda job: Loader())
    monkeypatch.setattr(state, "write", write)
    before = torch.get_rng_state()
    for seed, kind in ((1, "noted"), (1, "noted"), (2, "noted"), (1, "another")):
        job = make_job(tmp_path, seed, {"kind": kind, "inputs": {"original": "original"}})
        state.run(job)
        assert job.facts["noted"] == kind
    assert torch.equal(torch.get_rng_state(), before)
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) == 3
