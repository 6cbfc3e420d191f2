"""The command line: listings as tables and as JSON, mistakes as one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reunlearn.cli import app
from reunlearn.study import catalogue
from reunlearn.study.stages import STAGES

LISTINGS = {
    ("methods",): "gdr_gma",
    ("methods", "--ledger"): "gdr_gma",
    ("methods", "--ledger", "salun", "pgu"): "pgu",
    ("methods", "salun"): "fraction",
    ("methods", "erm_ktp", "finetune"): "finetune",
    ("attacks",): "entropy_logistic",
    ("attacks", "lira"): "Carlini",
    ("measures",): "relearn_time",
    ("measures", "evaluation"): "always",
    ("measures", "lira"): "Carlini",
    ("objectives",): "timesteps 1000",
    ("objectives", "noise_prediction"): "small_denoiser",
    ("studies",): "quickstart",
    ("printed", "pgu"): "MIA_AUC",
    ("datasets",): "modality",
    ("models",): "noise_prediction",
    ("models", "swin_t"): "drop_path",
    ("recipes",): "gdr-gma-cifar10",
    ("recipes", "pgu-smallvgg-paper"): "exponential",
    ("datasets", "digits"): "scikit-learn",
}


def printed(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_a_listing_names_what_there_is(words: tuple[str, ...]) -> None:
    assert LISTINGS[words] in printed(*words)


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
def test_each_listing_is_json_too(words: tuple[str, ...]) -> None:
    assert json.loads(printed(*words, "--json"))


def test_every_stage_is_a_command_and_has_a_file() -> None:
    for stage in STAGES:
        assert (catalogue.PACKAGE / "stages" / f"{stage}.py").is_file()
        assert "specification" in printed(stage, "--help").lower()
    assert "measure" in STAGES


def test_a_missing_specification_is_a_line_that_says_what_writes_it() -> None:
    command = [sys.executable, "-m", "reunlearn.cli", "split", "runs/no/specification.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "error: runs/no/specification.json: no such specification; "
        "`make dry-run STUDY=NAME` writes those of a study\n"
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["methods", "salum"], "error: no method 'salum'; did you mean salun"),
        (["methods", "--ledger", "salun", "pug"], "error: no method 'pug'; did you mean pgu"),
        (["attacks", "lirra"], "error: no attack 'lirra'; did you mean lira"),
        (["measures", "relern_time"], "error: no measure 'relern_time'; did you mean relearn_time"),
        (["objectives", "txt"], "error: no objective 'txt'; did you mean text"),
        (["datasets", "digit"], "error: no dataset 'digit'; did you mean digits"),
        (["plan", "quikstart"], "error: no study 'quikstart'"),
        (["new", "method", "Wrong-Name"], "error: 'Wrong-Name' is no name for a method"),
        (["new", "method", "salun"], "error: there is a method 'salun' already"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], expected: str) -> None:
    command = [sys.executable, "-m", "reunlearn.cli", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(expected)
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_specification_of_another_stage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "specification.json"
    path.write_text(json.dumps({"stage": "split"}))
    done = subprocess.run(
        [sys.executable, "-m", "reunlearn.cli", "measure", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "is for the stage 'split', not 'measure'" in done.stderr
