"""`make … SEEDS= METHODS=`: what make hands over is what Snakemake plans, blanks or not."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, ROOT, Project

pytestmark = pytest.mark.workflow


def handed_over(*choices: str) -> list[str]:
    """Return the configuration values that make's command gives Snakemake, as a shell reads them."""
    command = ["make", "--no-print-directory", "-n", "dry-run", "DEVICE=cpu", *choices]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if "--config" in line)
    words = shlex.split(line)
    return words[words.index("--config") + 1 : words.index("--dry-run")]


def dry_run(project: Project, values: list[str]) -> subprocess.CompletedProcess[str]:
    """Run Snakemake's dry run with these configuration values."""
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    return project.run([*command, "--cores", "1", "--dry-run", "--config", *values], check=False)


OPTIONS = {
    "SEEDS": "--seed",
    "METHODS": "--method",
    "DEVICE": "--device",
}  # of the command, as make calls them


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    made = Project.create(tmp_path_factory.mktemp("narrowed") / "project")
    made.write_study("tiny", [{**EXPERIMENT, "seeds": [0, 1, 2]}])
    return made


@pytest.mark.parametrize("size", ["", "full", "smoke", " lite "])
def test_a_size_is_a_study_of_its_own(size: str) -> None:
    wanted = {"": "gdr-gma", "full": "gdr-gma"}.get(size, f"gdr-gma-{size.strip()}")
    assert handed_over("STUDY=gdr-gma", f"SIZE={size}")[0] == f"study={wanted}"


@pytest.mark.parametrize(
    ("choices", "values"),
    [
        (["SEEDS=0, 1"], ["seeds=0, 1"]),
        (["SEEDS= 0 ,1 ", "METHODS=finetune, lur"], ["methods=finetune, lur", "seeds=0 ,1"]),
        (["SEEDS= ", "METHODS="], []),
        (['METHODS=it\'s; $(shell touch x) "y"'], ['methods=it\'s; $(shell touch x) "y"']),
    ],
)
def test_make_hands_each_choice_over_as_one_word(choices: list[str], values: list[str]) -> None:
    assert handed_over("STUDY=tiny", *choices) == ["study=tiny", *values, "device=cpu"]


@pytest.mark.parametrize(
    ("choices", "seeds", "runs"),
    [
        (["SEEDS=0, 1", "METHODS=finetune , gradient_ascent"], 2, 4),
        (["SEEDS=1,1,, 1", "METHODS= finetune,finetune"], 1, 1),
        (["SEEDS= ", "METHODS= "], 3, 6),
    ],
)
def test_snakemake_plans_what_was_asked_for(
    project: Project, choices: list[str], seeds: int, runs: int
) -> None:
    done = dry_run(project, handed_over("STUDY=tiny", *choices))
    assert not done.returncode, done.stderr
    counts = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, flags=re.MULTILINE))
    assert (int(counts["split"]), int(counts["unlearn"])) == (seeds, runs)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ("SEEDS=0 1", "seeds '0 1': write whole numbers with commas, such as 0,1"),
        ("DEVICE=gpu", "device 'gpu'; choose auto, cpu or cuda"),
        ("DETERMINISTIC=no", "deterministic 'no'; choose true or false"),
        ("GPU_JOBS=none", "gpu_jobs 'none'; write a whole number from 1 to 64"),
        ("SEEDS=zero", "seeds 'zero': write whole numbers with commas"),
        ("SEEDS=,", "seeds ',' names nothing"),
        ("SEEDS=7", "study 'tiny' has no seed 7"),
        ("METHODS=finetun, lur", "study 'tiny' has no method 'finetun'; did you mean finetune"),
    ],
)
def test_other_text_is_one_line(project: Project, choice: str, said: str) -> None:
    done = dry_run(project, handed_over("STUDY=tiny", choice))
    assert done.returncode
    assert any(said in line for line in (done.stdout + done.stderr).splitlines())
    assert "Traceback" not in done.stderr
    name, _, value = choice.partition("=")
    if name in OPTIONS:
        assert mistake(project, "tiny", OPTIONS[name], value) in lines_of(done)


@pytest.mark.parametrize(
    ("study", "size"), [("tinny", "full"), ("tiny", "smoke"), ("tinny,tiny", "lite"), (",", "full")]
)
def test_a_wrong_study_or_size_is_the_line_of_the_command(project: Project, study: str, size: str) -> None:
    [name] = [value for value in handed_over(f"STUDY={study}", f"SIZE={size}") if value.startswith("study=")]
    done = dry_run(project, [name])
    assert done.returncode
    assert mistake(project, name.removeprefix("study=")) in lines_of(done)


def lines_of(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.strip() for line in (done.stdout + done.stderr).splitlines()]


def mistake(project: Project, *words: str) -> str:
    """Return the error line of `reunlearn plan`, without its first word."""
    done = project.reunlearn("plan", *words, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    [line] = done.stderr.splitlines()
    return line.removeprefix("error: ")
