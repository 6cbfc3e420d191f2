"""Another objective than classification through the whole workflow, by the same method files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.workflow.project import EXPERIMENT, Project

pytestmark = pytest.mark.workflow

LOSSES = [f"denoising_loss_{name}" for name in ("forget", "retain", "test")]
SHORT = {"epochs": 1, "batch_size": 16}
DENOISER: dict[str, Any] = {
    **EXPERIMENT,
    "name": "class",
    "objective": {"name": "noise_prediction", "settings": {"timesteps": 20}},
    "architecture": {"name": "small_denoiser", "settings": {"width": 16, "timesteps": 20}},
    "scenario": {"kind": "class", "classes": [3]},
    "methods": [
        {"name": "finetune", "settings": SHORT},
        {"name": "gradient_ascent", "settings": SHORT},
        {"name": "random_labels", "reading": "paper", "settings": SHORT},
        {"name": "sfr_on", "reading": "code", "settings": {"steps": 4, "batch_size": 16}},
    ],
    "attacks": [],
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which methods made a noise predictor forget a digit."""
    made = Project.create(tmp_path_factory.mktemp("objective") / "project")
    made.write_study("denoiser", [DENOISER])
    made.snakemake("reports/denoiser/manifest.json", study="denoiser")
    return made


@pytest.fixture(scope="module")
def results(project: Project) -> pd.DataFrame:
    """The values of each row by metric."""
    table = pd.read_parquet(project.root / "reports/denoiser/results/results.parquet")
    return table.pivot(index=["method", "reading"], columns="metric", values="value")


def test_every_row_has_the_losses_of_its_objective(results: pd.DataFrame) -> None:
    assert set(results.index) == {
        ("retrain", ""),
        ("original", ""),
        ("finetune", ""),
        ("gradient_ascent", ""),
        ("random_labels", "paper"),
        ("sfr_on", "code"),
    }
    assert np.isfinite(results[LOSSES].to_numpy()).all()
    assert (results[LOSSES].to_numpy() > 0).all()
    for name in LOSSES:
        assert results[name].nunique() == len(results), "every method changes the network, each otherwise"


def test_nothing_of_classification_is_measured(project: Project, results: pd.DataFrame) -> None:
    words = ("accuracy", "entropy", "zrf", "kl_")
    assert not [name for name in results.columns if name.startswith(words)]
    measured = {path.name for path in project.root.glob("runs/digits/*/unlearned/**/measured/*")}
    assert measured == {"denoising_loss"}


def test_the_page_shows_the_losses(project: Project) -> None:
    page = (project.root / "reports/denoiser/index.html").read_text()
    for name in ("forget", "retain", "test"):
        assert f"Denoising loss, {name}" in page


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attacks": ["entropy_logistic"]}, "'entropy_logistic' asks for outputs, which the objective"),
        ({"measures": ["relearn_time"]}, "'relearn_time' asks for outputs, which the objective"),
        (
            {"architecture": {"name": "small_cnn", "settings": {"width": 4}}},
            "small_cnn does not serve the objective 'noise_prediction'; these do: small_denoiser",
        ),
        ({"objective": None}, "small_denoiser does not serve the objective 'classification'"),
        (
            {"objective": {"name": "noise_prediction"}},
            "'timesteps' is 50 for the objective 'noise_prediction', but 20 for small_denoiser",
        ),
        ({"methods": ["boundary_shrink@paper"]}, "'boundary_shrink@paper' asks for "),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(
    project: Project, changes: dict[str, Any], message: str
) -> None:
    project.write_study("refused", [{**DENOISER, **changes}])
    done = project.reunlearn("plan", "refused", check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_snakemake_refuses_it_too(project: Project) -> None:
    project.write_study("refused", [{**DENOISER, "attacks": ["entropy_logistic"]}])
    done = project.snakemake("--dry-run", study="refused", check=False)
    assert done.returncode != 0
    assert "'entropy_logistic' asks for outputs" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not Path(project.root / "reports/refused").exists()
