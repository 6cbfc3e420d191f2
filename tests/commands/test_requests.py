"""What jobs ask a cluster for."""

from __future__ import annotations

import math

import pytest

from reunlearn.commands import plan as command
from reunlearn.commands.costs import Costs
from reunlearn.commands.duration import Machine, on_gpu
from reunlearn.commands.requests import MARGIN, TIMES, Requests
from reunlearn.study.plan import Plans, make_plans


@pytest.fixture(scope="module")
def plans() -> Plans:
    return make_plans(["gdr-gma-smoke"])


def asked(plans: Plans, device: str = "cpu") -> Requests:
    return Requests(plans.jobs, plans.jobs.keys(), Costs(plans.jobs, {}, device))


def test_the_times_of_a_batch_add_up_to_its_own(plans: Plans) -> None:
    requests = asked(plans)
    for batch in requests.batches:
        seconds = [requests.costs.of(plans.jobs[folder]).seconds for folder in batch]
        if None in seconds:
            continue
        limit = sum(requests.minutes(folder) for folder in batch)
        assert limit == math.ceil(MARGIN + TIMES * sum(s for s in seconds if s is not None) / 60)
        assert all(requests.minutes(folder) >= 0 for folder in batch)


def test_of_unknown_length_a_training_gets_a_minute_per_epoch(plans: Plans) -> None:
    requests = asked(plans, "cuda")  # nothing was measured on a GPU
    originals = [job for job in plans.jobs.values() if job.stage == "original"]
    assert originals
    for job in originals:
        assert requests.minutes(job.folder) == MARGIN + 20 + job.training.recipe.epochs


def test_lengths_count_every_batch(plans: Plans) -> None:
    requests = asked(plans)
    lengths = requests.lengths()
    assert lengths.jobs == sum(map(len, requests.batches)) < len(plans.jobs)
    assert lengths.batches == len(lengths.seconds) + lengths.unknown
    assert list(lengths.seconds) == sorted(lengths.seconds)
    assert f"in {lengths.batches} Slurm jobs" in " ".join(lengths.lines())


def test_plan_says_how_long_slurm_jobs_are(capsys: pytest.CaptureFixture[str]) -> None:
    command.run("gdr-gma-smoke", slurm=True, machine=Machine())
    assert "on Slurm: " in capsys.readouterr().out
    command.run("gdr-gma-smoke", machine=Machine())
    assert "on Slurm: " not in capsys.readouterr().out


def test_what_reads_outputs_alone_takes_no_gpu(plans: Plans) -> None:
    measured = {job.measure.name: job for job in plans.jobs.values() if job.stage == "measure"}
    assert on_gpu(measured["evaluation"], Machine("cuda"))
    assert not on_gpu(measured["entropy_logistic"], Machine("cuda"))
