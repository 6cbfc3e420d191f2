"""Expectations follow the records that are there: of the same job first, then of the same work, then of the network."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reunlearn.artifacts.record import Record
from reunlearn.base.errors import UserError
from reunlearn.commands.costs import HEADROOM, Costs, read_records
from reunlearn.commands.duration import Machine, total
from reunlearn.commands.plan import describe
from reunlearn.study.cost import Calibration
from reunlearn.study.plan import Plan
from tests.commands.made import STUDY, one

NOTHING = Calibration(units=(), kinds={})


def record(plan: Plan, folder: str, seconds: float, **changes: object) -> Record:
    found = read_records([plan.jobs[folder]])[folder]
    return found.model_copy(update={"seconds": {"total": seconds}, **changes})


def test_a_record_of_the_same_job_says_what_it_takes(plan: Plan) -> None:
    folder = one(plan, "unlearn", "/finetune~")
    for calibration in (None, NOTHING):
        costs = Costs(plan.jobs, {folder: record(plan, folder, 50.0)}, calibration=calibration)
        assert costs.of(plan.jobs[folder]).seconds == pytest.approx(50.0)
        again = replace(plan.jobs[folder], folder=folder.replace("seed0", "seed7"))
        assert costs.of(again).seconds == pytest.approx(50.0), "seeds do not matter"


def test_without_records_and_calibration_nothing_is_known(plan: Plan) -> None:
    costs = Costs(plan.jobs, {}, calibration=NOTHING)
    assert costs.of(plan.jobs[one(plan, "unlearn", "/finetune~")]).seconds is None
    assert costs.of(plan.jobs[one(plan, "split")]).seconds is not None


def test_other_work_on_the_same_network_is_set_right_by_the_same_factor(plan: Plan) -> None:
    original, other = one(plan, "original"), one(plan, "unlearn", "/gradient_ascent~")
    before = Costs(plan.jobs, {})
    known = before.of(plan.jobs[original]).seconds
    assert known
    after = Costs(plan.jobs, {original: record(plan, original, 3 * known)})
    first, second = before.of(plan.jobs[other]).seconds, after.of(plan.jobs[other]).seconds
    assert first and second == pytest.approx(3 * first)


def test_records_of_another_device_say_nothing(plan: Plan) -> None:
    folder = one(plan, "original")
    records = {folder: record(plan, folder, 50.0)}
    assert Costs(plan.jobs, records, "cuda").of(plan.jobs[folder]).seconds is None
    on_gpu = {folder: record(plan, folder, 5.0, device="cuda:0 NVIDIA")}
    assert Costs(plan.jobs, on_gpu, "cuda").of(plan.jobs[folder]).seconds == pytest.approx(5.0)


def test_memory_is_that_of_records_with_headroom(plan: Plan) -> None:
    folder = one(plan, "original")
    assert Costs(plan.jobs, {}).of(plan.jobs[folder]).mib is None
    records = {folder: record(plan, folder, 1.0, peak_memory_mib=1000.0)}
    assert Costs(plan.jobs, records).of(plan.jobs[folder]).mib == round(1000 * HEADROOM)


def test_the_wall_is_the_share_of_the_sum_or_the_longest_chain(plan: Plan) -> None:
    costs = Costs(plan.jobs, {})
    waiting = {folder: costs.of(job) for folder, job in plan.jobs.items()}
    one_core, many = (total(plan.jobs, waiting, Machine("cpu", n)) for n in (1, 10_000))
    whole = sum(e.seconds or 0.0 for e in waiting.values())
    assert one_core.wall_seconds == pytest.approx(whole) == one_core.core_seconds
    chain = 0.0
    folder = one(plan, "track")
    for stage in ("prepare", "split", "aggregate", "report", "track"):
        chain += waiting[one(plan, stage)].seconds or 0.0
    assert folder in waiting and chain < many.wall_seconds < one_core.wall_seconds


def test_hours_of_gpus_are_those_of_jobs_that_take_one(plan: Plan) -> None:
    folder = one(plan, "original")
    on_gpu = {folder: record(plan, folder, 5.0, device="cuda:0 NVIDIA")}
    costs = Costs(plan.jobs, on_gpu, "cuda")
    cost = total(plan.jobs, {folder: costs.of(plan.jobs[folder])}, Machine("cuda", 1))
    assert (cost.gpu_seconds, cost.core_seconds) == (pytest.approx(5.0), 0.0)


@pytest.mark.parametrize(("device", "devices"), [("gpu", 1), ("cpu", 0)])
def test_a_machine_that_there_is_not_is_refused(device: str, devices: int) -> None:
    with pytest.raises(UserError):
        Machine(device, devices)


def test_the_plan_tells_what_is_to_come(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    folder = one(plan, "unlearn", "/finetune~")
    content = json.loads(Path(folder, "record.json").read_text())
    Path(folder, "record.json").write_text(json.dumps({**content, "seconds": {"total": 7200.0}}))
    Path(folder, "manifest.json").unlink()
    stages = {line.stage: line for line in describe(STUDY).stages}
    assert stages["unlearn"].missing == 1 and stages["unlearn"].seconds is not None
    assert stages["original"].seconds == 0 and stages["original"].memory_mib == 0
    from reunlearn.commands import plan as command

    command.run(STUDY, machine=Machine("cpu", 3))
    assert "on 3 cores" in capsys.readouterr().out
