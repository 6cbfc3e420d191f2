"""Which samples a run gets: validation out of the training set, or out of the test set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from reunlearn.data.batches import Samples
from reunlearn.data.prepared import write
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Source
from reunlearn.stages import split
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.stages.subject import open_network
from reunlearn.study.inputs import MeasureInputs, SplitInputs
from reunlearn.study.jobs import MeasureJob, SplitJob
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import DatasetSpec, MeasureSpec
from tests.stages.specifications import DIGITS, training


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with prepared digits."""
    folder = tmp_path_factory.mktemp("project")
    arrays = digits.load(Source(downloads=folder))
    (folder / "data/digits").mkdir(parents=True)
    write(folder / "data/digits", digits.CARD, arrays)
    return folder


@pytest.fixture(autouse=True)
def _inside(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)


def opened(dataset: DatasetSpec, folder: Path, **more: str) -> tuple[Loader, dict[str, np.ndarray]]:
    """Split the dataset so that class 3 is forgotten; return its loader and what the split says."""
    folder.mkdir(exist_ok=True)
    scenario = read_scenario({"kind": "class", "classes": [3], **more})
    job = SplitJob(
        "split", str(folder), dataset, scenario, 0, inputs=SplitInputs(data="runs/digits/prepared")
    )
    split.run(Context(job, folder))
    return Loader(training().changed(dataset=dataset), "cpu"), read_split(str(folder))


def pixels(samples: Samples) -> np.ndarray:
    """Return the images [N, C, H, W] of a set, 0 to 255, as the file holds them."""
    scaled = samples.inputs(slice(None)).numpy() * digits.CARD.std[0] + digits.CARD.mean[0]
    return np.round(255 * scaled).astype(np.uint8)


def test_validation_samples_out_of_the_test_set_leave_the_training_set_whole(tmp_path: Path) -> None:
    from_test = DIGITS.changed(validation=300, validation_from="test")
    loader, indices = opened(from_test, tmp_path / "test")
    test, validation = loader.test_samples(), loader.sets(str(tmp_path / "test"))["validation"]
    arrays = loader.prepared.arrays
    assert len(loader.training_samples()) == len(arrays.train_y)
    assert len(validation) == 300
    numbers = np.concatenate([test.index.numpy(), validation.index.numpy()])
    assert np.array_equal(np.sort(numbers), np.arange(len(arrays.test_y)))
    for samples in (test, validation):
        rows = samples.index.numpy()
        assert np.array_equal(samples.y.numpy(), arrays.test_y[rows])
        assert np.array_equal(pixels(samples), arrays.test_x[rows])
    gone = indices["test_forgotten"]
    assert set(gone) == set(test.index.numpy()[test.y.numpy() == 3])
    assert np.array_equal(indices["validation"], validation.index.numpy())


def test_validation_samples_out_of_the_training_set_leave_the_test_set_whole(tmp_path: Path) -> None:
    loader, indices = opened(DIGITS.changed(validation=300), tmp_path / "train")
    validation = loader.sets(str(tmp_path / "train"))["validation"]
    arrays = loader.prepared.arrays
    assert len(loader.training_samples()) == len(arrays.train_y) - 300
    assert len(loader.test_samples()) == len(arrays.test_y)
    assert np.array_equal(pixels(validation), arrays.train_x[indices["validation"]])
    assert not set(indices["validation"]) & set(loader.parts.train)


def measured_sets(dataset: DatasetSpec, folder: Path, monkeypatch: pytest.MonkeyPatch, **more: str) -> Any:
    """Return the sets of the network that is measured."""
    opened(dataset, folder, **more)
    monkeypatch.setattr(Loader, "model", lambda self, folder: self.random_model(0))
    inputs = MeasureInputs(data="data", split=str(folder), model="model")
    job = MeasureJob(
        "measure", "m", MeasureSpec(name="evaluation"), training().changed(dataset=dataset), inputs=inputs
    )
    return open_network(Context(job, folder)).sets


def test_a_test_set_limited_to_what_stays_keeps_the_others_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = DIGITS.changed(validation=300, validation_from="test")
    whole = measured_sets(dataset, tmp_path / "whole", monkeypatch)
    limited = measured_sets(dataset, tmp_path / "limited", monkeypatch, test="retained")
    assert "test_forgotten" not in whole
    assert (whole["test"].y == 3).any() and not (limited["test"].y == 3).any()
    assert (limited["test_forgotten"].y == 3).all()
    both = torch.cat([limited["test"].index, limited["test_forgotten"].index])
    assert torch.equal(both.sort().values, whole["test"].index)
    assert {n: len(limited[n]) for n in ("forget", "retain")} == {
        n: len(whole[n]) for n in ("forget", "retain")
    }
