"""A folder against its manifest: what is missing, changed or stale is named, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reunlearn.artifacts import code_parts
from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import problems, read_manifest, write_manifest
from reunlearn.base.files import write_json

SPECIFICATION = {"stage": "split", "modules": ["reunlearn.stages.split"], "seed": 0}
CODE = job_digest("split", ("reunlearn.stages.split",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A finished job's folder with two outputs."""
    (tmp_path / "a.bin").write_bytes(b"aa")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c.bin").write_bytes(b"cc")
    write_json(tmp_path / "record.json", {"inputs": {}, "seconds": {}, "versions": {}})
    write_manifest(tmp_path, SPECIFICATION, CODE, ["a.bin", "b/c.bin"])
    return tmp_path


def found(folder: Path, **changed: object) -> list[str]:
    specification = SPECIFICATION | {k: v for k, v in changed.items() if k in SPECIFICATION}
    code = str(changed.get("code", CODE))
    return [str(p) for p in problems(folder, specification, code, bool(changed.get("hashed", True)))]


def test_sound_folder_has_no_problems(folder: Path) -> None:
    assert found(folder) == []


def test_manifest_tells_nothing_of_time_and_host(folder: Path) -> None:
    before = (folder / "manifest.json").read_bytes()
    write_manifest(folder, SPECIFICATION, CODE, ["b/c.bin", "a.bin"])
    assert (folder / "manifest.json").read_bytes() == before


def test_changed_byte_is_found_by_hashing_only(folder: Path) -> None:
    (folder / "b" / "c.bin").write_bytes(b"cd")
    assert found(folder) == ["changed: b/c.bin"]
    assert found(folder, hashed=False) == []


def test_missing_output_manifest_and_record(folder: Path) -> None:
    (folder / "a.bin").unlink()
    assert found(folder) == ["missing: a.bin"]
    (folder / "record.json").unlink()
    assert found(folder) == ["missing: record.json", "missing: a.bin"]
    (folder / "manifest.json").unlink()
    assert found(folder) == ["missing: manifest.json"]


def test_other_specification_is_stale(folder: Path) -> None:
    assert found(folder, seed=1) == ["stale: made from another specification"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"outputs": {}}'])
def test_unreadable_manifest_is_changed(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert found(folder) == ["changed: manifest.json cannot be read"]


def test_manifest_that_points_outside_its_folder_is_refused(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in ("../x", "/etc/hosts"):
        (folder / "manifest.json").write_text(json.dumps(manifest | {"outputs": {name: "0"}}))
        assert read_manifest(folder) is None


def test_changed_code_names_the_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = code_parts.job_parts("split", ["reunlearn.stages.split"])
    edited = now | {"reunlearn.data.scenarios": "edited"}
    monkeypatch.setattr(code_parts, "job_parts", lambda stage, modules: edited)
    assert found(folder, code="other") == ["stale: code changed: reunlearn.data.scenarios"]


def test_code_of_another_machine_is_stale_without_a_name(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"code": "0123456789abcdef"}))
    assert found(folder) == ["stale: code changed: of the stage or of a plugin it names"]
