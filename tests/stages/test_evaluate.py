"""What an evaluation measures beyond accuracy: both transforms, ZRF, entropies; with outputs that are not finite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.base.files import read_json
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.metrics.classification import accuracy, entropy
from reunlearn.metrics.divergence import zrf, zrf_released
from reunlearn.objectives.classification import make
from reunlearn.stages import evaluate
from reunlearn.stages.execution import Job
from reunlearn.stages.logits import logits

CLASSES = 3


class Loader:
    """Stands for the loader: noise images and a linear network whose weights are the seed's."""

    device = "cpu"

    def __init__(self, names: tuple[str, ...], bad: bool) -> None:
        self.training: dict[str, Any] = {"recipe": {"augmentation": names}}
        self.bad = bad

    def samples(self, begin: int, end: int) -> ImageSamples:
        rows = np.arange(begin, end)
        x = np.random.default_rng(0).integers(0, 256, (60, 1, 4, 4)).astype(np.uint8)[rows]
        augmentation = Augmentation(self.training["recipe"]["augmentation"], crop_padding=2)
        return ImageSamples(x, rows % CLASSES, rows, (0.5,), (0.25,), augmentation)

    def sets(self, split: Path) -> dict[str, ImageSamples]:
        return {"forget": self.samples(0, 15), "retain": self.samples(15, 40)}

    def test_samples(self) -> ImageSamples:
        return self.samples(40, 60)

    def random_model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = nn.Linear(16, CLASSES)
            nn.init.normal_(network.weight)
        return nn.Sequential(nn.Flatten(), network)

    def model(self, folder: Path) -> nn.Module:
        network = self.random_model(1)
        if self.bad:
            nn.init.constant_(next(network.parameters()), float("nan"))
        return network

    def objective(self) -> Any:
        return make(CLASSES, 0.0)


def run(folder: Path, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...] = (), bad: bool = False):
    """Run the stage; return (metrics, outputs, status)."""
    monkeypatch.setattr(evaluate, "open_loader", lambda job: Loader(names, bad))
    empty = np.array([], dtype=np.int64)
    write_arrays(
        folder / "indices.npz", dict.fromkeys(("test_forgotten", "taught_index", "taught_label"), empty)
    )
    job = Job({"inputs": {"model": str(folder), "split": str(folder)}}, folder)
    evaluate.run(job)
    return read_json(folder / "metrics.json"), read_arrays(folder / "outputs.npz"), job.facts["status"]


def test_augmented_accuracies_only_where_the_recipe_augments(tmp_path, monkeypatch) -> None:
    plain, _, _ = run(tmp_path, monkeypatch)
    assert not [name for name in plain if name.endswith("_augmented")]
    found, outputs, _ = run(tmp_path, monkeypatch, ("crop",))
    assert {n for n in found if n.endswith("_augmented")} == {
        f"accuracy_{s}_augmented" for s in ("forget", "retain")
    }
    assert found["accuracy_retain"] == plain["accuracy_retain"]  # measured as before
    assert found["accuracy_retain_augmented"] != found["accuracy_retain"]
    samples, loader = Loader(("crop",), False).samples(15, 40), Loader(("crop",), False)
    generator = torch.Generator().manual_seed(evaluate.AUGMENTATION_SEED)
    x = torch.cat([batch.x for batch in samples.batches(250, generator, augmented=True)])
    with torch.inference_mode():
        expected = loader.model(tmp_path)(x).numpy()
    assert found["accuracy_retain_augmented"] == accuracy(expected, np.arange(15, 40) % CLASSES)
    assert (outputs["retain_augmented_predicted"] == expected.argmax(axis=1)).all()


def test_zrf_is_against_an_untrained_network_on_forget(tmp_path, monkeypatch) -> None:
    found, outputs, status = run(tmp_path, monkeypatch)
    loader = Loader((), False)
    untrained = logits(
        loader.random_model(evaluate.INCOMPETENT_SEED), loader.samples(0, 15), loader.objective()
    )
    assert found["zrf"] == zrf(outputs["forget_logits"], untrained)
    assert found["zrf_released"] == zrf_released(outputs["forget_logits"], untrained)
    assert found["zrf"] < 0.999
    assert found["entropy_test"] == pytest.approx(entropy(outputs["test_logits"]).mean())
    assert status == "finished"


def test_outputs_that_are_not_finite_are_a_result(tmp_path, monkeypatch) -> None:
    found, _, status = run(tmp_path, monkeypatch, ("crop",), bad=True)
    assert status == "diverged"
    assert found["zrf"] is None
    assert found["entropy_forget"] is None
