"""A folder against its manifest: what is missing, changed or stale is named, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reunlearn.artifacts import code_parts
from reunlearn.artifacts.digest import FORMAT, job_digest
from reunlearn.artifacts.manifest import read_manifest, write_manifest
from reunlearn.artifacts.soundness import problems
from reunlearn.base.files import write_json
from reunlearn.study.inputs import SplitInputs
from reunlearn.study.jobs import SplitJob
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import DatasetSpec

JOB = SplitJob(
    "split",
    "runs/digits/split~00000000/random-0.2/split0",
    DatasetSpec(name="digits", modality="images"),
    read_scenario({"kind": "random", "fraction": 0.2}),
    0,
    modules=("reunlearn.stages.split",),
    inputs=SplitInputs(data="runs/digits/prepared"),
)
RECORD = {
    "seconds": {},
    "peak_memory_mib": None,
    "device": "cpu",
    "processor": "",
    "threads": 1,
    "versions": {},
    "git": {"commit": None, "dirty": None},
    "host": "",
    "finished": "",
    "command": [],
}
CODE = job_digest("split", ("reunlearn.stages.split",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished job's folder with two outputs."""
    (tmp_path / "a.bin").write_bytes(b"aa")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.bin").write_bytes(b"cc")
    write_json(tmp_path / "record.json", RECORD)
    write_manifest(tmp_path, JOB, CODE, {}, ["a.bin", "b/c.bin"])
    return tmp_path


def problems_of(folder: Path, job: SplitJob = JOB, code: str = CODE, hashed: bool = True) -> list[str]:
    return [str(problem) for problem in problems(folder, read_manifest(folder), job, code, hashed)]


def test_sound_folder_has_no_problems(folder: Path) -> None:
    assert problems_of(folder) == []


def test_manifest_tells_nothing_of_time_and_host(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    write_manifest(folder, JOB, CODE, {}, ["b/c.bin", "a.bin"])
    assert (folder / "manifest.json").read_bytes() == before


def test_changed_byte_is_found_by_hashing_only(folder: Path) -> None:
    (folder / "b" / "c.bin").write_bytes(b"cd")
    assert problems_of(folder) == ["changed: b/c.bin"]
    assert problems_of(folder, hashed=False) == []


def test_missing_output_manifest_and_record(folder: Path) -> None:
    (folder / "a.bin").unlink()
    assert problems_of(folder) == ["missing: a.bin"]
    (folder / "record.json").unlink()
    assert problems_of(folder) == ["missing: record.json", "missing: a.bin"]
    (folder / "manifest.json").unlink()
    assert problems_of(folder) == ["missing: manifest.json"]


def test_a_record_without_what_every_record_has_is_changed(folder: Path) -> None:
    write_json(folder / "record.json", {"seconds": {}})
    assert problems_of(folder) == ["changed: record.json cannot be read"]


def test_what_changes_no_result_is_not_stale(folder: Path) -> None:
    assert problems_of(folder, replace(JOB, memory_mib=1, modules=("reunlearn.stages.split", "x"))) == []


def test_another_format_is_stale(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"format": FORMAT - 1}))
    assert problems_of(folder) == [f"stale: written in format {FORMAT - 1}, not {FORMAT}"]


def test_other_specification_is_stale(folder: Path) -> None:
    assert problems_of(folder, replace(JOB, split_seed=1)) == ["stale: made from another specification"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"outputs": {}}'])
def test_unreadable_manifest_is_changed(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert problems_of(folder) == ["changed: manifest.json cannot be read"]


def test_manifest_that_points_outside_its_folder_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("../x", "/etc/hosts"):
        (folder / "manifest.json").write_text(
            json.dumps(manifest | {"outputs": {name: {"size": 1, "sha256": "0"}}})
        )
        assert read_manifest(folder) is None


def test_changed_code_names_the_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = code_parts.job_parts("split", ["reunlearn.stages.split"])
    edited = now | {"reunlearn.data.scenarios.registry": "edited"}
    monkeypatch.setattr(code_parts, "job_parts", lambda stage, modules: edited)
    assert problems_of(folder, code="other") == ["stale: code changed: reunlearn.data.scenarios.registry"]


def test_code_of_another_machine_is_stale_without_a_name(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"code": "0123456789abcdef"}))
    assert problems_of(folder) == ["stale: code changed: of the stage or of a plugin it names"]
