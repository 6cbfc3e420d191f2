"""The README's ten lines do what it says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.library.readme import blocks


def test_ten_lines_let_a_model_forget(tmp_path: Path) -> None:
    given, ten = blocks()
    assert len([line for line in ten.splitlines() if line and "import" not in line]) <= 10
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", given + ten], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    record, before, after = done.stdout.splitlines()
    assert record.startswith("finished ")
    assert float(after.split()[0]) < float(before.split()[0]) - 10  # % of forget called member
    assert (tmp_path / "unlearned.safetensors").is_file()
