"""Relearn time: counted by hand with a network of one weight that grows by a known step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import nn

from reunlearn.base.arrays import write_arrays
from reunlearn.base.files import read_json, write_json
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import make
from reunlearn.stages import relearn
from reunlearn.stages.execution import Job
from reunlearn.study.schema import Recipe

COUNT = 24


class Loader:
    """Stands for the loader: two classes told by brightness, and a network that calls everything class 0 at first."""

    def training_samples(self, index: np.ndarray) -> ImageSamples:
        x = np.zeros((COUNT, 1, 2, 2), dtype=np.uint8)
        x[1::2] = 255
        return ImageSamples(x[index], index % 2, index, (0.5,), (0.5,))

    def model(self, folder: Path) -> nn.Module:
        network = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 2))
        nn.init.zeros_(network[2].weight)
        network[2].bias.data[:] = network[2].bias.data.new_tensor([1.0, -1.0])
        return network

    def objective(self, label_smoothing: float = 0.0) -> Any:
        return make(2, label_smoothing)


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, target: float, cap: int = 8, rate: float = 0.05):
    """Run the stage; return (relearning, accuracies after each epoch)."""
    monkeypatch.setattr(relearn, "open_loader", lambda job: Loader())
    forget = np.arange(1, COUNT, 4)  # all of class 1
    write_arrays(folder / "indices.npz", {"forget": forget, "retain": np.setdiff1d(np.arange(COUNT), forget)})
    write_json(folder / "metrics.json", {"accuracy_forget": target})
    recipe = Recipe(source="ours", epochs=2, batch_size=6, learning_rate=rate, schedule="cosine").model_dump(
        mode="json"
    )
    spec = {"training": {"recipe": recipe}, "cap": cap, "seed": 0}
    work = folder / "work"
    work.mkdir(exist_ok=True)
    relearn.run(Job({**spec, "inputs": dict.fromkeys(("model", "split", "target"), str(folder))}, work))
    lines = [line for line in (work / "history.jsonl").read_text().splitlines() if line]
    return read_json(work / "relearning.json"), [json.loads(x)["accuracy_forget"] for x in lines]


def test_what_is_still_known_takes_no_epoch(tmp_path, monkeypatch) -> None:
    found, history = run(tmp_path, monkeypatch, target=0.0)
    assert found == {"relearn_epochs": 0, "relearn_reached": 1}
    assert history == [0]


def test_epochs_are_counted_until_the_accuracy_is_back(tmp_path, monkeypatch) -> None:
    found, history = run(tmp_path, monkeypatch, target=100.0)
    assert history[-1] == 100
    assert all(accuracy < 100 for accuracy in history[:-1])
    assert found == {"relearn_epochs": len(history) - 1, "relearn_reached": 1}
    assert found["relearn_epochs"] > 0
    slower, _ = run(tmp_path, monkeypatch, target=100.0, cap=200, rate=0.005)
    assert slower["relearn_epochs"] > found["relearn_epochs"]


def test_an_accuracy_that_never_comes_back_is_capped(tmp_path, monkeypatch) -> None:
    found, history = run(tmp_path, monkeypatch, target=100.5, cap=3)
    assert found == {"relearn_epochs": 3, "relearn_reached": 0}
    assert len(history) == 4
    diverged, _ = run(tmp_path, monkeypatch, target=100.0, cap=3, rate=1e38)
    assert diverged == {"relearn_epochs": 3, "relearn_reached": 0}
