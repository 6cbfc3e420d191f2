"""A job's threads: limited in every library, those that are loaded before and those that are loaded inside."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys

import pytest

from reunlearn.base.threads import VARIABLES, limited_threads, loaded_pools

POOLS = """
import json

from threadpoolctl import threadpool_info

from reunlearn.base.threads import limited_threads


def pools():
    return {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}


import numpy

before = pools()
with limited_threads(1):
    import scipy.linalg
    import torch

    inside = pools()
after = pools()
print(json.dumps({"before": before, "inside": inside, "after": after}))
"""


@functools.cache
def pools_of(program: str) -> dict[str, dict[str, int]]:
    """Return what a fresh process prints that nobody told how many threads to use."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pools: dict[str, dict[str, int]] = json.loads(done.stdout)
    return pools


def test_every_pool_has_one_thread_inside_also_those_loaded_there() -> None:
    pools = pools_of(POOLS)
    assert len(pools["inside"]) > len(pools["before"]) > 0
    assert set(pools["inside"].values()) == {1}


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core: no pool has more threads")
def test_control_outside_the_pools_have_more_threads() -> None:
    cores = len(os.sched_getaffinity(0))
    unlimited = pools_of(POOLS.replace("limited_threads(1)", f"limited_threads({cores})"))
    assert set(unlimited["inside"].values()) == {cores}
    pools = pools_of(POOLS)
    assert set(pools["before"].values()) == {cores}
    assert {pools["after"][path] for path in pools["before"]} == {cores}


def test_the_variables_are_as_they_were_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    with pytest.raises(ValueError), limited_threads(2):
        assert {os.environ[name] for name in VARIABLES} == {"2"}
        raise ValueError
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert "MKL_NUM_THREADS" not in os.environ


def test_pools_are_looked_for_again_only_after_an_import(monkeypatch: pytest.MonkeyPatch) -> None:
    first = loaded_pools()
    assert loaded_pools() is first
    monkeypatch.setitem(sys.modules, "a_module_that_was_just_imported", sys)
    assert loaded_pools() is not first
