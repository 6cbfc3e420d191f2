"""Scenarios through the whole workflow: steps that start from each other, wrong labels, lists, a folder of images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from reunlearn.base.arrays import read_arrays
from reunlearn.data.partition import partition
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Source
from tests.workflow.project import EXPERIMENT, RECIPE, Project

pytestmark = pytest.mark.workflow
EVALUATION = "measured/evaluation"
LISTED = partition(digits.load(Source(Path("unused"))).train_y, 40, 20)[0][[7, 0, 12]].tolist()


def experiment(name: str, scenario: dict[str, Any], **more: Any) -> dict[str, Any]:
    plain = {"methods": ["finetune"], "attacks": [], "recipe": "longer"}
    return {**EXPERIMENT, **plain, "name": name, "scenario": scenario, **more}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which a study of several scenarios was run."""
    made = Project.create(tmp_path_factory.mktemp("scenarios") / "project")
    recipe = {**RECIPE, "epochs": 60, "learning_rate": 0.1}
    (made.root / "config/recipes/longer.yaml").write_text(yaml.safe_dump(recipe))
    (made.root / "mine.txt").write_text("".join(f"{n}\n" for n in LISTED))
    draw_pictures(made.root / "pictures")
    pictures = {"name": "image_folder", "folder": "pictures", "side": 8}
    experiments = [
        experiment("chain", {"kind": "first", "count": 2, "steps": 2}),
        experiment("flip", {"kind": "label_flip", "count": 2, "pairs": [[0, 1], [2, 3]]}),
        experiment("listed", {"kind": "indices", "file": "mine.txt"}),
        experiment("pictures", {"kind": "class", "classes": [1]}, dataset=pictures),
    ]
    made.write_study("scenarios", experiments)
    made.snakemake("reports/scenarios/manifest.json", study="scenarios")
    return made


def draw_pictures(folder: Path) -> None:
    """Write three classes of ten small pictures each."""
    generator = np.random.default_rng(0)
    for number, name in enumerate(("dark", "grey", "light")):
        (folder / name).mkdir(parents=True)
        for k in range(10):
            pixels = generator.integers(0, 60, (8, 8, 3)) + 90 * number
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{k}.png")


def runs(project: Project, scenario: str, row: str) -> Path:
    """Return the one run folder of a row."""
    (found,) = (project.root / "runs").glob(f"*/*/unlearned/{scenario}/split0/train0/{row}*/seed0")
    return found


def specification(run: Path) -> dict[str, Any]:
    return json.loads((run / "specification.json").read_text())


def metrics(run: Path) -> dict[str, float]:
    return json.loads((run / "measured/evaluation/numbers.json").read_text())


def indices(project: Project, run: Path) -> dict[str, np.ndarray]:
    return read_arrays(project.root / specification(run / EVALUATION)["inputs"]["split"] / "indices.npz")


def test_a_step_starts_from_the_model_of_the_step_before(project: Project) -> None:
    first, second = (runs(project, f"first-2-step{k}of2", "finetune") for k in (1, 2))
    assert project.root / specification(second)["inputs"]["original"] == first
    assert "/original/" in specification(first)["inputs"]["original"]
    before, after = indices(project, first), indices(project, second)
    assert np.array_equal(after["earlier"], before["forget"])
    assert np.array_equal(np.sort(np.concatenate([after["retain"], after["forget"]])), before["retain"])
    assert {"accuracy_earlier", "accuracy_forget"} <= metrics(second).keys()
    assert "accuracy_earlier" not in metrics(first)


def test_retrain_of_a_step_never_saw_what_went_before(project: Project) -> None:
    retrained = specification(runs(project, "first-2-step2of2", "retrain") / EVALUATION)["inputs"]["model"]
    assert "/retrained/first-2-step2of2/" in retrained
    split = specification(project.root / retrained)["inputs"]["split"]
    gone = read_arrays(project.root / split / "indices.npz")
    assert not set(gone["earlier"]) & set(gone["retain"])


def test_the_poisoned_model_says_what_it_was_taught_and_is_measured_by_the_truth(project: Project) -> None:
    original, retrain = (
        metrics(runs(project, "label-flip-2-0x1-2x3", row)) for row in ("original", "retrain")
    )
    assert original["accuracy_forget_taught"] == 100
    assert original["accuracy_forget"] == 0
    assert retrain["accuracy_forget_taught"] < 25 < retrain["accuracy_forget"]
    assert original["accuracy_retain"] == 100


def test_poisoned_models_lie_apart_from_clean_ones(project: Project) -> None:
    poisoned = runs(project, "label-flip-2-0x1-2x3", "finetune").relative_to(project.root).parts[2]
    clean = runs(project, "first-2-step1of2", "finetune").relative_to(project.root).parts[2]
    assert poisoned != clean


def test_a_list_forgets_what_it_lists_and_an_edit_makes_another_run(project: Project) -> None:
    (run,) = (project.root / "runs").glob("*/*/unlearned/indices-mine~*/split0/train0/finetune*/seed0")
    assert indices(project, run)["forget"].tolist() == sorted(LISTED)
    text = (project.root / "mine.txt").read_text()
    (project.root / "mine.txt").write_text("5\n")
    planned = project.reunlearn("plan", "scenarios", "--json").stdout
    (project.root / "mine.txt").write_text(text)
    names = {
        part
        for job in json.loads(planned)["states"]
        for part in job["folder"].split("/")
        if "indices-mine" in part
    }
    assert len(names) == 1
    assert run.parts[-5] not in names


def test_a_folder_of_pictures_is_a_dataset(project: Project) -> None:
    run = runs(project, "class-1", "original")
    assert metrics(run)["accuracy_test_forgotten"] == 100
    assert metrics(run)["accuracy_test_retained"] == 100
    retrain = metrics(runs(project, "class-1", "retrain"))
    assert retrain["accuracy_forget"] == retrain["accuracy_test_forgotten"] == 0
    told = specification(run / EVALUATION)
    assert told["training"]["dataset"]["listing"]
    assert "pictures" not in json.dumps(told)  # the same images under another path are the same dataset


def test_the_report_says_what_each_table_forgets(project: Project) -> None:
    page = (project.root / "reports/scenarios/index.html").read_text()
    for words in (
        "the first 2 samples of each class",
        "part 2 of 2, from the models of the part before",
        "taught the label of the paired class (pairs: 0 and 1, 2 and 3)",
        "the samples that mine.txt lists",
    ):
        assert words in page
