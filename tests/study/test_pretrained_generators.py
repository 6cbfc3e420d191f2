"""Generators that come trained: no Retrain, no epoch, folders in diffusers' layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.plan import Plan, make_plan
from tests.study.test_validation import RECIPE, config, plan_with

__all__ = ["config"]
PARTS = ("unet", "vae", "text_encoder", "tokenizer")
GENERATOR: dict[str, Any] = {
    "scenario": {"kind": "class", "classes": [3]},
    "objective": {"name": "noise_prediction"},
    "recipe": "given",
    "retrain": False,
    "attacks": [],
    "methods": ["esd", "salun@code"],
    "sampling": {"images": 4, "steps": 10},
    "classifier": {"architecture": {"name": "small_cnn"}, "recipe": "tiny"},
}


@pytest.fixture(autouse=True)
def _project(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder and a recipe that trains nothing."""
    monkeypatch.chdir(tmp_path)
    (config / "recipes/given.yaml").write_text(yaml.safe_dump({**RECIPE, "epochs": 0}))


def pipeline(folder: Path, unet: str = "diffusion_pytorch_model.safetensors") -> Path:
    """Return a folder that looks like a pipeline."""
    for part in PARTS:
        (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / part / "config.json").write_text("{}")
        if part != "tokenizer":
            (folder / part / (unet if part == "unet" else "model.safetensors")).write_bytes(part.encode())
    return folder


def planned(config: Path, **settings: Any) -> Plan:
    architecture = {"name": "stable_diffusion", "settings": {"folder": "sd", **settings}}
    plan_with(config, {**GENERATOR, "architecture": architecture})
    return make_plan("s")


def test_nothing_is_retrained_and_everything_has_samples(config: Path, tmp_path: Path) -> None:
    pipeline(tmp_path / "sd")
    plan = planned(config)
    assert not plan.missing
    stages = [job.stage for job in plan.jobs.values()]
    assert "retrained" not in stages
    assert stages.count("original") == 2, "the generator and the classifier"
    assert stages.count("sample") == 3
    assert {run.row.name for run in plan.runs} == {"original", "esd", "salun@code"}
    assert all(run.samples in plan.jobs for run in plan.runs)


def test_a_folder_that_is_not_there_is_named_and_the_plan_is_shown(config: Path, tmp_path: Path) -> None:
    ((_, lines),) = planned(config).missing.items()
    assert lines == [
        "folder 'sd' is not there; stable_diffusion needs a model in diffusers' layout in it, with weights as "
        ".safetensors"
    ]
    pipeline(tmp_path / "sd")
    assert not planned(config).missing, "control"


def test_a_folder_that_a_command_makes_is_named_with_the_command(config: Path, tmp_path: Path) -> None:
    folder = "models/digits-pipeline"
    ((_, lines),) = planned(config, folder=folder).missing.items()
    assert lines == [
        f"folder '{folder}' is not there; stable_diffusion needs it, and 'make digits-pipeline' makes it"
    ]
    pipeline(tmp_path / folder)
    assert not planned(config, folder=folder).missing, "control"


def test_a_u_net_with_new_weights_is_trained_and_retrained(config: Path, tmp_path: Path) -> None:
    pipeline(tmp_path / "sd")
    architecture = {"name": "stable_diffusion", "settings": {"folder": "sd", "trained": False}}
    with pytest.raises(
        UserError, match="starts from random weights; give the architecture 'trained: true', or"
    ):
        planned(config, trained=False)
    plan_with(config, {**GENERATOR, "architecture": architecture, "recipe": "tiny", "retrain": True})
    stages = [job.stage for job in make_plan("s").jobs.values()]
    assert stages.count("original") == 2 and "retrained" in stages
    with pytest.raises(UserError, match="'trained' is true or false, not 'no'"):
        planned(config, trained="no")


def test_what_lies_in_the_folder_is_part_of_the_specification(config: Path, tmp_path: Path) -> None:
    pipeline(tmp_path / "sd")
    first, again = (set(planned(config).jobs) for _ in range(2))
    assert first == again
    (tmp_path / "sd/unet/diffusion_pytorch_model.safetensors").write_bytes(b"other weights")
    assert not {f for f in set(planned(config).jobs) & first if "stable_diffusion" in f}


def test_a_folder_of_another_layout_is_refused(config: Path, tmp_path: Path) -> None:
    pipeline(tmp_path / "sd", unet="diffusion_pytorch_model.bin")
    with pytest.raises(UserError, match=r"sd/unet: diffusion_pytorch_model\.bin is a pickle, which is never"):
        planned(config)
    (tmp_path / "sd/vae/config.json").unlink()
    pipeline(tmp_path / "other")
    for part in ("text_encoder", "tokenizer"):
        for file in (tmp_path / "sd" / part).iterdir():
            file.unlink()
        (tmp_path / "sd" / part).rmdir()
    with pytest.raises(UserError, match="no folder text_encoder or tokenizer in it"):
        planned(config)
    with pytest.raises(UserError, match="no folder unet or vae"):
        (tmp_path / "empty").mkdir()
        planned(config, folder="empty")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"retrain": True}, "trains for no epoch, so there is no Retrain; write 'retrain: false'"),
        (
            {"architecture": {"name": "small_denoiser"}},
            "trains for no epoch, and small_denoiser starts from random weights",
        ),
    ],
)
def test_what_cannot_be_is_refused(config: Path, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    pipeline(tmp_path / "sd")
    architecture = {"name": "stable_diffusion", "settings": {"folder": "sd"}}
    with pytest.raises(UserError, match=words):
        plan_with(config, {**GENERATOR, "architecture": architecture, **change})


def test_a_recipe_without_an_epoch_has_no_milestones(config: Path) -> None:
    broken = {**RECIPE, "epochs": 0, "warmup_epochs": 1}
    (config / "recipes/given.yaml").write_text(yaml.safe_dump(broken))
    with pytest.raises(UserError, match="no epoch is trained: warmup_epochs and milestones mean nothing"):
        planned(config)
