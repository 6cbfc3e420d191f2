"""Architectures in a user's own file: read for the plan, never imported; each mistake is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.audit import AuditRequest, plan_audit
from reunlearn.study.catalogue import catalogue
from reunlearn.study.own_networks import read_network
from reunlearn.study.plan import Plan, make_plan
from tests.study.plans import audit_of
from tests.workflow.project import EXPERIMENT, RECIPE

FILE = '''"""A network of the user's."""
raise RuntimeError("a plan never imports this")

from torch import nn


class Net(nn.Module):
    """Two layers."""

    def __init__(self, classes, shape, width=8, *, bias=True, start=None):
        super().__init__()


class Foreign(nn.Module):
    """Whatever the base class takes."""


def build(classes, depth, **more):
    """Return a deep network."""
'''
NET = {"file": "mynet.py", "name": "Net"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with a network of the user's and the recipe `tiny`."""
    for name in ("studies", "recipes"):
        (tmp_path / "config" / name).mkdir(parents=True)
    (tmp_path / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "mynet.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(load, "CONFIG", tmp_path / "config")
    return tmp_path


def plan_with(architecture: dict[str, Any], **change: Any) -> Plan:
    content = {
        "name": "s",
        "title": "t",
        "experiments": [{**EXPERIMENT, "architecture": architecture, **change}],
    }
    Path("config/studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def folders(architecture: dict[str, Any], **change: Any) -> set[str]:
    """Return the folders of a plan's trainings."""
    return {job.folder for job in plan_with(architecture, **change).of_stage("original")}


def test_a_file_is_part_of_the_specification_by_what_it_computes(project: Path) -> None:
    before = folders(NET)
    (project / "mynet.py").write_text(FILE.replace("Two layers.", "Two or so.") + "# a comment\n")
    assert folders(NET) == before
    (project / "mynet.py").write_text(FILE.replace("width=8", "width=9"))
    assert folders(NET) != before
    (project / "mynet.py").write_text(FILE)
    assert folders({**NET, "settings": {"width": 4}}) != before == folders(NET)
    (folder,) = before
    assert folder.startswith("runs/digits/Net-tiny~")


def test_the_code_of_its_jobs_starts_at_what_reads_the_file_and_what_the_file_imports(project: Path) -> None:
    (job,) = plan_with(NET).of_stage("original")
    assert "reunlearn.models._own" in job.modules
    assert not any(module.endswith((".Net", ".small_cnn")) for module in job.modules)
    (project / "mynet.py").write_text("from reunlearn.models.small_cnn import SmallCNN\n" + FILE)
    (job,) = plan_with(NET).of_stage("original")
    assert "reunlearn.models.small_cnn" in job.modules


def test_its_card_says_what_the_file_says(project: Path) -> None:
    said = 'INPUTS = "text"\nSIDES = (8, 32)\nALONE = None\n'
    (project / "mynet.py").write_text(FILE + said)
    network = read_network("mynet.py", "Net", "here")
    card = network.card
    assert (card.name, card.summary, card.inputs, card.objectives) == (
        "mynet.py:Net",
        "Two layers.",
        "text",
        ("text",),
    )
    assert (card.sides, card.alone, card.settings) == (
        (8, 32),
        None,
        {"width": 8, "bias": True, "start": None},
    )
    assert not network.any_setting and not network.needed
    build = read_network("mynet.py", "build", "here")
    assert build.any_setting and build.needed == ("depth",)
    assert read_network("mynet.py", "Foreign", "here").any_setting


@pytest.mark.parametrize(
    ("architecture", "change", "said"),
    [
        ({**NET, "file": "absent.py"}, {}, "architecture: absent.py: no such file"),
        ({**NET, "name": "Nett"}, {}, "mynet.py defines no class or function 'Nett'; did you mean Net?"),
        ({**NET, "file": "broken.py"}, {}, "broken.py: line 2: "),
        ({**NET, "file": "beside.py"}, {}, "beside.py, line 1: imports 'mynet' from a file beside it"),
        ({**NET, "file": "relative.py"}, {}, "relative.py, line 1: imports '.' from a file beside it"),
        ({**NET, "file": "odd.py"}, {}, "odd.py: INPUTS is 'sound'"),
        ({**NET, "settings": {"wdth": 4}}, {}, "mynet.py:Net has no setting 'wdth'; did you mean width?"),
        ({**NET, "settings": {"classes": 4}}, {}, "mynet.py:Net: 'classes' comes from the dataset"),
        ({**NET, "settings": {"pretrained": "cache"}}, {}, "'pretrained' starts networks of this package"),
        ({**NET, "name": "build"}, {}, "mynet.py:build needs 'depth'; give it in 'settings'"),
        (
            NET,
            {"methods": ["erm_ktp"], "scenario": {"kind": "class", "classes": [3]}},
            "'erm_ktp' needs feature maps, which mynet.py:Net does not give; these do: ",
        ),
        (NET, {"dataset": {"name": "goemotions"}}, "mynet.py:Net reads images, but goemotions holds text"),
        ({"name": "Net"}, {}, "no model 'Net'"),
        ({**NET, "name": "Con"}, {}, "architecture.name: 'Con' is no name"),
        ({**NET, "name": "../Net"}, {}, "architecture.name: '../Net' is no name"),
    ],
)
def test_each_mistake_is_one_line(
    project: Path, architecture: dict[str, Any], change: dict[str, Any], said: str
) -> None:
    sources = {
        "broken": "a = 1\nclass Net(:\n",
        "beside": "from mynet import Net as Base\n\nclass Net(Base): ...\n",
        "relative": "from . import other\n\nclass Net: ...\n",
        "odd": 'INPUTS = "sound"\n\nclass Net: ...\n',
    }
    for name, source in sources.items():
        (project / f"{name}.py").write_text(source)
    with pytest.raises(UserError) as caught:
        plan_with(architecture, **change)
    assert said in str(caught.value)


def test_a_name_of_this_package_in_a_file_of_the_users_is_the_users(project: Path) -> None:
    (project / "mynet.py").write_text(FILE.replace("class Net", "class resnet18"))
    (job,) = plan_with({"file": "mynet.py", "name": "resnet18", "settings": {"width": 4}}).of_stage(
        "original"
    )
    assert "reunlearn.models.resnet18" not in job.modules


def test_a_recipe_that_starts_from_official_weights_has_none_for_it(project: Path) -> None:
    (project / "config/recipes/tiny.yaml").write_text(yaml.safe_dump({**RECIPE, "pretrained": True}))
    with pytest.raises(UserError, match=r"mynet\.py:Net has no official ones"):
        plan_with(NET)


def test_an_audit_takes_a_network_of_the_users(project: Path) -> None:
    audit_of(project)
    request = AuditRequest(
        model="audited.safetensors",
        architecture="mynet.py:Net width=4",
        dataset="digits",
        forget="forget.npy",
        output="out",
    )
    training = plan_audit(request, catalogue()).training
    assert (training.architecture.key, training.architecture.settings) == ("mynet.py:Net", {"width": 4})
    assert training.architecture.code
