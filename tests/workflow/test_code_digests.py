"""Whose code an edit changes: the digests of a plan's jobs before and after, without running them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import EXPERIMENT, RECIPE, Digests, Project

pytestmark = pytest.mark.workflow

# attacks with pools of every kind, and a measure that trains
WIDE = {
    **copy.deepcopy(EXPERIMENT),
    "attacks": ["entropy_logistic", "shadow_xgboost", "lira", "u_lira"],
    "shadows": {"with_forget": 2, "without_forget": 2, "halves": 4, "unlearned": 2},
    "measures": ["relearn_time"],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with a study of pools and measures, and one that augments; nothing is run."""
    made = Project.create(tmp_path_factory.mktemp("digests") / "project")
    made.write_study("wide", [WIDE])
    (made.root / "config/recipes/turned.yaml").write_text(
        yaml.safe_dump({**RECIPE, "augmentation": ["randaugment"]})
    )
    made.write_study("augmented", [{**EXPERIMENT, "recipe": "turned"}])
    return made


@pytest.fixture(scope="module")
def before(project: Project) -> Digests:
    """The digests of the study of pools and measures."""
    return project.digests("wide")


@contextmanager
def edited(project: Project, path: str, pattern: str, replacement: str) -> Iterator[None]:
    """Edit a source inside the block."""
    file = project.root / path
    text = file.read_text()
    project.edit(path, pattern, replacement)
    try:
        yield
    finally:
        file.write_text(text)


def kinds(digests: Digests) -> set[str]:
    """Return the stages of some jobs; of measurements what is measured."""
    return {Path(folder).name.split("~")[0] if stage == "measure" else stage for stage, folder in digests}


def changed(before: Digests, after: Digests) -> Digests:
    """Return the jobs whose digest is another one."""
    assert before.keys() == after.keys(), "an edit of code leaves every specification as it is"
    return {job: digest for job, digest in after.items() if digest != before[job]}


def test_how_models_are_trained_is_no_part_of_how_they_are_measured(
    project: Project, before: Digests
) -> None:
    with edited(project, "src/reunlearn/training/loop.py", r"\n\n\ndef ", "\n\n\nEDITED = True\n\n\ndef "):
        after = project.digests("wide")
    moved = changed(before, after)
    assert kinds(moved) == {"original", "retrained", "shadow", "relearn_time"}
    stays = {job for job in before if Path(job[1]).name == "evaluation"}
    assert len(stays) == 4 and not stays & moved.keys()


@pytest.mark.thorough
def test_how_groups_are_trained_counts_for_pools_only(project: Project, before: Digests) -> None:
    with edited(project, "src/reunlearn/training/engines/grouped.py", "WIDTH = 4", "WIDTH = 5"):
        moved = changed(before, project.digests("wide"))
    assert kinds(moved) == {"shadow"}
    assert len(moved) == len([stage for stage, _ in before if stage == "shadow"])


def test_an_attack_counts_for_what_it_measures_only(project: Project, before: Digests) -> None:
    with edited(project, "src/reunlearn/attacks/lira.py", r"\n\n\ndef ", "\n\nEDITED = True\n\n\ndef "):
        assert kinds(changed(before, project.digests("wide"))) == {"lira"}


@pytest.mark.thorough
def test_an_augmentation_counts_where_it_is_used(project: Project, before: Digests) -> None:
    augmented = project.digests("augmented")
    with edited(project, "src/reunlearn/data/randaugment.py", r"\n\n\ndef ", "\n\nEDITED = True\n\n\ndef "):
        assert changed(before, project.digests("wide")) == {}
        moved = kinds(changed(augmented, project.digests("augmented")))
    assert moved == {"original", "retrained", "unlearn", "evaluation"}  # the control
