"""Trials in a plan: ordinary runs on other seeds, probed, never evaluated; all of them known before any job runs."""

from __future__ import annotations

from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.expand import Expansion
from reunlearn.study.jobs import ChooseJob, Job, ProbeJob, ShadowJob, UnlearnJob
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import RunSpec
from tests.workflow.project import EXPERIMENT

RECIPE = {"recipe": "digits-small"}
SEARCH = {"budget": 3, "seeds": [5, 6]}
SEARCHED = {"name": "finetune", "search": {"epochs": [1, 2], "learning_rate": [0.1, 0.2]}}


def planned(**changes: Any) -> tuple[dict[str, Job], list[RunSpec]]:
    """Return the jobs and runs of an experiment, in the order in which they are planned."""
    jobs: dict[str, Job] = {}

    def add(job: Job) -> str:
        assert jobs.setdefault(job.folder, job) == job
        return job.folder

    content = {**EXPERIMENT, **RECIPE, "search": SEARCH, "methods": [SEARCHED], **changes}
    return jobs, Expansion(add, Experiment.model_validate(content), catalogue(), "here").runs()


def of(jobs: dict[str, Job], kind: type[Job]) -> list[Any]:
    return [job for job in jobs.values() if type(job) is kind]


def test_every_trial_is_a_run_and_a_probe_on_each_seed_of_the_search() -> None:
    jobs, runs = planned()
    (choice,) = of(jobs, ChooseJob)
    trials = [job for job in of(jobs, UnlearnJob) if job.method.search is None]
    assert len(trials) == 3 * 2
    assert {job.seed for job in trials} == {5, 6}
    assert len({job.method.digest for job in trials}) == 3
    assert len(choice.inputs.trials) == 3 * 2 and len(choice.inputs.originals) == 2
    probed = [jobs[folder].inputs.model for folder in choice.inputs.trials]
    assert probed == [
        next(j.folder for j in trials if j.method == trial and j.seed == seed)
        for trial in choice.method.trials
        for seed in (5, 6)
    ]
    assert {run.seeds.train for run in runs} == {0}


def test_a_trial_is_the_run_that_its_settings_have_as_an_ordinary_row() -> None:
    jobs, _ = planned()
    trial = next(job for job in of(jobs, UnlearnJob) if job.method.search is None)
    ordinary = {"name": "finetune", "settings": trial.method.settings}
    others, _ = planned(methods=[ordinary], seeds=[5, 6], search=None)
    assert others[trial.folder] == trial


def test_the_row_reads_the_choice_and_its_path_follows_the_trials() -> None:
    jobs, runs = planned()
    (choice,) = of(jobs, ChooseJob)
    run = runs[-1]
    assert run.choice == choice.folder == jobs[run.model].inputs.choice
    assert set(jobs[run.model].method.settings).isdisjoint(SEARCHED["search"])
    _, (*_, other) = planned(methods=[{**SEARCHED, "search": {"epochs": [1, 3]}}])
    assert other.model != run.model


def test_nothing_of_a_search_reads_retrain_or_the_test_set() -> None:
    jobs, _ = planned()
    for probe in of(jobs, ProbeJob):
        assert not [f for f in probe.inputs.folders() if "retrained" in f or "/measured/" in f]
    searching = [f for f in jobs if "/split5/" in f or "/split6/" in f]
    assert searching
    assert not [f for f in searching if "/measured/" in f or "/retrained/" in f]


def test_runs_probes_and_choices_come_after_what_they_read() -> None:
    jobs, _ = planned()
    places = {folder: place for place, folder in enumerate(jobs)}
    for folder, job in jobs.items():
        if type(job) not in (UnlearnJob, ProbeJob, ChooseJob):
            continue
        assert all(places[other] < places[folder] for other in job.inputs.folders()), folder


def test_rows_in_steps_share_the_choice_of_the_first_one() -> None:
    scenario = {"kind": "class", "classes": [3, 5], "steps": 2}
    first, second = (planned(scenario={**scenario, "step": step})[0] for step in (1, 2))
    assert [job.folder for job in of(first, ChooseJob)] == [job.folder for job in of(second, ChooseJob)]
    rows = [job for job in of(second, UnlearnJob) if job.method.search]
    assert [job.scenario.step for job in rows] == [1, 2]
    assert len({job.inputs.choice for job in rows}) == 1


def test_a_pool_of_unlearned_models_reads_the_choice() -> None:
    jobs, _ = planned(attacks=["u_lira"], shadows={"unlearned": 2, "without_forget": 2})
    (pool,) = [job for job in of(jobs, ShadowJob) if job.forgetting]
    assert pool.inputs.choice == of(jobs, ChooseJob)[0].folder


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"methods": [{**SEARCHED, "search": {"epoch": [1, 2]}}]},
            "method 'finetune': search: unknown hyper-parameter 'epoch'; did you mean epochs",
        ),
        (
            {"methods": [{**SEARCHED, "search": {"learning_rate": [0.1, -0.1]}}]},
            "search: learning_rate must be above 0",
        ),
        (
            {
                "methods": [
                    {"name": "unrolling_sgd", "reading": "paper", "search": {"at": ["initial", "final"]}}
                ]
            },
            "search: at decides which training-time state is read; give it in 'settings'",
        ),
        (
            {
                "methods": [SEARCHED],
                "objective": {"name": "noise_prediction", "settings": {"timesteps": 20}},
                "architecture": {"name": "small_denoiser", "settings": {"width": 16, "timesteps": 20}},
                "attacks": [],
            },
            "a search asks for outputs, which the objective 'noise_prediction' does not give",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_in_the_plan(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        planned(**changes)
    assert said in str(caught.value)
