"""Without Snakemake, jobs run one after the other: each after those that it reads."""

from __future__ import annotations

from reunlearn.commands.execute_plan import in_order
from reunlearn.study.plan import Plan
from tests.commands import made


def test_every_job_comes_after_those_that_it_reads(plan: Plan) -> None:
    made.write_study(
        {**made.SMALL, "noise_floor": True}
    )  # Retrain is compared with a model that is planned later
    plan = made.make_plan(made.STUDY)
    order = [job.folder for job in in_order(plan.jobs)]
    assert sorted(order) == sorted(plan.jobs)
    late = [
        (j.folder, f)
        for j in plan.jobs.values()
        for f in j.inputs.folders()
        if order.index(f) > order.index(j.folder)
    ]
    assert late == []


def test_control_the_order_of_the_plan_will_not_do(plan: Plan) -> None:
    made.write_study({**made.SMALL, "noise_floor": True})
    plan = made.make_plan(made.STUDY)
    order = list(plan.jobs)
    assert any(order.index(f) > order.index(j.folder) for j in plan.jobs.values() for f in j.inputs.folders())
