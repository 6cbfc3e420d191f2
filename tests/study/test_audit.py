"""What an audit is asked for: every mistake is one line, and names what is near."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.architectures import Architecture
from reunlearn.study.audit import Audit, AuditRequest, plan_audit, read_architecture
from reunlearn.study.catalogue import catalogue
from reunlearn.study.jobs import MeasureJob
from reunlearn.study.plan import Plan
from reunlearn.study.scenario import kind_class
from reunlearn.study.specs import ArchitectureSpec, RunSpec

DIGITS = 1198  # official training samples
FILES = ("forget", "retain", "model", "original", "output")  # of a request: they lie in the test's folder


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """A request that is right, beside lists that are not."""
    lists = {
        "forget": [9, 3, 27],
        "retain": [1, 2],
        "twice": [4, 4],
        "beyond": [0, DIGITS],
        "negative": [-1, 2],
        "both": [1, 27],
        "whole": range(DIGITS),
        "none": np.empty(0, dtype=np.int64),
        "floats": [0.5, 1.0],
        "square": [[1, 2]],
    }
    for name, numbers in lists.items():
        np.save(tmp_path / f"{name}.npy", np.asarray(numbers))
    np.savez(tmp_path / "archive.npz", a=np.arange(3))
    (tmp_path / "archive.npz").rename(tmp_path / "archive.npy")
    (tmp_path / "mine.safetensors").write_bytes(b"what weights hold is read when they are taken in")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    return {
        "model": str(tmp_path / "mine.safetensors"),
        "architecture": "small_cnn width=4",
        "dataset": "digits",
        "forget": str(tmp_path / "forget.npy"),
        "output": str(tmp_path / "out"),
    }


def test_what_is_right_passes(asked: dict[str, Any], tmp_path: Path) -> None:
    audit = plan_audit(AuditRequest(**asked), catalogue())
    assert lists_of(audit) == ([9, 3, 27], None)
    assert audit.data.shape == (1, 8, 8)
    assert audit.training.architecture == ArchitectureSpec(name="small_cnn", settings={"width": 4})
    recipe = audit.training.recipe
    assert (recipe.name, recipe.mean, recipe.resize, recipe.augmentation) == ("none", None, None, ())
    (tmp_path / "out").mkdir()  # an empty folder is as good as none
    listed = plan_audit(AuditRequest(**asked, retain=str(tmp_path / "retain.npy")), catalogue())
    assert lists_of(listed) == ([9, 3, 27], [1, 2])


def lists_of(audit: Audit) -> Any:
    """Return what the audit's scenario reads of the two files."""
    scenario = audit.experiment.scenario
    assert isinstance(scenario, kind_class("indices"))
    return scenario.lists()  # type: ignore[attr-defined]


def test_without_a_choice_all_attacks_run_that_can(asked: dict[str, Any]) -> None:
    cards = catalogue().attacks
    free = {name for name, card in cards.items() if not card.pools}
    holding_out = {name for name in free if "validation" in cards[name].sets}
    assert "quantile_regression" in holding_out and "shadow_xgboost" not in free
    audit = plan_audit(AuditRequest(**asked), catalogue())
    assert set(audit.left_out) == holding_out
    assert set(audit.experiment.attacks) == free - holding_out
    held_out = plan_audit(AuditRequest(**asked, validation=100), catalogue())
    assert set(held_out.experiment.attacks) == free and not held_out.left_out


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "Digit"}, "no dataset 'Digit'; did you mean digits"),
        ({"architecture": "smal_cnn"}, "no architecture 'smal_cnn'; did you mean small_cnn"),
        ({"architecture": ""}, "architecture '': name: '' is no name"),
        ({"architecture": "small_cnn wdth=4"}, "small_cnn has no setting 'wdth'; did you mean width"),
        ({"architecture": "small_cnn 4"}, "'4' is no setting; write name=value"),
        ({"architecture": "small_cnn width={"}, "setting 'width': not YAML"),
        ({"architecture": "vit pretrained=cache"}, "'pretrained' is for training"),
        ({"architecture": "small_transformer"}, "small_transformer reads text, but digits holds images"),
        ({"attacks": ("entropy_logistc",)}, "no attack 'entropy_logistc'; did you mean entropy_logistic"),
        (
            {"attacks": ("shadow_xgboost",)},
            "attack 'shadow_xgboost' needs shadow models, which only a study trains",
        ),
        (
            {"attacks": ("quantile_regression",)},
            "attack 'quantile_regression' needs held-out samples: --validation",
        ),
        ({"attacks": ()}, "no attack is named"),
        ({"recipe": "digits-smal"}, "no recipe 'digits-smal' in config/recipes; did you mean digits-small"),
        ({"recipe": "gdr-gma-tiny"}, "is for 3 channels; digits has 1"),
        ({"validation": DIGITS}, "is too many; digits has 1198 training samples"),
        ({"folder": "mine"}, "digits takes no 'folder'"),
        ({"dataset": "image_folder"}, "image_folder needs 'folder'"),
        ({"forget": "none.npy"}, "lists nothing to forget"),
        ({"forget": "absent.npy"}, "No such file or directory; it should list the samples to forget"),
        ({"forget": "twice.npy"}, "4 is there twice"),
        ({"forget": "negative.npy"}, "-1 is negative"),
        ({"forget": "beyond.npy"}, "no sample 1198; digits has 1198"),
        ({"forget": "floats.npy"}, "not a list of whole numbers"),
        ({"forget": "square.npy"}, "not a list of whole numbers"),
        ({"forget": "archive.npy"}, "an archive of several arrays"),
        ({"forget": "whole.npy"}, "lists the whole training set"),
        ({"retain": "none.npy"}, "lists nothing to retain"),
        ({"retain": "absent.npy"}, "it should list the samples to retain"),
        ({"retain": "beyond.npy"}, "no sample 1198; digits has 1198"),
        ({"retain": "both.npy"}, "both list sample 27"),
        (
            {"retain": "retain.npy", "train": 100},
            "--retain lists the samples that stay, --train counts samples",
        ),
        ({"model": "absent.safetensors"}, "absent.safetensors: no such file of weights"),
        ({"original": "full"}, "full: a folder, not a file of weights"),
        ({"references": ("absent.safetensors",)}, "absent.safetensors: no such file of weights"),
        ({"output": "full"}, "exists and is not empty"),
        ({"output": "full/file"}, "is a file; --output is a folder"),
        ({"output": "full/file/below"}, "cannot be made in"),
    ],
)
def test_each_mistake_is_one_line(
    asked: dict[str, Any], tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    files = {k: str(tmp_path / v) for k, v in change.items() if k in FILES}
    with pytest.raises(UserError) as caught:
        plan_audit(AuditRequest(**{**asked, **change, **files}), catalogue())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_two_references_with_the_same_weights_are_refused(asked: dict[str, Any], tmp_path: Path) -> None:
    for name, content in {"a": b"weights", "b": b"weights", "c": b"others"}.items():
        (tmp_path / f"{name}.safetensors").write_bytes(content)
    a, b, c = (str(tmp_path / f"{name}.safetensors") for name in "abc")
    for references, named in (((a, c, b), (a, b)), ((c, c), (c, c))):
        with pytest.raises(UserError) as caught:
            plan_audit(AuditRequest(**asked, references=references), catalogue())
        said = (
            f"--reference {named[0]} and --reference {named[1]} hold the same weights; two equal references"
        )
        assert str(caught.value).startswith(said)
    assert plan_audit(AuditRequest(**asked, references=(a, c)), catalogue()).notes == ()
    (note,) = plan_audit(AuditRequest(**{**asked, "model": b}, references=(a, c)), catalogue()).notes
    assert note.startswith(f"--model {b} and --reference {a} hold the same weights")


def test_an_architecture_is_a_name_and_typed_settings() -> None:
    assert read_architecture("small_cnn") == Architecture(name="small_cnn")
    text = "masked body=small_cnn width=8 dropout=0.5 flag=true"
    assert read_architecture(text) == Architecture(
        name="masked", settings={"body": "small_cnn", "width": 8, "dropout": 0.5, "flag": True}
    )
    assert read_architecture("nets/my.py:Net width=8") == Architecture(
        name="Net", file="nets/my.py", settings={"width": 8}
    )


def comparison_of(plan: Plan, run: RunSpec) -> MeasureJob:
    """Return the job that compares a run with Retrain."""
    job = plan.jobs[run.measured["comparison"]]
    assert isinstance(job, MeasureJob)
    return job


def test_every_model_is_given_and_measured_against_the_references(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    files = {name: tmp_path / f"{name}.safetensors" for name in ("retrain", "floor", "original")}
    for name, file in files.items():
        file.write_bytes(name.encode())
    request = AuditRequest(
        **asked,
        references=(str(files["retrain"]), str(files["floor"])),
        original=str(files["original"]),
        attacks=("entropy_logistic",),
    )
    plan = plan_audit(request, catalogue()).plan
    assert [run.row.name for run in plan.runs] == ["retrain", "noise_floor", "original", "audited"]
    assert [job.stage for job in plan.jobs.values()] == [
        *["prepare", "split"],
        *["given"] * 4,
        *["measure"] * 12,
    ]
    outputs = {run.row.name: run.measured["evaluation"] for run in plan.runs}
    assert {run.row.name: comparison_of(plan, run).inputs.reference for run in plan.runs} == {
        "retrain": outputs["noise_floor"],
        "noise_floor": outputs["retrain"],
        "original": outputs["retrain"],
        "audited": outputs["retrain"],
    }
    assert len({run.model for run in plan.runs}) == 4


def test_without_a_reference_nothing_is_compared_with_one(asked: dict[str, Any]) -> None:
    plan = plan_audit(AuditRequest(**asked, attacks=("entropy_logistic",)), catalogue()).plan
    (run,) = plan.runs
    job = comparison_of(plan, run)
    assert (job.inputs.reference, job.inputs.reference_model, job.inputs.original_model) == (None, None, None)
