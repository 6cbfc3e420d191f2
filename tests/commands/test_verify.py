"""verify names each artifact that is missing, changed or stale, and no other."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import write_manifest
from reunlearn.artifacts.soundness import check_inputs
from reunlearn.commands import verify
from reunlearn.storage.dvc_files import write_outputs
from reunlearn.study.plan import Plan
from reunlearn.study.stages import read_planned
from tests.commands.made import SMALL, STUDY, measured, one, write_study


def wrong() -> set[tuple[str, str, str]]:
    return {(p.folder, p.kind, p.what) for p in verify.verify(STUDY).problems}


def test_finished_study_is_sound(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify.run(STUDY, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sound"] == found["jobs"] == len(plan.jobs)
    assert found["problems"] == []
    assert found["mixed_versions"] == {}


def test_each_kind_of_damage_is_named(plan: Plan) -> None:
    original, split = one(plan, "original"), one(plan, "split")
    attack = measured(plan, "entropy_logistic")
    Path(original, "model.safetensors").write_bytes(b"v" * 1000)
    Path(split, "indices.npz").unlink()
    Path(attack, "manifest.json").unlink()
    assert wrong() == {
        (original, "changed", "model.safetensors"),
        (split, "missing", "indices.npz"),
        (attack, "missing", "manifest.json"),
    }
    assert verify.run(STUDY) == 1


def test_other_bits_upstream_make_its_readers_stale(plan: Plan) -> None:
    original = one(plan, "original")
    rewrite(original, b"v" * 1000)
    readers = {job.folder for job in plan.jobs.values() if original in job.inputs.folders()}
    assert len(readers) > 2
    assert wrong() == {(folder, "stale", f"made from another {original}") for folder in readers}


def test_the_same_bits_made_by_other_code_make_nothing_stale(plan: Plan) -> None:
    original = one(plan, "original")
    rewrite(original, b"w" * 1000)
    assert wrong() == set()


def rewrite(original: str, weights: bytes) -> None:
    """Write other weights with their manifest, as if the job had run again."""
    job = read_planned(original)
    Path(original, "model.safetensors").write_bytes(weights)
    code = job_digest(job.stage, job.modules)
    write_manifest(Path(original), job, code, check_inputs(job), ["model.safetensors", "history.jsonl"])


def test_new_page_alone_does_not_make_the_tracking_stale(plan: Plan) -> None:
    report = one(plan, "report")
    job = read_planned(report)
    Path(report, "index.html").write_bytes(b"another page")
    code = job_digest(job.stage, job.modules)
    write_manifest(Path(report), job, code, check_inputs(job), ["index.html"])
    assert wrong() == set()


@pytest.mark.parametrize("name", ["specification.json", "manifest.json", "record.json"])
@pytest.mark.parametrize("text", ["", "{"])
def test_what_cannot_be_read_is_named(plan: Plan, name: str, text: str) -> None:
    original = one(plan, "original")
    Path(original, name).write_text(text)
    assert wrong() == {(original, "changed", f"{name} cannot be read")}


def test_changed_hyperparameter_leaves_new_runs_missing_and_the_tail_stale(plan: Plan) -> None:
    settings = {"name": "finetune", "settings": {"epochs": 2}}
    write_study({**SMALL, "methods": [settings, "gradient_ascent"]})
    kinds = {folder.split("/seed0")[0].rpartition("/")[2]: kind for folder, kind, _ in wrong()}
    assert {name.partition("~")[0]: kind for name, kind in kinds.items()} == {
        "finetune": "missing",
        "results": "stale",
        STUDY: "stale",  # the report's specification holds the study
    }


def test_changed_data_are_found_and_so_is_another_lock(plan: Plan) -> None:
    prepared, data = one(plan, "prepare"), Path("data/digits/x.npy")
    write_outputs(Path("data.dvc"), {"data/digits": {"md5": "0.dir", "path": "data/digits"}})
    assert wrong() == {(prepared, "changed", "data/digits is not what data.dvc says")}
    data.write_bytes(b"y" * 100)
    assert wrong() == {(prepared, "changed", "data/digits/x.npy")}
    data.unlink()
    assert wrong() == {(prepared, "missing", "data/digits/x.npy")}


def test_mixed_versions_are_pointed_out(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(one(plan, "original"), "record.json")
    record = json.loads(path.read_text())
    record["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(record))
    assert verify.run(STUDY) == 0
    assert "torch: " in capsys.readouterr().out
    assert verify.verify(STUDY).mixed_versions["torch"]["1.0"] == 1


def test_weights_left_out_by_a_snapshot_are_no_problem_but_others_are(plan: Plan) -> None:
    Path(".dvcignore").write_text("/runs/**/unlearned/**/model.safetensors\n")
    unlearned, original = one(plan, "unlearn", "/finetune~"), one(plan, "original")
    Path(unlearned, "model.safetensors").unlink()
    assert wrong() == {(unlearned, "missing", "model.safetensors")}  # no snapshot has this folder
    write_outputs(Path("runs.dvc"), {f: {"md5": "0.dir", "path": f} for f in (unlearned, original)})
    assert wrong() == set()
    assert verify.verify(STUDY).left_out == (f"{unlearned}/model.safetensors",)
    Path(original, "model.safetensors").unlink()
    assert wrong() == {(original, "missing", "model.safetensors")}
