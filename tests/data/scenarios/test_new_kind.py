"""A kind of scenario is one file: with it, a study is planned and its data are split; without it, it is refused."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.artifacts.digest import reachable
from reunlearn.base.arrays import read_arrays
from reunlearn.study.scenario import PACKAGE, kinds
from tests.workflow.project import EXPERIMENT, Project

LAST = '''
"""Forget the last samples of the training set."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import STAYS, Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario


class Last(Scenario):
    """The last samples of the training set."""

    count: int = Field(ge=1, description="number of samples")

    def labels(self) -> list[Any]:
        return [self.count]

    def words(self) -> str:
        return f"the last {self.count} samples"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        if self.count >= train:
            raise UserError(f"{where}: the last {self.count} of {train} samples are all of them")

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        part = samples.y * 0 + STAYS
        part[-self.count :] = 0
        return Selection(part, samples.y, [[]])
'''
SCENARIO = {"kind": "last", "count": 5}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with one file more, and a study of the new kind beside the study of an old one."""
    made = Project.create(tmp_path_factory.mktemp("last") / "project")
    (made.root / "src/reunlearn/data/scenarios/last.py").write_text(LAST)
    experiments: list[dict[str, Any]] = [
        {**EXPERIMENT, "name": "last", "scenario": SCENARIO},
        {**EXPERIMENT, "name": "random"},
    ]
    made.write_study("tiny", experiments)
    return made


def test_a_study_of_the_new_kind_is_planned_and_split(project: Project) -> None:
    program = (
        "from reunlearn.stages.execution import execute;"
        "from reunlearn.study.plan import make_plan, write_specifications;"
        "plan = make_plan('tiny'); write_specifications(plan.jobs.values());"
        "[execute(stage, f'{job.folder}/specification.json')"
        " for stage in ('prepare', 'split') for job in plan.of_stage(stage)]"
    )
    project.run([sys.executable, "-c", program], check=True)
    (split,) = (project.root / "runs/digits").glob("split~*/last-5/split0")
    sets = read_arrays(split / "indices.npz")
    train = np.sort(np.concatenate([sets["forget"], sets["retain"]]))
    assert len(train) == 40
    assert sets["forget"].tolist() == train[-5:].tolist()
    content = json.loads((split / "specification.json").read_text())
    assert content["scenario"] == {**SCENARIO, "steps": 1}
    assert f"{PACKAGE}.last" in content["modules"]
    (other,) = (project.root / "runs/digits").glob("split~*/random-0.25/split0")
    assert f"{PACKAGE}.last" not in json.loads((other / "specification.json").read_text())["modules"]


def test_its_own_check_refuses_before_any_work(project: Project) -> None:
    project.write_study("whole", [{**EXPERIMENT, "scenario": {"kind": "last", "count": 40}}])
    done = project.reunlearn("plan", "whole", check=False)
    assert done.returncode == 2
    assert "the last 40 of 40 samples are all of them" in done.stderr


def test_its_keys_are_documented(project: Project) -> None:
    program = "from reunlearn.commands.config_docs import page; print(page())"
    page = project.run([sys.executable, "-c", program]).stdout
    assert "| `last` | | | | The last samples of the training set. |" in page
    assert "| | `count` | whole number ≥ 1 | required | number of samples |" in page


def test_control_without_the_file_the_study_is_refused(project: Project, tmp_path: Path) -> None:
    bare = Project.create(tmp_path / "project")
    bare.write_study("tiny", [{**EXPERIMENT, "scenario": SCENARIO}])
    done = bare.reunlearn("plan", "tiny", check=False)
    assert done.returncode == 2
    assert "no scenario 'last'" in done.stderr


def test_a_kind_s_code_counts_for_its_own_jobs_only() -> None:
    for kind in kinds():
        modules = reachable((f"{PACKAGE}.{kind}",))
        others = {f"{PACKAGE}.{other}" for other in kinds() if other != kind}
        assert f"{PACKAGE}.{kind}" in modules and not modules & others
    assert f"{PACKAGE}._lists" in reachable((f"{PACKAGE}.indices",))
    assert not {m for m in reachable(("reunlearn.stages.split",)) if m.startswith(PACKAGE)} - {
        PACKAGE,
        f"{PACKAGE}.registry",
    }
