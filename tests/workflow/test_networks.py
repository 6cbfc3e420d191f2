"""Methods that need more than weights and samples, through the whole workflow: another network, carried tensors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from safetensors.torch import load_file

from tests.workflow.project import EXPERIMENT, RECIPE, Project

pytestmark = [pytest.mark.workflow, pytest.mark.thorough]
PGU = {"name": "pgu", "settings": {"epochs": 4, "learning_rate": 0.5, "batch_size": 8, "energy": 0.5}}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which a class was forgotten by ERM-KTP, samples in two steps and wrong labels by PGU."""
    made = Project.create(tmp_path_factory.mktemp("networks") / "project")
    recipe = {**RECIPE, "epochs": 60, "learning_rate": 0.1}
    (made.root / "config/recipes/longer.yaml").write_text(yaml.safe_dump(recipe))
    plain = {**EXPERIMENT, "attacks": [], "recipe": "longer"}
    depoisoning = {"mode": "depoisoning", "stop": "best", "space": "retain"}
    experiments = [
        {
            **plain,
            "name": "class",
            "scenario": {"kind": "class", "classes": [3]},
            "attacks": ["entropy_logistic"],
            "methods": [{"name": "erm_ktp", "settings": {"epochs": 20, "batch_size": 8}}],
        },
        {
            **plain,
            "name": "steps",
            "scenario": {"kind": "first", "count": 2, "steps": 2},
            "methods": [{**PGU, "reading": "paper"}],
        },
        {
            **plain,
            "name": "flip",
            "scenario": {"kind": "label_flip", "count": 2, "pairs": [[0, 1]]},
            "methods": [{**PGU, "reading": "code", "settings": PGU["settings"] | depoisoning}],
        },
    ]
    made.write_study("networks", experiments)
    made.snakemake("reports/networks/manifest.json", study="networks")
    return made


def runs(project: Project, scenario: str, row: str) -> Path:
    (found,) = (project.root / "runs").glob(f"*/*/unlearned/{scenario}/split0/train0/{row}*/seed0")
    return found


def record(run: Path) -> dict:
    return json.loads((run / "record.json").read_text())


def test_the_row_of_another_network_is_evaluated_as_that_network(project: Project) -> None:
    run = runs(project, "class-3", "erm_ktp")
    weights = load_file(run / "model.safetensors")
    assert {"mask", "body.head.weight"} <= weights.keys()
    assert weights["body.head.weight"][3].abs().max() == 0
    metrics = json.loads((run / "measured/evaluation/numbers.json").read_text())
    assert metrics["accuracy_forget"] < 50 < metrics["accuracy_retain"]
    assert record(run)["drawn"].keys() == {"retain"}
    (state,) = (project.root / "runs").glob("*/*/state/entangled/*")
    assert 0 <= record(state)["entangled_mask_zeros"] < 1
    assert "erm_ktp" in (project.root / "reports/networks/index.html").read_text()


def test_a_second_step_takes_what_the_first_one_left(project: Project) -> None:
    first, second = (runs(project, f"first-2-step{k}of2", "pgu@paper") for k in (1, 2))
    carried = load_file(first / "carried.safetensors")
    assert all(t.shape[0] == t.shape[1] for t in carried.values())
    assert not (second / "carried.safetensors").exists()
    assert record(second)["status"] == "finished"


def test_depoisoning_reads_the_clean_samples_and_no_kept_moments(project: Project) -> None:
    run = runs(project, "label-flip-2-0x1", "pgu@code")
    assert record(run)["drawn"].keys() == {"forget", "retain", "validation"}
    assert json.loads((run / "specification.json").read_text())["inputs"]["state"] == {}
