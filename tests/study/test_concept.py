"""A concept that is no class: what a study must name, and each mistake in one line of the plan."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.jobs import DrawJob, MeasureJob, SampleJob
from reunlearn.study.plan import Plan, make_plan
from tests.study.test_pretrained_generators import pipeline
from tests.study.test_validation import RECIPE, config, plan_with

__all__ = ["config"]
CONCEPT: dict[str, Any] = {
    "dataset": {
        "name": "drawn",
        "side": 16,
        "drawn": {"prompts": {"file": "classes.csv"}, "images": 10, "steps": 5},
    },
    "scenario": {"kind": "class", "classes": [0]},
    "objective": {"name": "noise_prediction"},
    "architecture": {"name": "stable_diffusion", "settings": {"folder": "sd", "caption": "{}"}},
    "recipe": "given",
    "retrain": False,
    "attacks": [],
    "methods": ["salun@code"],
    "sampling": {"prompts": {"file": "prompts.csv"}, "images": 1, "steps": 5},
    "measures": [{"name": "detection", "settings": {"detector": "detector.py"}}],
}
FILES = {
    "classes.csv": "prompt\na border\nno border\n",
    "prompts.csv": "prompt,at\none,1\ntwo,2\nthree,3\n",
    "detector.py": "def detect(images):\n    return [[] for _ in images]\n",
}


@pytest.fixture(autouse=True)
def _project(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project folder with the user's files, a pipeline, and a recipe that trains nothing."""
    monkeypatch.chdir(tmp_path)
    for recipe, change in {"given": {}, "resizing": {"resize": 32}}.items():
        content = {**RECIPE, "epochs": 0, **change}
        (config / f"recipes/{recipe}.yaml").write_text(yaml.safe_dump(content))
    pipeline(tmp_path / "sd")
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)


def changed(**change: Any) -> dict[str, Any]:
    """Return the study with other values; `a__b` is key b of a."""
    study = copy.deepcopy(CONCEPT)
    for path, value in change.items():
        *outer, last = path.split("__")
        place = study
        for key in outer:
            place = place[key]
        place[last] = value
    return study


def planned(config: Path, **change: Any) -> Plan:
    plan_with(config, changed(**change))
    return make_plan("s")


def test_the_pipeline_draws_first_and_every_row_draws_the_prompts(config: Path) -> None:
    plan = planned(config)
    assert not plan.missing
    draw, *rest = plan.jobs.values()
    assert isinstance(draw, DrawJob) and draw.sampling.count(0) == 20
    assert [job.stage for job in rest] == [
        *("split", "original", "sample", "measure"),
        *("unlearn", "sample", "measure"),
        *("aggregate", "report", "track"),
    ], "no classifier, no Retrain"
    assert all(job.inputs.data == draw.folder for job in rest if isinstance(job, SampleJob))
    samples = [job for job in rest if isinstance(job, SampleJob)]
    assert {job.sampling.count(2) for job in samples} == {3}
    assert {job.measure.name for job in rest if isinstance(job, MeasureJob)} == {"detection"}


def test_the_plan_is_shown_without_the_files_and_says_which(config: Path, tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).unlink()
    ((_, lines),) = planned(config).missing.items()
    assert lines == [
        "file 'classes.csv' is not there; the dataset needs your prompts in it, below the name of the column, 'prompt'",
        "file 'prompts.csv' is not there; sampling needs your prompts in it, below the name of the column, 'prompt'",
        "file 'detector.py' is not there; the measure 'detection' reads it: a Python file of yours with the function "
        "'detect'",
    ]


def folders(config: Path) -> dict[str, set[str]]:
    """Return the folders of each stage."""
    jobs = planned(config).jobs.values()
    return {
        stage: {job.folder for job in jobs if job.stage == stage} for stage in ("draw", "unlearn", "sample")
    }


def test_what_a_file_holds_decides_what_is_made_again(config: Path, tmp_path: Path) -> None:
    first = folders(config)
    (tmp_path / "prompts.csv").write_text("prompt\nother\n")
    second = folders(config)
    assert first["unlearn"] == second["unlearn"] and not first["sample"] & second["sample"]
    (tmp_path / "classes.csv").write_text("prompt\nother\nno border\n")
    third = folders(config)
    assert not second["draw"] & third["draw"] and not second["unlearn"] & third["unlearn"]
    digest = {job.digest for job in planned(config).of_stage("measure")}
    (tmp_path / "detector.py").write_text("def detect(images):\n    return []\n")
    assert not digest & {job.digest for job in planned(config).of_stage("measure")}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset__drawn": None}, "drawn needs 'drawn', which prompts are drawn and how"),
        ({"dataset__side": None}, "drawn needs 'side'"),
        ({"dataset__name": "digits"}, "digits takes no 'drawn'"),
        ({"dataset__drawn__prompts": None}, "drawn: give 'prompts', a file with a line for each class"),
        ({"dataset__drawn__images": 1}, "drawn: images: at least 2 of a class"),
        (
            {"dataset__drawn__steps": 1001},
            "dataset: sampling: 1001 steps, but the objective has 1000 timesteps",
        ),
        (
            {"dataset__drawn__prompts__prompt": "text"},
            "dataset: prompts: classes.csv: no column 'text' for 'prompt'",
        ),
        ({"dataset__drawn__prompts__file": "one.csv"}, "dataset: one prompt only"),
        ({"dataset__drawn__prompts__file": "twice.csv"}, "dataset: prompt 'a' is there twice"),
        ({"scenario__classes": [2]}, "no class 2; drawn has classes 0 to 1"),
        ({"recipe": "resizing"}, "'side' is 16, but recipe 'resizing' resizes to 32"),
        ({"sampling__prompts__seed": "seed"}, "prompts: prompts.csv: no column 'seed' for 'seed'"),
        (
            {"sampling__prompts__guidance": "at", "sampling__prompts__seed": "prompt"},
            "line 2: column 'prompt': a seed",
        ),
        ({"sampling__prompts": None, "sampling__images": 2}, "'sampling' without 'classifier'"),
        (
            {"classifier": {"architecture": {"name": "small_cnn"}, "recipe": "tiny"}},
            "'classifier' with 'prompts': a prompt is of no class",
        ),
        ({"measures": ["generation"]}, "'generation' asks a classifier; add 'classifier'"),
        ({"measures": []}, "nothing is measured of this generator"),
        ({"sampling": None}, "'detection' reads samples; add 'sampling'"),
        (
            {"measures": ["detection"]},
            "give it 'detector', the path of a file; a Python file of yours with the function 'detect'",
        ),
        (
            {"measures": [{"name": "detection", "settings": {"detector": "other.py"}}]},
            "measure 'detection': other.py defines no function 'detect'",
        ),
        (
            {"measures": [{"name": "detection", "settings": {"detector": "classes.csv"}}]},
            "classes.csv is no Python file",
        ),
        (
            {"measures": [{"name": "detection", "settings": {"detector": "detector.py", "threshold": 2}}]},
            "'threshold' is a probability",
        ),
        (
            {"architecture": {"name": "small_denoiser"}, "recipe": "tiny"},
            "dataset: small_denoiser knows nothing before it is trained, so it draws no dataset",
        ),
    ],
)
def test_each_mistake_is_one_line(config: Path, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    (tmp_path / "one.csv").write_text("prompt\na\n")
    (tmp_path / "twice.csv").write_text("prompt\na\na\n")
    (tmp_path / "other.py").write_text("def find(images):\n    return []\n")
    with pytest.raises(UserError) as caught:
        planned(config, **change)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_what_reads_prompts_draws_them(config: Path) -> None:
    with pytest.raises(
        UserError, match="small_denoiser draws from classes, not from prompts; stable_diffusion does"
    ):
        planned(
            config,
            dataset={"name": "digits"},
            architecture={"name": "small_denoiser"},
            recipe="tiny",
        )
