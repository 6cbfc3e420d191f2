"""A search through the whole workflow: the choice reaches the row, the page shows it, nothing is run twice."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.workflow.project import EXPERIMENT, Project

pytestmark = pytest.mark.workflow

GRID = {"epochs": [1, 3], "learning_rate": [0.001, 0.2]}  # in the order in which a study is written
SEARCHED: dict[str, Any] = {
    **EXPERIMENT,
    "search": {"budget": 4, "seeds": [5, 6]},
    "methods": [{"name": "finetune", "search": GRID}, EXPERIMENT["methods"][1]],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which a study with a search was run."""
    made = Project.create(tmp_path_factory.mktemp("search") / "project")
    made.write_study("searched", [SEARCHED])
    made.snakemake("reports/searched/manifest.json", study="searched")
    return made


def choice_of(project: Project) -> tuple[Path, list[dict[str, Any]], dict[str, Any]]:
    """Return folder, trials and winner of the one choice."""
    (file,) = project.root.glob("runs/**/choice.json")
    trials = json.loads(file.read_text())["trials"]
    return file.parent, trials, min(trials, key=lambda trial: trial["score"])


def test_every_trial_has_a_score_and_the_row_has_the_settings_of_the_best(project: Project) -> None:
    _, trials, best = choice_of(project)
    expected = [dict(zip(GRID, values, strict=True)) for values in itertools.product(*GRID.values())]
    assert [trial["settings"] for trial in trials] == expected
    gathered = json.loads((project.root / "reports/searched/results/runs.json").read_text())
    (run,) = (run for run in gathered["runs"] if run["row"]["method"] == "finetune")
    assert best["settings"].items() <= run["method"]["settings"].items()


@pytest.mark.thorough
def test_the_row_s_model_is_that_of_an_ordinary_row_with_these_settings(project: Project) -> None:
    _, _, best = choice_of(project)
    ordinary = {**EXPERIMENT, "methods": [{"name": "finetune", "settings": best["settings"]}]}
    project.write_study("ordinary", [ordinary])
    project.snakemake("reports/ordinary/manifest.json", study="ordinary")
    hashes = []
    for study in ("searched", "ordinary"):
        runs = json.loads((project.root / f"reports/{study}/results/runs.json").read_text())["runs"]
        (model,) = (run["model"] for run in runs if run["row"]["method"] == "finetune")
        manifest = json.loads((project.root / model / "manifest.json").read_text())
        hashes.append(manifest["outputs"]["model.safetensors"])
    assert hashes[0] == hashes[1]


def test_no_number_of_a_trial_is_among_the_results(project: Project) -> None:
    results = pd.read_parquet(project.root / "reports/searched/results/results.parquet")
    assert set(results["train_seed"]) == {0}


def test_the_page_shows_trials_choice_and_provenance(project: Project) -> None:
    table = pd.read_csv(project.root / "reports/searched/tables/random-searches.csv")
    assert len(table) == 4 and table["chosen"].sum() == 1
    _, _, best = choice_of(project)
    assert table.loc[table["chosen"], "score"].item() == pytest.approx(best["score"])
    settings = pd.read_csv(project.root / "reports/searched/tables/random-settings.csv")
    found = settings.set_index("method")
    assert found.loc["finetune", "provenance"] == "searched"
    assert found.loc["gradient_ascent", "provenance"] == "unsearched"
    assert best["settings"].items() <= json.loads(found.loc["finetune", "settings"]).items()
    page = (project.root / "reports/searched/index.html").read_text()
    assert "at most 4 trials a row, on seeds 5, 6" in page


def test_what_was_chosen_becomes_a_preset(project: Project) -> None:
    _, trials, best = choice_of(project)
    done = project.reunlearn("chosen", "searched", "--write", "--json")
    (line,) = json.loads(done.stdout)
    assert line["settings"] == best["settings"] and line["trials"] == len(trials)
    first, *rest = yaml.safe_load((project.root / "config/presets/finetune.yaml").read_text())
    assert first["for"] == {
        "dataset": "digits",
        "architecture": "any",
        "recipe": "tiny",
        "scenario": {"kind": "random", "fraction": "any"},
    }
    assert first["provenance"] == "searched" and first["settings"] == best["settings"]
    project.reunlearn("chosen", "searched", "--write")
    again = yaml.safe_load((project.root / "config/presets/finetune.yaml").read_text())
    assert again == [first, *rest]
    shutil.copy2(Path("config/presets/finetune.yaml"), project.root / "config/presets/finetune.yaml")


@pytest.mark.thorough
def test_a_second_run_does_nothing_and_another_choice_runs_the_row_again(project: Project) -> None:
    assert project.executed("reports/searched/manifest.json", study="searched") == set()
    folder, _, _ = choice_of(project)
    relative = str(folder.relative_to(project.root))
    (folder / "manifest.json").unlink()
    would = project.would_run("searched")
    assert ("choose", relative) in would
    assert {stage for stage, _ in would} == {"choose", "unlearn", "measure", "aggregate", "report", "track"}
    assert not [folder for stage, folder in would if stage == "unlearn" and "/train0/" not in folder]
    ran = {stage for stage, _ in project.executed("reports/searched/manifest.json", study="searched")}
    assert "choose" in ran and "probe" not in ran and "original" not in ran
