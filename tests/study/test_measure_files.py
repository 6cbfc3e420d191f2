"""Weights that a measure reads from the user's path: what the plan says where they are absent or others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.study.jobs import MeasureJob
from reunlearn.study.plan import Plan, make_plan
from tests.study.test_validation import config, plan_with

__all__ = ["config"]
GENERATOR = {
    "dataset": {"name": "digits"},
    "objective": {"name": "noise_prediction"},
    "architecture": {"name": "ddpm_unet", "settings": {"width": 16, "multipliers": "1-2", "blocks": 1}},
    "scenario": {"kind": "class", "classes": [3]},
    "methods": ["finetune"],
    "attacks": [],
    "sampling": {"images": 4, "steps": 2},
    "classifier": {"architecture": {"name": "small_cnn"}, "recipe": "tiny"},
}
FILE = "inception.safetensors"


def planned(config: Path, **settings: Any) -> Plan:
    plan_with(config, {**GENERATOR, "measures": [{"name": "fid", "settings": settings}]})
    return make_plan("s")


def write(of: dict[str, tuple[int, ...]]) -> None:
    save_file({name: np.zeros(shape, dtype=np.float16) for name, shape in of.items()}, FILE)


def jobs(plan: Plan) -> list[MeasureJob]:
    return [j for j in plan.jobs.values() if isinstance(j, MeasureJob) and j.measure.name == "fid"]


def test_a_missing_file_is_a_line_and_a_file_is_known_by_its_content(
    config: Path, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = planned(config, weights=FILE)
    ((line,),) = plan.missing.values()
    assert line.startswith(f"file '{FILE}' is not there; the measure 'fid' reads it: ") and "2015" in line
    assert {job.measure.files.get("weights") for job in jobs(plan)} == {None}
    write({"fc.weight": (1008, 2048)})
    there = planned(config, weights=FILE)
    assert not there.missing
    assert {job.measure.files.get("weights") for job in jobs(there)} == {sha256(Path(FILE))}
    assert {job.digest for job in jobs(there)}.isdisjoint(job.digest for job in jobs(plan))


@pytest.mark.parametrize(
    ("tensors", "found"), [({"fc.weight": (1000, 2048)}, "1000×2048"), ({"fc": (1008, 2048)}, "not there")]
)
def test_other_weights_are_refused(config: Path, tmp_path, monkeypatch, tensors, found) -> None:
    monkeypatch.chdir(tmp_path)
    write(tensors)
    with pytest.raises(UserError, match=f"'fc.weight' is {found} instead of 1008×2048; it is the Inception"):
        planned(config, weights=FILE)


def test_a_pickle_and_no_path_are_refused(config: Path, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(FILE).write_bytes(b"\x80\x04 a pickle")
    with pytest.raises(UserError, match="no safetensors file"):
        planned(config, weights=FILE)
    with pytest.raises(UserError, match="give it 'weights', the path of a file; it is the Inception"):
        planned(config)
