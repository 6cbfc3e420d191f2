"""TAB in a shell: the protocol by environment variables, and bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn.cli import app
from reunlearn.commands.completion import ASKED
from reunlearn.study.load import names
from tests.conftest import ROOT

HEAVY = "torch", "numpy", "pandas", "rich.console", "reunlearn.study.specs"


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src")} | more


def offered(line: str, folder: Path = ROOT, shell: str = "bash") -> list[str]:
    """Return what a shell gets for a line, the last word of which is not finished."""
    words = line.split(" ")
    asks = {
        "bash": {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }
    done = subprocess.run(
        [sys.executable, "-m", "reunlearn.cli"],
        cwd=folder,
        env=environment(**asks[shell], **{ASKED: f"complete_{shell}"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with studies and runs, which is a project for the command line."""
    for path in (
        "config/studies/mine.yaml",
        "Snakefile",
        "runs/digits/net~1/unlearned/salun~2/seed0/specification.json",
        "runs/digits/net~1/unlearned/salun~2/seed1/specification.json",
        "runs/digits/net~1/unlearned/lur~3/seed0/specification.json",
        "data/digits/x",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    return tmp_path


EACH = [
    ("reunlearn pla", ["plan"]),
    ("reunlearn plan quick", [name for name in names("studies") if name.startswith("quick")]),
    ("reunlearn plan lur,pgu-s", ["lur,pgu-smoke"]),
    ("reunlearn verify all", ["all", "all-lite", "all-smoke"]),
    ("reunlearn run quickstart --method sal", ["salun"]),
    ("reunlearn run quickstart --method lur,sal", ["lur,salun"]),
    ("reunlearn methods scr", ["scrub"]),
    ("reunlearn methods scrub sal", ["salun"]),
    ("reunlearn attacks lir", ["lira", "lira_offline"]),
    ("reunlearn measures relearn", ["relearn_time"]),
    ("reunlearn measures rmi", ["rmia"]),
    ("reunlearn datasets cifar1", ["cifar10", "cifar100"]),
    ("reunlearn models swin", ["swin_t"]),
    ("reunlearn recipes digits-s", ["digits-small"]),
    ("reunlearn papers pg", ["pgu"]),
    ("reunlearn audit --dataset dig", ["digits"]),
    ("reunlearn audit --architecture small_c", ["small_cnn"]),
    ("reunlearn audit --attacks rmia,sv", None),
    ("reunlearn doctor --profile ", ["default", "slurm"]),
    ("reunlearn plan --device c", ["cpu", "cuda"]),
    ("reunlearn snapshot --weights o", ["originals"]),
]


@pytest.mark.parametrize(("line", "expected"), EACH, ids=[line for line, _ in EACH])
def test_values_are_completed(line: str, expected: list[str] | None) -> None:
    found = offered(line)
    if expected is None:
        assert "rmia,svc" in " ".join(found) and all(word.startswith("rmia,sv") for word in found)
    else:
        assert found == expected


def test_stages_are_commands_that_no_shell_offers() -> None:
    found = offered("reunlearn ")
    assert {"plan", "run", "methods", "datasets"} <= set(found)
    assert "prepare" not in found


def test_runs_are_completed_down_to_the_next_choice(project: Path) -> None:
    methods = ["runs/digits/net~1/unlearned/lur~3", "runs/digits/net~1/unlearned/salun~2"]
    assert offered("reunlearn show ", project) == methods
    assert offered("reunlearn show ru", project) == methods
    assert offered(f"reunlearn show {methods[1]}", project) == [f"{methods[1]}/seed0", f"{methods[1]}/seed1"]
    assert offered(f"reunlearn show {methods[0]}", project) == [f"{methods[0]}/seed0"]
    assert offered("reunlearn show elsewhere", project) == []


def test_a_folder_below_the_project_is_as_good(project: Path) -> None:
    assert offered("reunlearn plan mi", project / "data") == ["mine"]
    assert offered("reunlearn data lock d", project) == ["digits"]


def test_outside_of_a_project_there_is_nothing_to_offer_and_no_error(tmp_path: Path) -> None:
    assert offered("reunlearn plan qu", tmp_path) == []
    assert offered("reunlearn show ", tmp_path) == []
    assert offered("reunlearn plan --js", tmp_path) == ["--json"]


def test_a_project_with_another_source_is_no_error_while_one_types(project: Path) -> None:
    (project / "src/reunlearn").mkdir(parents=True)
    assert offered("reunlearn plan mi", project) == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_the_same_names(shell: str) -> None:
    found = "\n".join(offered("reunlearn plan quickstart-g", shell=shell))
    assert "quickstart-generation" in found


def test_nothing_heavy_is_imported() -> None:
    program = (
        "import sys; from reunlearn import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=environment(
            COMP_WORDS="reunlearn\nplan\nquickstart-g", COMP_CWORD="2", **{ASKED: "complete_bash"}
        ),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["quickstart-generation", "[]"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_is_shown(shell: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reunlearn.cli"],
        env=environment(**{ASKED: f"source_{shell}"}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"{ASKED}=complete_{shell}" in done.stdout
    options = {option for parameter in _root().params for option in parameter.opts}
    assert {"--install-completion", "--show-completion"} <= options


def _root():
    import typer

    return typer.main.get_command(app)


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
def test_bash_itself_completes(tmp_path: Path) -> None:
    """The function that --show-completion prints is called as bash calls it for TAB."""
    command = tmp_path / "reunlearn"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reunlearn.cli "$@"\n')
    command.chmod(0o755)
    script = f"""
source <({ASKED}=source_bash reunlearn)
complete -p reunlearn
COMP_WORDS=(reunlearn plan quickstart-g) COMP_CWORD=2
_reunlearn_completion reunlearn quickstart-g plan
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=ROOT,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "quickstart-generation"
    assert "_reunlearn_completion" in done.stdout.splitlines()[0]
