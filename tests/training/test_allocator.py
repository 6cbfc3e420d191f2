"""Memory that a training step frees is kept for the next one; what is computed stays the same to the bit."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys, torch
from reunlearn.training.allocator import keep_large_blocks
torch.set_num_threads(1)
kept = sys.argv[1] == "kept" and keep_large_blocks()
torch.manual_seed(0)
layer, x = torch.nn.Conv2d(8, 8, 3), torch.randn(64, 8, 32, 32)
def step():
    layer.zero_grad()
    layer(x).square().mean().backward()
faults = []
for _ in range(21):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    step()
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(kept, sorted(faults)[10], layer.weight.grad.double().sum().item())
"""

# a fixed threshold: left alone, glibc moves it, and from then on keeps such blocks by itself or does not
MAPPING = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}


def run(how: str) -> tuple[bool, int, str]:
    """Return whether memory is kept, the page faults of the middle one of 21 steps (some grow the heap), the result."""
    command, environment = [sys.executable, "-c", FAULTS, how], {**os.environ, **MAPPING}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    kept, faults, result = done.stdout.split()
    return kept == "True", int(faults), result


def test_kept_blocks_cost_no_page_faults_and_change_no_bits() -> None:
    (kept, faults, result), (_, mapped_faults, mapped_result) = run("kept"), run("mapped")
    if not kept:
        pytest.skip("this C library has no mallopt")
    assert result == mapped_result
    assert mapped_faults > 50, "the control maps blocks anew"
    assert faults < mapped_faults / 10
