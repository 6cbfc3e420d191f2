"""Files that nobody can fetch for the user: a plan is made without them and says what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.base.yaml_files import read_yaml
from reunlearn.commands import plan as command
from reunlearn.commands.run import run
from reunlearn.study import paths
from reunlearn.study.plan import Plan, make_plan
from tests.study.test_validation import config, plan_with

__all__ = ["config"]
NETWORK = {"name": "torchvision_resnet18", "settings": {"pretrained": "cache"}}
FILE = "resnet18-f37072fd.pth"
PEOPLE = {
    "dataset": {"name": "celeba_hq_identity", "folder": "people"},
    "scenario": {"kind": "identities", "count": 30},
    "architecture": {"name": "resnet18", "settings": {"width": 4}},
    "recipe": "tiny",
}


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder and an empty cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def planned(config: Path, change: dict[str, Any]) -> Plan:
    plan_with(config, {"dataset": {"name": "cifar10"}, "attacks": [], **change})
    return make_plan("s")


def made(folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / paths.MANIFEST).write_text("{}")


def test_weights_that_are_not_in_the_cache_are_named_with_their_address(config: Path, tmp_path: Path) -> None:
    plan = planned(config, {"architecture": NETWORK})
    ((name, lines),) = plan.missing.items()
    (line,) = lines
    assert name == plan.study.experiments[0].name
    assert line.startswith(f"{tmp_path}/cache/hub/checkpoints/{FILE} is not there")
    assert f"https://download.pytorch.org/models/{FILE}" in line
    assert not planned(config, {"architecture": {"name": "torchvision_resnet18"}}).missing  # the control
    (tmp_path / "cache/hub/checkpoints").mkdir(parents=True)
    (tmp_path / "cache/hub/checkpoints" / FILE).touch()
    assert not planned(config, {"architecture": NETWORK}).missing


def test_what_is_trained_already_needs_no_weights(config: Path) -> None:
    plan = planned(config, {"architecture": NETWORK})
    trained = plan.of_stage("original", "retrained")
    for job in trained[1:]:
        made(job.folder)
    assert planned(config, {"architecture": NETWORK}).missing
    made(trained[0].folder)
    assert not planned(config, {"architecture": NETWORK}).missing


def test_a_folder_that_is_not_there_is_named_until_the_data_are_prepared(config: Path) -> None:
    plan = planned(config, PEOPLE)
    (lines,) = plan.missing.values()
    assert lines == ["folder 'people' is not there; celeba_hq_identity needs your copy of its files in it"]
    made(plan.of_stage("prepare")[0].folder)
    assert not planned(config, PEOPLE).missing
    Path("runs").rename("elsewhere")
    Path("people").mkdir()
    assert not planned(config, PEOPLE).missing


def test_such_a_plan_is_shown_and_never_run(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = planned(config, {"architecture": NETWORK})
    with pytest.raises(UserError, match=FILE):
        run("s", None, None, debug=False)
    assert not Path("runs").exists()
    assert command.run("s") == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2 and FILE in said[0]
    name = plan.study.experiments[0].name
    content = said[1].split("'experiments: ")[1].removesuffix("'")
    assert "'extends: s'" in said[1] and yaml.safe_load(content) == {name: None}


def test_what_is_said_leaves_the_experiment_out(config: Path) -> None:
    planned(config, {"architecture": NETWORK})
    path = config / "studies/s.yaml"
    base = read_yaml(path)
    experiment = base["experiments"][0]
    other = {**experiment, "name": "other", "architecture": {"name": "torchvision_resnet18"}}
    path.write_text(yaml.safe_dump({**base, "experiments": [experiment, other]}))
    mine = {"name": "mine", "extends": "s", "experiments": {experiment["name"]: None}}
    (config / "studies/mine.yaml").write_text(yaml.safe_dump(mine))
    assert make_plan("s").missing and not make_plan("mine").missing


def test_a_recipe_that_starts_from_weights_asks_for_them(config: Path) -> None:
    recipe = yaml.safe_load((config / "recipes/tiny.yaml").read_text())
    (config / "recipes/finetuning.yaml").write_text(yaml.safe_dump(recipe | {"pretrained": True}))
    with pytest.raises(
        UserError, match="'finetuning' starts from pretrained weights; give the architecture"
    ) as error:
        planned(config, {"architecture": {"name": "torchvision_resnet18"}, "recipe": "finetuning"})
    assert FILE in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(UserError, match="small_cnn has no official ones"):
        planned(config, {"recipe": "finetuning"})
    assert planned(config, {"architecture": NETWORK, "recipe": "finetuning"}).jobs  # the control
