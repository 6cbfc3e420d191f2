"""The SWAP test through the real Snakemake: what is learned and forgotten in both worlds, and what comes out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from reunlearn.base.arrays import read_arrays
from reunlearn.data.swapping import partners
from reunlearn.metrics.outputs import read_pool
from tests.workflow.project import EXPERIMENT, RECIPE, Project

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which small overfitted models were judged by the SWAP test."""
    project = Project.create(tmp_path_factory.mktemp("swap") / "project")
    recipe = {**RECIPE, "epochs": 60, "learning_rate": 0.1}
    (project.root / "config/recipes/longer.yaml").write_text(yaml.safe_dump(recipe))
    change = {"recipe": "longer", "methods": ["finetune"], "attacks": [], "measures": ["swap"]}
    project.write_study("tiny", [{**EXPERIMENT, **change, "shadows": {"unlearned": 3, "swapped": 2}}])
    project.snakemake("reports/tiny/manifest.json")
    return project


def split(project: Project, name: str) -> dict[str, np.ndarray]:
    (found,) = project.root.glob(f"runs/digits/split~*/{name}/split0")
    return read_arrays(found / "indices.npz")


def advantage(project: Project, row: str) -> float:
    (found,) = project.root.glob(f"runs/digits/*/unlearned/*/split0/train0/{row}*/seed0/measured/swap~*")
    return json.loads((found / "numbers.json").read_text())["swap_advantage"]


def test_forget_and_held_out_samples_change_places(project: Project) -> None:
    one, other = split(project, "random-0.25"), split(project, "random-0.25-swapped")
    assert np.array_equal(other["forget"], partners(one["forget"], one["validation"]))
    assert np.array_equal(other["retain"], one["retain"])
    both = [np.union1d(sets["forget"], sets["validation"]) for sets in (one, other)]
    assert np.array_equal(*both)
    assert np.array_equal(np.intersect1d(other["validation"], one["forget"]), one["forget"])


def test_models_of_the_other_world_learned_the_held_out_samples(project: Project) -> None:
    other = split(project, "random-0.25-swapped")
    for row in ("original", "finetune*"):
        folders: list[Path] = list(
            project.root.glob(f"runs/digits/*/pools/swapped/random-0.25/split0/{row}/*")
        )
        pool = read_pool(folders)
        learned = pool.index[pool.member[0]]
        assert np.array_equal(learned, np.union1d(other["retain"], other["forget"]))
        assert len(pool.logits) == 2


def test_retrain_has_none_and_the_overfitted_original_much(project: Project) -> None:
    assert advantage(project, "retrain") == 0.0
    assert advantage(project, "original") > 0.3
    page = (project.root / "reports/tiny/index.html").read_text()
    assert "SWAP advantage" in page
