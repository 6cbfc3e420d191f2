"""Each benchmark's main prints its table, in tiny sizes; nothing is timed, and the history stays as it is."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.benchmarks.conftest import BENCHMARKS

HISTORY = BENCHMARKS / "history.jsonl"
NETWORK = ("--threads", "1", "--networks", "small CNN, three layers")
MAINS = {
    "attacks": ((), ("confidence_svc, 100 rows a half", "lira_offline", "all without an SVC")),
    "augmentation": ((), ("32×32, crop and flip", "32×32, RandAugment")),
    "chip": (NETWORK, ("matrix products, full precision", "small CNN, three layers, full precision")),
    "generator_steps": ((), ("finetune: time",)),
    "methods": ((), ("finetune: time",)),
    "overhead": ((), ("a schedule per step",)),
    "sampling": ((), ("batches of 8: one pass against two",)),
    "stacks": ((), ("small CNN, digits: side by side", "small CNN width 8")),
}
APART = {  # sides, or sizes, in processes of their own
    "evaluation": (NETWORK, ("small CNN, three layers",)),
    "training": ((*NETWORK, "--trained"), ("small CNN, three layers, full precision",)),
}
LONGER = {
    "dag": ("finished: user time", "finished: memory"),
    "growth": ("time with images", "memory with width", "time with classes", "memory with seeds"),
    "report": ("aggregate, 1 seed", "report, 1 seed"),
    "shadows": ("the pool against one warm process", "cold starts", "warm starts"),
    "startup": ("imports of the Snakefile", "DAG of quickstart", "short jobs through the worker"),
}


@pytest.fixture(autouse=True)
def _threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def printed(capfd: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capfd


def content() -> bytes:
    return HISTORY.read_bytes() if HISTORY.exists() else b""


def check(figures: tuple[str, ...], text: str) -> None:
    for figure in figures:
        (line, *_) = [line for line in text.splitlines() if figure in line]
        assert re.search(r"\s{2}-?\d[\d.,e+-]* \S", line), line


@pytest.mark.parametrize("name", MAINS | APART)
def test_main_prints_its_table(name: str, printed: pytest.CaptureFixture[str]) -> None:
    (arguments, figures), before = (MAINS | APART)[name], content()
    importlib.import_module(name).main(["--quick", *arguments])
    check(figures, printed.readouterr().out)
    assert content() == before


@pytest.mark.thorough
@pytest.mark.parametrize("name", LONGER)
def test_the_script_prints_its_table(name: str) -> None:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), "--quick"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("REUNLEARN_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    check(LONGER[name], done.stdout)


def test_every_benchmark_that_is_run_is_known_here() -> None:
    run = importlib.import_module("run")
    scripts = {benchmark.script for benchmark in run.BENCHMARKS}
    elsewhere = {"orchestration"}  # runs quickstart
    assert scripts - elsewhere == {*MAINS, *APART, *LONGER}
    assert all(Path(BENCHMARKS, f"{name}.py").exists() for name in scripts - elsewhere)
