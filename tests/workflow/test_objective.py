"""Another objective than classification through the whole workflow, by the same method files."""

from __future__ import annotations

import sys
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
    "measures": ["denoising_loss"],
    "figures": ["generated_samples"],
    "sampling": {"images": 4, "steps": 5, "guidance": 1.0},
    "classifier": {"architecture": {"name": "small_cnn", "settings": {"width": 4}}, "recipe": "tiny"},
}
SAMPLE = """
import sys
from reunlearn.stages import drawing
from reunlearn.stages.execution import execute
drawing.TOGETHER, last = int(sys.argv[2]), int(sys.argv[3])
draw = drawing._draw

def killed(loader, model, asked, rows):
    if (first := int(rows[0])) >= last:
        raise KeyboardInterrupt
    print(first, flush=True)
    return draw(loader, model, asked, rows)

drawing._draw = killed
execute("sample", sys.argv[1])
"""


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
    measured = {
        path.name.split("~")[0] for path in project.root.glob("runs/digits/*/unlearned/**/measured/*")
    }
    assert measured == {"denoising_loss", "generation"}


def test_the_page_shows_the_losses(project: Project) -> None:
    page = (project.root / "reports/denoiser/index.html").read_text()
    for name in ("forget", "retain", "test"):
        assert f"Denoising loss, {name}" in page


def test_every_row_has_samples_that_a_classifier_saw(project: Project, results: pd.DataFrame) -> None:
    for name in ("generated_forget", "generated_retain", "clf_fd", "clf_fd_floor"):
        assert np.isfinite(results[name]).all()
    assert results["clf_fd_floor"].nunique() == 1
    assert results["clf_fd"].nunique() > 3
    images = sorted(project.root.glob("runs/digits/small_denoiser-*/**/samples~*/images.npy"))
    assert len(images) == len(results)
    assert all(np.load(path).shape == (40, 1, 8, 8) for path in images)
    page = (project.root / "reports/denoiser/index.html").read_text()
    assert "framed: what is to be forgotten" in page


def test_samples_are_the_same_after_a_kill_and_in_other_batches(project: Project) -> None:
    (folder,) = project.root.glob("runs/digits/small_denoiser-*/original/train0/samples~*")
    path, expected = folder / "images.npy", np.load(folder / "images.npy")

    def drawn(together: int, last: int) -> list[int]:
        command = [sys.executable, "-c", SAMPLE, str(folder.relative_to(project.root) / "specification.json")]
        done = project.run([*command, str(together), str(last)], check=False)
        return [int(line) for line in done.stdout.split()]

    path.unlink()
    assert drawn(7, last=20) == [0, 7, 14] and not path.exists()
    assert drawn(7, last=99) == [21, 28, 35], "only what was missing"
    resumed = np.load(path)
    assert drawn(7, last=99) == [0, 7, 14, 21, 28, 35]
    assert np.array_equal(np.load(path), resumed)
    assert np.abs(resumed.astype(int) - expected).max() <= 1, "batches of 40 round otherwise, at most"
    assert len(np.unique(expected)) > 10, "control: there is something to see"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attacks": ["entropy_logistic"]}, "'entropy_logistic' asks for outputs, which the objective"),
        ({"measures": ["relearn_time"]}, "'relearn_time' asks for outputs, which the objective"),
        (
            {"architecture": {"name": "small_cnn", "settings": {"width": 4}}},
            "small_cnn does not serve the objective 'noise_prediction'; these do: ddpm_unet, dit, small_denoiser, ",
        ),
        ({"objective": None}, "small_denoiser does not serve the objective 'classification'"),
        (
            {"objective": {"name": "noise_prediction"}},
            "'timesteps' is 1000 for the objective 'noise_prediction', but 20 for small_denoiser",
        ),
        ({"methods": ["boundary_shrink@paper"]}, "'boundary_shrink@paper' asks for "),
        (
            {"objective": {"name": "noise_prediction", "settings": {"timesteps": 20, "schedule": "cosine"}}},
            "schedule is 'cosine'; choose linear or scaled_linear",
        ),
        ({"sampling": None}, "'classifier' without 'sampling'"),
        ({"sampling": None, "classifier": None, "measures": []}, "nothing is measured of this generator"),
        ({"sampling": {"steps": 21}}, "sampling: 21 steps, but the objective has 20 timesteps"),
        (
            {"classifier": {"architecture": {"name": "small_denoiser"}, "recipe": "tiny"}},
            "classifier: small_denoiser does not serve the objective 'classification'",
        ),
        ({"scenario": {"kind": "random", "fraction": 0.25}}, "'generation' is for class, not for scenario"),
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
