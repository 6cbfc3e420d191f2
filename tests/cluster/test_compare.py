"""The comparison that the Slurm demo ends with: it finds what differs, so that its silence means something."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = "digits/original/train0"


def write(root: Path, run: str, model: str, code: str = "c0de") -> None:
    """Write a run's manifest."""
    (root / run).mkdir(parents=True)
    manifest = {"code": code, "specification": "5bec", "outputs": {"model.safetensors": model, "log": "same"}}
    (root / run / "manifest.json").write_text(json.dumps(manifest))


def compare(first: Path, second: Path) -> tuple[int, str]:
    """Return exit code and print of the comparison."""
    command = [sys.executable, str(ROOT / "workflow/slurm/compare.py"), str(first), str(second)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    return done.returncode, done.stdout


def test_the_same_bits(tmp_path: Path) -> None:
    for name in ("here", "there"):
        write(tmp_path / name, RUN, "aa")
    assert compare(tmp_path / "here", tmp_path / "there") == (0, "1 run folders hold the same bits\n")


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [("bb", "c0de", "differs in model.safetensors"), ("aa", "c1de", "differs in its specification or code")],
)
def test_other_bits(tmp_path: Path, model: str, code: str, said: str) -> None:
    write(tmp_path / "here", RUN, "aa")
    write(tmp_path / "there", RUN, model, code)
    status, printed = compare(tmp_path / "here", tmp_path / "there")
    assert status == 1
    assert f"{RUN}: {said}\n" in printed


def test_a_missing_run(tmp_path: Path) -> None:
    for name in ("here", "there"):
        write(tmp_path / name, RUN, "aa")
    write(tmp_path / "there", "digits/retrained", "aa")
    status, printed = compare(tmp_path / "here", tmp_path / "there")
    assert status == 1
    assert "digits/retrained: only in the second\n" in printed


def test_nothing_to_compare_is_no_success(tmp_path: Path) -> None:
    assert compare(tmp_path, tmp_path)[0] == 1
