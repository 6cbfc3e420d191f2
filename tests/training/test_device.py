"""Slots of GPUs: one job each, the next one waits; and the choice of the device."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.training.device import prepare_torch, set_determinism, take_slot

PATIENCE = 120.0  # seconds; a busy machine is slow to start processes
Start = Callable[..., Connection]


def hold(pipe: Connection, names: list[str]) -> None:
    """Tell that the process runs, take a slot, tell which, keep it until told to end."""
    pipe.send("asking")
    pipe.send(take_slot(names))
    pipe.recv()


def hold_shared(pipe: Connection, names: list[str]) -> None:
    """Take one of two slots per GPU."""
    pipe.send("asking")
    pipe.send(take_slot(names, 2))
    pipe.recv()


def hold_twice(pipe: Connection, names: list[str]) -> None:
    """Take a slot for one job and, without an end between, for the next."""
    pipe.send("asking")
    pipe.send([take_slot(names), take_slot(names)])
    pipe.recv()


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts a job and waits until it is about to ask for a slot."""
    context = multiprocessing.get_context("spawn")
    processes = []

    def begin(names: list[str], target: Callable[..., None] = hold) -> Connection:
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, names), daemon=True)
        process.start()
        theirs.close()
        processes.append(process)
        assert receive(ours) == "asking"
        return ours

    yield begin
    for process in processes:
        process.kill()
        process.join()
        process.close()


def receive(pipe: Connection) -> Any:
    assert pipe.poll(PATIENCE)
    return pipe.recv()


def test_each_job_has_its_own_slot_and_one_too_many_waits(start: Start) -> None:
    names = ["a", "b"]
    jobs = {receive(job): job for job in (start(names), start(names))}
    assert set(jobs) == {0, 1}
    third = start(names)
    assert not third.poll(1.0)
    jobs[1].send("end")  # the second slot is free first, although the search begins with the first
    assert receive(third) == 1


def test_jobs_spread_over_the_gpus_before_two_share_one(start: Start) -> None:
    names, jobs = ["a", "b"], []
    for _ in range(2):
        pair = [start(names, hold_shared) for _ in names]
        assert {receive(job) for job in pair} == {0, 1}
        jobs += pair  # a job ends with its pipe
    fifth = start(names, hold_shared)
    assert not fifth.poll(1.0)


def test_jobs_that_see_different_gpus_do_not_wait_for_each_other(start: Start) -> None:
    assert receive(start(["a"])) == 0
    assert receive(start(["b"])) == 0


def test_a_process_that_runs_several_jobs_keeps_its_slot(start: Start) -> None:
    assert receive(start(["a", "b"], hold_twice)) == [0, 0]


def test_the_wanted_device_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    threads = torch.get_num_threads()
    try:
        monkeypatch.setenv("REUNLEARN_DEVICE", "cpu")
        assert prepare_torch(1) == "cpu"
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(("wanted", "words"), [("tpu", "choose auto, cpu or cuda"), ("cuda", "sees no GPU")])
def test_a_device_that_cannot_be_had_is_one_line(
    monkeypatch: pytest.MonkeyPatch, wanted: str, words: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("REUNLEARN_DEVICE", wanted)
    with pytest.raises(UserError, match=words) as error:
        prepare_torch(torch.get_num_threads())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("variable", "words"), [("DETERMINISTIC", "choose true or false"), ("GPU_JOBS", "from 1 to 64")]
)
def test_other_choices_are_one_line(monkeypatch: pytest.MonkeyPatch, variable: str, words: str) -> None:
    monkeypatch.setenv(f"REUNLEARN_{variable}", "perhaps")
    with pytest.raises(UserError, match=words):
        prepare_torch(torch.get_num_threads())


def test_determinism_is_a_choice() -> None:
    def state() -> tuple[bool, bool]:
        return torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark

    before, filling = state(), torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    try:
        for wanted, expected in ((False, (False, True)), (True, (True, False))):
            set_determinism(wanted)
            assert state() == expected
    finally:
        torch.use_deterministic_algorithms(before[0])
        torch.backends.cudnn.benchmark = before[1]
        torch.utils.deterministic.fill_uninitialized_memory = filling  # type: ignore[attr-defined]


def test_auto_falls_back_to_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("REUNLEARN_DEVICE", "auto")
    assert prepare_torch(torch.get_num_threads()) == "cpu"


TINY_TRAINING = """
import sys
from pathlib import Path
from reunlearn.stages.execution import Context
from reunlearn.stages.training import train_one
from reunlearn.study.inputs import TrainInputs
from reunlearn.study.jobs import TrainJob
from reunlearn.training.device import prepare_torch
from tests.stages.loaders import Loader
from tests.stages.specifications import training

def imported():
    return {name for name in sys.modules if name.split(".")[0] == "torch"}

begin = imported()
if sys.argv[1] == "prepared":
    prepare_torch(1)
job = TrainJob("original", "runs/none", training(), 0, inputs=TrainInputs(data="data"))
context, loader, inside = Context(job, Path(sys.argv[2])), Loader(), []
section = context.stopwatch.section

def watched(name):
    inside.append(imported())
    return section(name)

context.stopwatch.section = watched
train_one(context, loader, loader.training_samples(), 0, recipe=loader.recipe)
assert len(inside) == 1 and context.stopwatch.seconds.keys() == {"run"}
print("torch._dynamo" in begin, "torch._dynamo" in inside[0], len(imported() - inside[0]))
"""


@pytest.mark.parametrize("prepared", [True, False])
def test_no_part_of_torch_is_imported_while_a_training_is_timed(tmp_path: Path, prepared: bool) -> None:
    """In a new process. The control: without the preparation, the first optimizer imports hundreds of modules."""
    done = subprocess.run(
        [sys.executable, "-c", TINY_TRAINING, "prepared" if prepared else "bare", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "REUNLEARN_DEVICE": "cpu", "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    at_first, before_the_run, during = done.stdout.split()
    assert at_first == "False"
    assert before_the_run == str(prepared)
    assert int(during) < 10 if prepared else int(during) > 100
