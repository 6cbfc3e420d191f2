"""Many models of one job: in groups where the network can, else one by one, with a reason in the record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.arrays import write_arrays
from reunlearn.data.partition import Parts
from reunlearn.metrics.outputs import read_pool
from reunlearn.stages import shadow
from reunlearn.stages.execution import Context
from reunlearn.stages.pool_training import train_many
from reunlearn.stages.training import train_one
from reunlearn.study.inputs import ShadowInputs
from reunlearn.study.jobs import ShadowJob
from tests.stages.loaders import CLASSES, COUNT, Loader
from tests.stages.specifications import recipe, training

TRAIN, VALIDATION = np.array([0, 2, 3, 5, 6, 8, 9, 11]), np.array([1, 4])


class Split(Loader):
    """A loader of eight training and two validation samples."""

    parts = Parts(TRAIN, VALIDATION, np.arange(5))


class Plain(Split):
    """The same with a network that can stand in a group."""

    def fresh_model(self, seed: int) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, CLASSES))


class Odd(Plain):
    """Nine samples: halves of four and five."""

    parts = Parts(TRAIN, VALIDATION[:1], np.arange(5))


def context(folder: Path, kind: str = "halves") -> Context[ShadowJob]:
    """Return what the stage gets for the first four models of a pool; its split lies in the same folder."""
    inputs = ShadowInputs(data="data", split=str(folder))
    return Context(ShadowJob("shadow", "runs/none", training(), kind, 0, 4, 100, inputs=inputs), folder)


def trained(folder: Path, loader: Any, alone: bool = False) -> tuple[list[nn.Module], dict[str, Any]]:
    job = context(folder)
    samples = [loader.training_samples(TRAIN)] * 3
    return train_many(job, loader, samples, [4, 5, 6], retrained=False, alone=alone), job.facts


def trained_alone(folder: Path, loader: Any, index: np.ndarray, seed: int) -> nn.Module:
    samples = loader.training_samples(index)
    return train_one(context(folder), loader, samples, seed, recipe=loader.recipe)[0]


def test_a_network_with_dropout_is_trained_one_by_one(tmp_path: Path) -> None:
    models, facts = trained(tmp_path, Split())
    assert "Dropout" in facts["one_by_one"]
    alone = trained_alone(tmp_path, Split(), TRAIN, 5)
    assert all(torch.equal(a, b) for a, b in zip(models[1].parameters(), alone.parameters(), strict=True))


def test_others_are_trained_in_groups_and_become_the_same(tmp_path: Path) -> None:
    grouped, facts = trained(tmp_path, Plain())
    assert facts["groups"] == [3]
    alone, reason = trained(tmp_path, Plain(), alone=True)
    assert reason["one_by_one"] == "asked for"
    for mine, theirs in zip(grouped, alone, strict=True):
        for a, b in zip(mine.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize("engine", ["auto", "grouped", "eager", "graphed"])
def test_a_recipe_may_ask_for_an_engine(tmp_path: Path, engine: str) -> None:
    _, facts = trained(tmp_path, Plain(recipe(engine=engine)))
    grouped = engine in ("auto", "grouped")
    assert facts["engine"] == ("grouped" if grouped else "eager")
    assert facts.get("one_by_one") == (None if grouped else f"the recipe asks for the engine {engine}")
    assert facts.get("engine_reason") == ("a CUDA graph needs a GPU" if engine == "graphed" else None)


@pytest.mark.parametrize("kind", ["with_forget", "without_forget", "halves"])
def test_a_block_tells_what_its_models_learned(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str
) -> None:
    write_arrays(tmp_path / "indices.npz", {"retain": TRAIN[2:]})
    monkeypatch.setattr(shadow, "open_loader", lambda context: Plain())
    job = context(tmp_path, kind)
    shadow.run(job)
    pool = read_pool([tmp_path])
    np.testing.assert_array_equal(pool.index, np.union1d(TRAIN, VALIDATION))
    np.testing.assert_array_equal(pool.label, pool.index % CLASSES)
    assert pool.logits.shape == (4, 10, CLASSES)
    assert pool.logits.dtype == np.float16
    learned = {"with_forget": TRAIN, "without_forget": TRAIN[2:]}
    if kind == "halves":
        assert (pool.member.sum(axis=0) == 2).all()
    else:
        wanted = np.isin(pool.index, learned[kind])
        np.testing.assert_array_equal(pool.member, np.tile(wanted, (4, 1)))
    assert job.facts["status"] == "finished"
    assert len(pool.index) < COUNT  # what the study does not use is not in a pool


def test_models_of_a_pool_differ_and_come_back_in_their_order(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Pairs of the half pool learn 5 and 5 samples, of an odd set 4 and 5: two groups, one order."""
    monkeypatch.setattr(shadow, "open_loader", lambda context: Odd())
    shadow.run(job := context(tmp_path))
    assert job.facts["groups"] == [2, 2]
    pool = read_pool([tmp_path])
    model = trained_alone(tmp_path, Odd(), pool.index[pool.member[1]], 101)
    with torch.no_grad():
        expected_NK = model.eval()(Odd().training_samples(pool.index).inputs(slice(None))).numpy()
    np.testing.assert_allclose(pool.logits[1], expected_NK, atol=5e-3)
    assert not np.allclose(pool.logits[0], expected_NK, atol=5e-2)
