"""The written form of jobs: what is written is read again as it was, and every part that decides a result counts."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.inputs import SplitInputs
from reunlearn.study.jobs import HINTS, Job, SplitJob, read_job
from reunlearn.study.plan import make_plan
from reunlearn.study.scenario import kinds, read_scenario
from reunlearn.study.specs import DatasetSpec
from reunlearn.study.stages import STAGES
from tests.study.plans import STUDIES, audit_of, one_per_stage, plan_of

SCENARIOS: dict[str, dict[str, Any]] = {
    "random": {"fraction": 0.123, "steps": 3, "step": 2},
    "class": {"classes": [1, 4]},
    "subclass": {"subclasses": [1]},
    "first": {"count": 77, "classes": [3]},
    "random_per_class": {"fraction": 0.2, "classes": [3]},
    "label_flip": {"count": 77, "pairs": [[1, 7], [3, 8]]},
    "identities": {"count": 77},
    "worst_case": {"fraction": 0.1, "iterations": 3, "gamma": 0.5, "models": "0123abcd"},
    "memorised": {"count": 77, "level": "medium", "score": "consistency", "models": "0123abcd"},
    "indices": {
        "file": "mine.txt",
        "retain": "rest.npy",
        "digest": "ab" * 32,
        "retain_digest": "cd" * 32,
        "audited": True,
    },
}


def read_again(job: Job, folder: Path) -> Job:
    """Return the job after writing it as JSON text and reading that."""
    path = folder / "specification.json"
    path.write_text(json.dumps(job.document()), encoding="utf-8")
    return read_job(path, type(job))


def split_of(content: dict[str, Any]) -> SplitJob:
    """Return a job that splits a dataset by a scenario."""
    dataset = DatasetSpec(name="digits", modality="images")
    inputs = SplitInputs(data="runs/digits/prepared")
    return SplitJob("split", "runs/digits/split", dataset, read_scenario(content), 0, inputs=inputs)


@pytest.mark.parametrize("study", STUDIES)
def test_every_job_of_every_study_is_read_as_it_was_written(
    study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = plan_of(study).jobs
    texts = {Path(folder): json.dumps(job.document()) for folder, job in jobs.items()}
    monkeypatch.setattr(Path, "read_text", lambda path, encoding: texts[path])  # thousands of files take long
    for folder, job in jobs.items():
        assert read_job(Path(folder), type(job)) == job


def test_every_job_of_an_audit_too(tmp_path: Path) -> None:
    for job in audit_of(tmp_path).jobs.values():
        assert read_again(job, tmp_path) == job


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_scenario(kind: str, tmp_path: Path) -> None:
    job = split_of({"kind": kind, **SCENARIOS[kind]})
    again = read_again(job, tmp_path)
    assert again == job
    assert isinstance(again, SplitJob) and type(again.scenario) is type(job.scenario)


def test_control_another_value_is_another_job(tmp_path: Path) -> None:
    job = split_of({"kind": "random", "fraction": 0.2})
    other = split_of({"kind": "random", "fraction": 0.3})
    assert read_again(job, tmp_path) != other
    assert job.digest != other.digest


def leaves(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of every value of a written form that is no container; of lists the first two parts only."""
    if not isinstance(content, dict | list):
        yield place
        return
    parts = list(content.items()) if isinstance(content, dict) else list(enumerate(content))[:2]
    for key, value in parts:
        yield from leaves(value, (*place, key))


def another(value: Any) -> Any:
    """Return another value of the same type; text for nothing."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else f"{value or ''}x"


def with_another(content: Any, place: tuple[Any, ...]) -> Any:
    """Return a written form with another value at one place."""
    changed = copy.deepcopy(content)
    part = changed
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = another(part[place[-1]])
    return changed


@pytest.mark.parametrize("stage", STAGES)
def test_the_digest_leaves_out_the_hints_and_nothing_else(stage: str, tmp_path: Path) -> None:
    narrow = make_plan("quickstart", ["pgu@paper"], [0])
    searched = one_per_stage(make_plan("quickstart-searched", ["ssd"], [100]))
    drawn = one_per_stage(make_plan("quickstart-generation", ["finetune"], [0]))
    concept = one_per_stage(make_plan("lur-concept", ["esd"], [0]))
    job = {**concept, **drawn, **searched, **one_per_stage(audit_of(tmp_path)), **one_per_stage(narrow)}[
        stage
    ]
    assert replace(job, modules=("other",), memory_mib=7).digest == job.digest
    document, path, compared = job.document(), tmp_path / "specification.json", 0
    for place in leaves(document):
        path.write_text(json.dumps(with_another(document, place)), encoding="utf-8")
        try:
            changed = read_job(path, type(job))
        except UserError:  # the other value is none that this key may have
            continue
        assert (changed.digest == job.digest) == (place[0] in HINTS), place
        compared += 1
    assert compared > 3


FOREIGN = {
    "empty": (b"", "make dry-run"),
    "cut off": (b'{"stage": "split", "fol', "make dry-run"),
    "no text": (b"\xff\xfe\x00", "make dry-run"),
    "a list": (b"[]", "make dry-run"),
    "a number": (b"3", "make dry-run"),
    "another file": (b'{"outputs": {}, "format": 1}', "make dry-run"),
}


@pytest.mark.parametrize(("content", "expected"), FOREIGN.values(), ids=FOREIGN)
def test_a_broken_specification_is_one_line(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "specification.json"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_job(path, SplitJob)
    assert str(caught.value).startswith(f"{path}: ")
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"split_seed": "three"}, "split_seed"),
        ({"dataset": {"name": "digits"}}, "dataset.modality"),
        ({"scenario": {"kind": "classes"}}, "no scenario 'classes'"),
        ({"sed": 0}, "sed"),
        ({"inputs": {"data": "runs/digits/prepared", "splits": []}}, "inputs.splits"),
        ({"dataset": {"name": "digits", "modality": "images", "size": 3}}, "dataset.size"),
    ],
)
def test_what_does_not_fit_the_type_is_one_line_that_names_the_place(
    change: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "specification.json"
    path.write_text(json.dumps(split_of({"kind": "random", "fraction": 0.2}).document() | change))
    with pytest.raises(UserError) as caught:
        read_job(path, SplitJob)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_specification_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such specification") as caught:
        read_job(tmp_path / "specification.json", SplitJob)
    assert "\n" not in str(caught.value)
