"""The script for a GPU runs where there is none, in tiny sizes; what is there is not measured again."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SECTIONS = ("machine", "matrix", "pool", "methods")


def environment(out: Path) -> dict[str, str]:
    return {**os.environ, "OUT": str(out), "PYTHON": sys.executable, "TMPDIR": str(out.parent)}


def test_a_dry_run_measures_prints_and_goes_on(tmp_path: Path) -> None:
    out, command = tmp_path / "out", ["benchmarks/gpu.sh", "--dry-run", "--only", *SECTIONS]
    done = subprocess.run(command, env=environment(out), capture_output=True, text=True, check=True)
    found = json.loads((out / "gpu.json").read_text(encoding="utf-8"))
    assert set(found) == set(SECTIONS)
    assert {own["engine"] for name, own in found["pool"].items() if name != "seconds"} == {"eager", "grouped"}
    assert {own["graphed"]["engine"] for name, own in found["methods"].items() if name != "seconds"} == {
        "eager"
    }
    assert "method salun, mixed: eager" in done.stdout
    assert "matrix products: bf16" in done.stdout and "SmallVGG, groups of 2, mixed" in done.stdout
    assert "left out" not in done.stdout
    del found["matrix"]
    (out / "gpu.json").write_text(json.dumps(found), encoding="utf-8")
    done = subprocess.run(command, env=environment(out), capture_output=True, text=True, check=True)
    assert done.stdout.count("left out") == len(SECTIONS) - 1
    assert set(json.loads((out / "gpu.json").read_text(encoding="utf-8"))) == set(SECTIONS)


def table(found: dict[str, Any]) -> list[str]:
    """Return the lines of benchmarks/gpu_table.py, which is no module of a package."""
    place = importlib.util.spec_from_file_location("gpu_table", "benchmarks/gpu_table.py")
    assert place is not None and place.loader is not None
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return list(module.lines(found))


def test_the_table_says_what_follows(known_plugins: Path) -> None:
    side = {
        "images_per_second": 20_000.0,
        "losses": [1.0, 0.5],
        "peak_memory_mib": 2000.0,
        "engine": "graphed",
    }
    found = {
        "matrix": {"bf16": 600.0, "tf32": 300.0, "fp32": 50.0, "seconds": 1},
        "loader": {"8 workers": {"images_per_second": 4000.0}, "16 workers": {"images_per_second": 5000.0}},
        "train": {"graphed mixed": side, "flop_per_image": 3e9, "seconds": 1},
        "units": {
            "width": 64,
            "step_ms": 2.0,
            "sample_ms": 0.05,
            "forward_ms": 0.02,
            "parameters": 11_173_962,
        },
    }
    *_, training, row_set = table(found)
    assert "20,000 images/s, 8.3 min for 200 epochs, 4.00 x the loop, 10% of the bf16 rate" in training
    # 26 million samples of three trainings, 0.05 ms each and 2 ms per batch of 256: 25 minutes, set-up apart
    assert 23 < float(row_set.partition("trainings ")[2].partition(" min")[0]) < 30
