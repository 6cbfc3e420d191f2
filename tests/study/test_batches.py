"""Which jobs a cluster runs as one: no job is lost, none waits for itself, and a failure holds up nothing else."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from reunlearn.study.batches import ENOUGH_SECONDS, MOST, Batch, batches
from reunlearn.study.plan import Plans, make_plans
from reunlearn.study.stages import STAGES

STUDIES = (
    "quickstart",
    "methods-on-digits",
    "quickstart-searched",
    "gdr-gma-lite",
    "pgu-smoke",
    "quickstart-generation",
)


@pytest.fixture(scope="module", params=STUDIES)
def plans(request: pytest.FixtureRequest) -> Plans:
    return make_plans([request.param])


def batched(plans: Plans, seconds: float | None) -> list[Batch]:
    return batches(plans.jobs, plans.jobs.keys(), dict.fromkeys(plans.jobs, seconds))


def around(plans: Plans, batch: Batch) -> tuple[set[str], set[str]]:
    """Return what a batch waits for, and what waits for it."""
    inside = set(batch)
    before = {f for folder in batch for f in plans.jobs[folder].inputs.folders()}
    after = {f for f, job in plans.jobs.items() if not inside.isdisjoint(job.inputs.folders())}
    return before - inside, after - inside


@pytest.mark.parametrize("seconds", [1.0, 200.0, None])
def test_every_job_is_in_one_batch_and_none_waits_for_itself(plans: Plans, seconds: float | None) -> None:
    made = batched(plans, seconds)
    inside = sorted(folder for batch in made for folder in batch)
    assert inside == sorted(f for f, job in plans.jobs.items() if not STAGES[job.stage].local)
    number = {folder: i for i, batch in enumerate(made) for folder in batch}
    graph: dict[object, set[object]] = {}
    for folder, job in plans.jobs.items():
        own = number.get(folder, folder)
        graph.setdefault(own, set()).update(number.get(f, f) for f in job.inputs.folders())
        graph[own].discard(own)
    TopologicalSorter(graph).prepare()  # raises where there is a circle


def test_a_batch_is_in_an_order_in_which_it_can_be_made(plans: Plans) -> None:
    for batch in batched(plans, 1.0):
        for place, folder in enumerate(batch):
            assert not set(batch[place:]) & set(plans.jobs[folder].inputs.folders())


def test_a_batch_ends_when_it_is_long_enough_or_full() -> None:
    jobs = make_plans(["methods-on-digits"]).jobs
    for seconds in (1.0, 100.0):
        for batch in batches(jobs, jobs.keys(), dict.fromkeys(jobs, seconds)):
            assert len(batch) <= MOST
            assert len(batch) * seconds < 2 * ENOUGH_SECONDS + 10 * seconds


def test_several_runs_of_a_batch_wait_alike() -> None:
    """Each method of a batch waits for the same originals and models to compare with; only the results wait for it."""
    plans = make_plans(["quickstart"])
    several = [b for b in batched(plans, 1.0) if sum(plans.jobs[f].stage == "unlearn" for f in b) > 1]
    assert several
    for batch in several:
        before, after = around(plans, batch)
        for folder in (f for f in batch if plans.jobs[f].stage == "unlearn"):
            run = tuple(f for f in batch if f.startswith(folder))
            assert around(plans, run) == (before, after)
        assert {plans.jobs[f].stage for f in after} == {"aggregate"}


def test_what_others_wait_for_is_apart_from_what_they_do_not() -> None:
    """A failing attack on Retrain holds up no comparison with Retrain."""
    plans = make_plans(["quickstart"])
    for batch in batched(plans, 1.0):
        awaited = {f for f in around(plans, batch)[1] if plans.jobs[f].stage != "aggregate"}
        if awaited:
            assert not {f for f in batch if "/measured/" in f and "/measured/evaluation" not in f}


def test_of_a_study_that_is_large_enough_half_of_the_batches_take_minutes() -> None:
    plans = make_plans(["gdr-gma-lite"])
    made = batched(plans, 60.0)
    lengths = sorted(60.0 * len(batch) for batch in made)
    assert lengths[len(lengths) // 2] >= 300
    assert len(made) < len(plans.jobs) / 4


def test_control_alone_no_job_takes_minutes() -> None:
    plans = make_plans(["gdr-gma-lite"])
    made = batches(plans.jobs, plans.jobs.keys(), dict.fromkeys(plans.jobs, ENOUGH_SECONDS))
    assert len(made) > len(plans.jobs) / 6
    assert max(len(batch) for batch in made) < 20


def test_only_what_is_wanted_is_batched() -> None:
    plans = make_plans(["quickstart"])
    wanted = [f for f, job in plans.jobs.items() if job.stage == "measure"]
    made = batches(plans.jobs, wanted, dict.fromkeys(wanted, 1.0))
    assert sorted(f for batch in made for f in batch) == sorted(wanted)
