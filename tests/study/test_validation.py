"""Every mistake in a study is one line, before any job starts."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.plan import make_plan
from tests.workflow.project import EXPERIMENT, RECIPE, Project


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder with the recipe `tiny`."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/recipes").mkdir()
    (tmp_path / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    shrinking = yaml.safe_dump({**RECIPE, "resize": 4})
    (tmp_path / "config/recipes/shrinking.yaml").write_text(shrinking)
    monkeypatch.setattr(load, "CONFIG", tmp_path / "config")
    load.load_recipe.cache_clear()
    load._presets.cache_clear()
    return tmp_path / "config"


def plan_with(config: Path, change: dict[str, Any], **top: Any) -> None:
    experiment = copy.deepcopy(EXPERIMENT) | change
    content = {"name": "s", "title": "t", "experiments": [experiment], **top}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    make_plan("s")


WRONG = {
    "unknown key": ({"methodes": ["finetune"]}, "unknown key 'methodes'; did you mean methods"),
    "unknown inner key": (
        {"dataset": {"name": "digits", "trian": 3}},
        "unknown key 'trian'; did you mean train",
    ),
    "no such method": ({"methods": ["finetun"]}, "no method 'finetun'; did you mean finetune"),
    "no such attack": ({"attacks": ["entropy"]}, "no attack 'entropy'"),
    "no such dataset": ({"dataset": {"name": "digit"}}, "no dataset 'digit'; did you mean digits"),
    "no such network": ({"architecture": {"name": "resnet"}}, "no model 'resnet'; did you mean resnet34"),
    "no such recipe": ({"recipe": "tinny"}, "no recipe 'tinny'"),
    "fraction 1": ({"scenario": {"kind": "random", "fraction": 1.0}}, "less than 1"),
    "fraction 0": ({"scenario": {"kind": "random", "fraction": 0}}, "greater than 0"),
    "fraction too small": ({"scenario": {"kind": "random", "fraction": 0.001}}, "forgets none"),
    "fraction of classes": ({"scenario": {"kind": "class", "fraction": 0.1}}, "takes 'classes'"),
    "classes of a fraction": (
        {"scenario": {"kind": "random", "fraction": 0.1, "classes": [1]}},
        "does not take 'classes'",
    ),
    "a class twice": ({"scenario": {"kind": "class", "classes": [1, 1]}}, "classes: 1 is there twice"),
    "no sub-classes": ({"scenario": {"kind": "subclass", "subclasses": [1]}}, "digits has no sub-classes"),
    "no such sub-class": (
        {"scenario": {"kind": "subclass", "subclasses": [100]}, "dataset": {"name": "cifar20"}},
        "no sub-class 100; cifar20 has sub-classes 0 to 99",
    ),
    "first of no class": ({"scenario": {"kind": "first", "count": 1, "classes": [10]}}, "no class 10"),
    "first beyond the budget": (
        {"scenario": {"kind": "first", "count": 5}},
        "5 samples of class 0 are to be forgotten; there are 4",
    ),
    "flip beyond the budget": (
        {"scenario": {"kind": "label_flip", "count": 5, "pairs": [[1, 2]]}},
        "5 samples of class 1 are to be forgotten; there are 4",
    ),
    "flip with itself": (
        {"scenario": {"kind": "label_flip", "count": 1, "pairs": [[1, 1]]}},
        "one pair only",
    ),
    "flip with no class": (
        {"scenario": {"kind": "label_flip", "count": 1, "pairs": [[1, 10]]}},
        "no class 10",
    ),
    "all identities": ({"scenario": {"kind": "identities", "count": 10}}, "10 of 10 identities"),
    "no list": ({"scenario": {"kind": "indices", "file": "none.txt"}}, "none.txt: No such file"),
    "step beyond the last": (
        {"scenario": {"kind": "first", "count": 2, "steps": 2, "step": 3}},
        "step 3 of 2 steps",
    ),
    "no such scenario": (
        {"scenario": {"kind": "classes"}},
        "scenario.kind: Input should be 'random', 'class'",
    ),
    "a setting that the network lacks": (
        {"architecture": {"name": "small_cnn", "settings": {"widht": 4}}},
        "small_cnn has no setting 'widht'; did you mean width",
    ),
    "a network for texts": (
        {"architecture": {"name": "small_transformer"}},
        "small_transformer reads texts, but digits holds images",
    ),
    "a network for images": (
        {"dataset": {"name": "goemotions"}},
        "small_cnn reads images, but goemotions holds texts",
    ),
    "images too small": (
        {"architecture": {"name": "small_vgg"}, "recipe": "shrinking"},
        "small_vgg takes images of at least 8 pixels a side, these have 4",
    ),
    "weights that are not there": (
        {
            "architecture": {"name": "torchvision_resnet18", "settings": {"pretrained": "none.pth"}},
            "dataset": {"name": "cifar10"},
        },
        "none.pth: no such file",
    ),
    "no folder": ({"dataset": {"name": "image_folder", "side": 32}}, "needs 'folder'"),
    "a folder for nothing": ({"dataset": {"name": "digits", "folder": "x"}}, "takes no 'folder'"),
    "no such folder": ({"dataset": {"name": "image_folder", "folder": "none", "side": 32}}, "none"),
    "no such class": ({"scenario": {"kind": "class", "classes": [10]}}, "no class 10"),
    "all classes": ({"scenario": {"kind": "class", "classes": list(range(10))}}, "nothing is left"),
    "no seeds": ({"seeds": []}, "seeds: Tuple should have at least 1 item"),
    "negative seed": ({"seeds": [{"train": -1, "split": 0, "method": 0}]}, "greater than or equal to 0"),
    "too many images": ({"dataset": {"name": "digits", "train": 5000}}, "too many; digits has 1198"),
    "hyper-parameter name": (
        {"methods": [{"name": "finetune", "settings": {"learning_rat": 0.1}}]},
        "unknown hyper-parameter 'learning_rat'; did you mean learning_rate",
    ),
    "hyper-parameter range": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": -1.0}}]},
        "learning_rate must be above 0",
    ),
    "hyper-parameter type": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": "1e-3"}}]},
        "write 1.0e-3",
    ),
    "reading that is not there": ({"methods": ["finetune@paper"]}, "has only one reading"),
    "reading left open": ({"methods": ["gdr_gma"]}, "write gdr_gma@paper or gdr_gma@code"),
    "no validation set": (
        {"methods": ["nabla_tau"], "dataset": {"name": "digits", "train": 40}},
        "'nabla_tau' reads validation samples",
    ),
    "one row twice": ({"methods": ["finetune", "finetune"]}, "give one a 'label'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistake_is_one_line(config: Path, case: str) -> None:
    change, expected = WRONG[case]
    with pytest.raises(UserError) as caught:
        plan_with(config, change)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_control_the_unchanged_study_is_accepted(config: Path) -> None:
    plan_with(config, {})


def test_file_and_name_must_agree(config: Path) -> None:
    with pytest.raises(UserError, match="is 'other' but the file is called 's'"):
        plan_with(config, {}, name="other")


def test_broken_yaml_names_the_line(config: Path) -> None:
    (config / "studies/s.yaml").write_text("name: [s\n")
    with pytest.raises(UserError, match=r"not YAML.*line"):
        make_plan("s")


@pytest.mark.workflow
def test_snakemake_says_it_in_one_line_and_starts_nothing(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.write_study("tiny", [{**EXPERIMENT, "methods": ["finetun"]}])
    done = project.snakemake(check=False)
    assert done.returncode
    said = [line for line in (done.stdout + done.stderr).splitlines() if "finetun" in line]
    assert said
    assert "no method 'finetun'; did you mean finetune" in said[0]
    assert "Traceback" not in done.stderr
    assert not (project.root / "runs").exists()
