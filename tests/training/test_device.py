"""Slots of GPUs: one job each, the next one waits; and the choice of the device."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.training.device import prepare_torch, take_slot

PATIENCE = 120.0  # seconds; a busy machine is slow to start processes
Start = Callable[..., Connection]


def hold(pipe: Connection, names: list[str]) -> None:
    """Tell that the process runs, take a slot, tell which, keep it until told to end."""
    pipe.send("asking")
    pipe.send(take_slot(names))
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


def test_auto_falls_back_to_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("REUNLEARN_DEVICE", "auto")
    assert prepare_torch(torch.get_num_threads()) == "cpu"
