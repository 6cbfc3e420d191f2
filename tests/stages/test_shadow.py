"""Many models of one job: in groups where the network can, else one by one, with a reason in the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.stages import shadow, training
from reunlearn.stages.attack import not_finite, read_pool
from reunlearn.stages.execution import Job
from tests.attacks.synthetic import all_pools, noisy
from tests.stages.test_training import CLASSES, COUNT, Loader, make_job

TRAIN, VALIDATION = np.array([0, 2, 3, 5, 6, 8, 9, 11]), np.array([1, 4])


class Split(Loader):
    """A loader of eight training and two validation samples."""

    train_index, validation_index = TRAIN, VALIDATION


class Plain(Split):
    """The same with a network that can stand in a group."""

    def fresh_model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, CLASSES))


def trained(folder: Path, loader: Loader, alone: bool = False) -> tuple[list[nn.Module], dict[str, Any]]:
    job = make_job(folder)
    samples = [loader.training_samples(TRAIN)] * 3
    return training.train_many(job, loader, samples, [4, 5, 6], False, alone), job.facts  # type: ignore[arg-type]


def test_a_network_with_dropout_is_trained_one_by_one(tmp_path: Path) -> None:
    models, facts = trained(tmp_path, Split())
    assert "Dropout" in facts["one_by_one"]
    alone, _ = training.train_one(make_job(tmp_path), Split(), Split().training_samples(TRAIN), 5)  # type: ignore[arg-type]
    assert all(torch.equal(a, b) for a, b in zip(models[1].parameters(), alone.parameters(), strict=True))


def test_others_are_trained_in_groups_and_become_the_same(tmp_path: Path) -> None:
    grouped, facts = trained(tmp_path, Plain())
    assert facts["groups"] == [3]
    alone, reason = trained(tmp_path, Plain(), alone=True)
    assert reason["one_by_one"] == "asked for"
    for mine, theirs in zip(grouped, alone, strict=True):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def pool_job(folder: Path, kind: str, **more: Any) -> Job:
    about = {"kind": kind, "first": 0, "count": 4, "first_seed": 100, "inputs": {"split": str(folder)}}
    return make_job(folder, more={**about, **more})


@pytest.mark.parametrize("kind", ["with_forget", "without_forget", "halves"])
def test_a_block_tells_what_its_models_learned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    write_arrays(tmp_path / "indices.npz", {"retain": TRAIN[2:]})
    monkeypatch.setattr(shadow, "open_loader", lambda job: Plain())
    job = pool_job(tmp_path, kind)
    shadow.run(job)
    arrays = read_arrays(tmp_path / "outputs.npz")
    np.testing.assert_array_equal(arrays["index"], np.union1d(TRAIN, VALIDATION))
    np.testing.assert_array_equal(arrays["label"], arrays["index"] % CLASSES)
    assert arrays["logits"].shape == (4, 10, CLASSES)
    assert arrays["logits"].dtype == np.float16
    learned = {"with_forget": TRAIN, "without_forget": TRAIN[2:]}
    if kind == "halves":
        assert (arrays["member"].sum(axis=0) == 2).all()
    else:
        wanted = np.isin(arrays["index"], learned[kind])
        np.testing.assert_array_equal(arrays["member"], np.tile(wanted, (4, 1)))
    assert job.facts["status"] == "finished"
    assert len(arrays["index"]) < COUNT  # what the study does not use is not in a pool


def test_models_of_a_pool_differ_and_come_back_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pairs of the half pool learn 5 and 5 samples, of an odd set 4 and 5: two groups, one order."""
    monkeypatch.setattr(shadow, "open_loader", lambda job: Odd())
    shadow.run(job := pool_job(tmp_path, "halves"))
    assert job.facts["groups"] == [2, 2]
    found = read_pool([tmp_path])
    alone = make_job(tmp_path, more={"seed": 101})
    model, _ = training.train_one(alone, Odd(), Odd().training_samples(found.index[found.member[1]]), 101)  # type: ignore[arg-type]
    with torch.no_grad():
        said = model.eval()(Odd().training_samples(found.index).inputs(slice(None))).numpy()
    np.testing.assert_allclose(found.logits[1], said, atol=5e-3)
    assert not np.allclose(found.logits[0], said, atol=5e-2)


class Odd(Plain):
    """Nine samples: halves of four and five."""

    validation_index = VALIDATION[:1]


def test_what_is_not_finite_is_named() -> None:
    outputs = noisy(0)
    shadows = all_pools(outputs)
    assert not_finite(outputs, None) is not_finite(outputs, shadows) is None
    shadows.pools["halves"].logits[1, 2, 3] = np.nan
    assert not_finite(outputs, shadows) == "the pool halves"
    outputs.logits["test"][0, 0] = np.inf
    assert not_finite(outputs, shadows) == "the model"
