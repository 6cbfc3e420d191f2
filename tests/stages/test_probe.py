"""The probe of a search: accuracies and memberships against slow counting, which do not depend on test data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.artifacts.choice import PROBED
from reunlearn.base.arrays import write_arrays
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.data.prepared import read
from reunlearn.models.registry import build
from reunlearn.stages import prepare
from reunlearn.stages.execution import Context
from reunlearn.stages.probe import alike, probe, run
from reunlearn.study import paths
from reunlearn.study.inputs import DataInputs, ProbeInputs
from reunlearn.study.jobs import PrepareJob, ProbeJob
from reunlearn.study.scenario import read_scenario
from reunlearn.training.tensor_files import save_model
from tests.stages.specifications import DIGITS, training

SPLIT = "split"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project with the prepared digits."""
    monkeypatch.chdir(tmp_path)
    job = PrepareJob("prepare", paths.prepared(DIGITS), DIGITS, inputs=DataInputs(data=""))
    Path(job.folder).mkdir(parents=True)
    prepare.run(Context(job, Path(job.folder)))


def job_of(
    scenario: dict[str, Any], choose: Callable[[np.ndarray], np.ndarray], taught: bool = False
) -> ProbeJob:
    """Return a probe of a fresh network; `choose`: forgotten of the first 200 samples; 100 more are held out."""
    labels_N = np.asarray(read(Path(paths.data(DIGITS))).arrays.train_y)
    train, gone_N = np.arange(200), choose(labels_N[:200])
    Path(SPLIT).mkdir()
    content = {
        "forget": train[gone_N],
        "retain": train[~gone_N],
        "earlier": train[:0],
        "validation": np.arange(200, 300),
        "test_forgotten": train[:0],
        "taught_index": train[gone_N] if taught else train[:0],
        "taught_label": (labels_N[:200][gone_N] + 1) % 10 if taught else train[:0],
    }
    write_arrays(Path(SPLIT) / "indices.npz", content)
    Path("model").mkdir()
    network = training().architecture
    save_model(build(network, (1, 8, 8), 10, seed=0), Path("model/model.safetensors"))
    inputs = ProbeInputs(data="", split=SPLIT, model="model", taught=SPLIT if taught else None)
    return ProbeJob("probe", "probe", training(), read_scenario(scenario), inputs=inputs)


def masks_of(job: ProbeJob) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the masks of validation, and its labels."""
    from reunlearn.stages.loading import Loader

    loader = Loader(job.training, "cpu")
    return (*alike(loader, job), loader.true_labels[200:300])


def test_like_a_random_fifth_are_all_unseen_samples() -> None:
    job = job_of({"kind": "random", "fraction": 0.2}, lambda y: np.arange(len(y)) % 5 == 0)
    gone_N, like_N, _ = masks_of(job)
    assert not gone_N.any() and like_N.all()


def test_like_half_of_a_class_are_unseen_samples_of_that_class() -> None:
    job = job_of(
        {"kind": "first", "classes": [3], "count": 5}, lambda y: np.cumsum(y == 3) * (y == 3) % 2 == 1
    )
    gone_N, like_N, labels_N = masks_of(job)
    assert not gone_N.any()
    assert np.array_equal(like_N, labels_N == 3) and like_N.any()


def test_like_a_whole_class_are_unseen_samples_of_that_class_which_goes() -> None:
    job = job_of({"kind": "class", "classes": [3]}, lambda y: y == 3)
    gone_N, like_N, labels_N = masks_of(job)
    assert np.array_equal(gone_N, labels_N == 3) and np.array_equal(like_N, gone_N) and gone_N.any()


def test_like_samples_with_wrong_labels_are_all_and_nothing_goes() -> None:
    job = job_of({"kind": "label_flip", "count": 5}, lambda y: y == 3, taught=True)
    gone_N, like_N, _ = masks_of(job)
    assert not gone_N.any() and like_N.all()


def test_too_few_unseen_samples_are_one_line() -> None:
    job = job_of({"kind": "class", "classes": [3]}, lambda y: y == 3)
    labels_N = np.asarray(read(Path(paths.data(DIGITS))).arrays.train_y)
    split = dict(np.load(Path(SPLIT) / "indices.npz"))
    split["validation"] = split["validation"][labels_N[split["validation"]] != 3]
    write_arrays(Path(SPLIT) / "indices.npz", split)
    with pytest.raises(UserError, match="validation has 0 samples like those to forget"):
        masks_of(job)


def test_the_stage_writes_finite_numbers_that_do_not_depend_on_test_data() -> None:
    job = job_of({"kind": "random", "fraction": 0.2}, lambda y: np.arange(len(y)) % 5 == 0)
    run(Context(job, Path()))
    before = read_json(Path(PROBED))
    assert set(before) == {"forget", "goal", "retain", "validation", "called_forget", "called_unseen"}
    assert all(0 <= value <= 100 for value in before.values())
    for name in ("test_x", "test_y"):
        spoil(name)
    run(Context(job, Path()))
    assert read_json(Path(PROBED)) == before
    spoil("train_y")  # the control
    run(Context(job, Path()))
    assert read_json(Path(PROBED)) != before


def spoil(name: str) -> None:
    """Reverse the order of a prepared array's samples."""
    file = Path(paths.data(DIGITS)) / f"{name}.npy"
    np.save(file, np.load(file)[::-1].copy())


def test_a_model_that_is_not_finite_has_no_numbers() -> None:
    job = job_of({"kind": "random", "fraction": 0.2}, lambda y: np.arange(len(y)) % 5 == 0)
    broken = build(training().architecture, (1, 8, 8), 10, seed=0)
    next(broken.parameters()).data.fill_(float("nan"))
    save_model(broken, Path("model/model.safetensors"))
    context = Context(job, Path())
    run(context)
    assert read_json(Path(PROBED)) == {}
    assert context.facts["status"] == "diverged"


def answers() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return logits and labels of three sets: sure and right on retain, unsure elsewhere."""
    draw = np.random.default_rng(0)
    logits, labels = {}, {}
    for name, count, sure in (("retain", 40, 9.0), ("forget", 12, 9.0), ("validation", 30, 1.0)):
        labels[name] = draw.integers(0, 4, count)
        logits[name] = draw.normal(size=(count, 4)) + sure * np.eye(4)[labels[name]]
    return logits, labels


def right(logits_NK: np.ndarray, labels_N: np.ndarray) -> float:
    return 100 * float((logits_NK.argmax(1) == labels_N).mean())


def test_the_numbers_of_a_class_that_goes() -> None:
    logits, labels = answers()
    gone_N = labels["validation"] == 2
    found = probe(logits, labels, (gone_N, gone_N), never=True, wrong=False)
    assert found["goal"] == 0.0
    part = probe(logits, labels, (gone_N, gone_N), never=False, wrong=False)  # a sub-class: the rest stays
    assert part["goal"] == right(logits["validation"][gone_N], labels["validation"][gone_N]) > 0
    assert found["validation"] == right(logits["validation"][~gone_N], labels["validation"][~gone_N])
    assert found["retain"] == right(logits["retain"], labels["retain"])
    assert (
        found["called_forget"] > 50 > found["called_unseen"]
    )  # forget answers as retain does, so it is known


def test_the_goal_of_samples_is_what_unseen_ones_have_and_of_wrong_labels_none() -> None:
    logits, labels = answers()
    nothing, everything = np.zeros(30, dtype=bool), np.ones(30, dtype=bool)
    found = probe(logits, labels, (nothing, everything), never=False, wrong=False)
    assert found["goal"] == right(logits["validation"], labels["validation"])
    assert "wanted" not in found
    poisoned = probe(logits, labels, (nothing, everything), never=False, wrong=True)
    assert (poisoned["goal"], poisoned["wanted"]) == (0.0, 100.0)
