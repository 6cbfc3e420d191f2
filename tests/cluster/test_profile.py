"""What the Slurm profile asks for, job by job: read from a real dry run of Snakemake with that profile."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.workflow.project import RECIPE, Project

pytestmark = pytest.mark.workflow

TORCH = {"original", "retrained", "unlearn", "evaluation"}
QUICK = {"evaluation", "comparison", "entropy_logistic"}
SUBMITTED = TORCH | QUICK
PROFILE = ("--workflow-profile", "workflow/profiles/slurm")
LINE = re.compile(
    r"^\s*(?:rule (?P<rule>\w+):|wildcards: run=(?P<folder>.*)|resources: (?P<resources>.*)"
    r"|.*Group job (?P<group>[\w-]+))"
)

Request = dict[str, str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project.create(tmp_path_factory.mktemp("profile") / "project")
    project.write_specifications()
    return project


def plan(
    project: Project,
    *arguments: str,
    device: str = "cpu",
    study: str = "tiny",
    profile: tuple[str, ...] = PROFILE,
) -> str:
    """Return what a dry run with the profile prints."""
    options = (*profile, "--dry-run", "--quiet", "host", *arguments)
    return project.snakemake(*options, study=study, more=(f"device={device}",)).stdout


def name_of(rule: str, folder: str) -> str:
    """Return the rule of a job; of a measurement what is measured."""
    return Path(folder).name.split("~")[0] if rule == "measure" else rule


def requests(printed: str) -> dict[str, list[Request]]:
    """Return {rule, or what is measured: what each of its jobs asks for, its folder and its batch} from a dry run's
    print; a job that is in no batch has its folder for one."""
    jobs: dict[str, list[Request]] = defaultdict(list)
    rule = folder = batch = ""
    for line in printed.splitlines():
        match = LINE.match(line)
        if match is None:
            continue
        if match["group"]:
            batch = match["group"]
        elif match["rule"]:
            rule = match["rule"]
        elif match["folder"]:
            folder = match["folder"]
        elif match["resources"]:
            asked = dict(entry.split("=", 1) for entry in match["resources"].split(", "))
            where = batch if line.startswith(8 * " ") else folder
            jobs[name_of(rule, folder)].append({**asked, "folder": folder, "batch": where})
    return jobs


def minutes(printed: str) -> dict[str, tuple[int, list[str]]]:
    """Return {batch, or folder of a job that is alone: its time limit, the names of what is in it}."""
    limits: dict[str, tuple[int, list[str]]] = {}
    for name, jobs in requests(printed).items():
        for job in jobs:
            if job.get("runtime", "<TBD>") != "<TBD>":
                limit, names = limits.get(job["batch"], (0, []))
                limits[job["batch"]] = (limit + int(job["runtime"]), sorted([*names, name]))
    return limits


def groups(printed: str) -> dict[str, list[str]]:
    """Return {group: the rules of its jobs, or what they measure} from a dry run's print."""
    jobs: dict[str, list[str]] = {}
    group = rule = ""
    for line in printed.splitlines():
        match = LINE.match(line)
        if match and match["group"]:
            group = match["group"]
            assert group not in jobs, "a group in two pieces is two jobs"
            jobs[group] = []
        elif match and match["rule"]:
            rule = match["rule"]
        elif match and match["folder"] and line.startswith(8 * " "):
            jobs[group].append(name_of(rule, match["folder"]))
    return jobs


@pytest.fixture(scope="module")
def printed(project: Project) -> str:
    return plan(project)


def test_every_submitted_job_states_memory(project: Project, printed: str) -> None:
    asked = requests(printed)
    assert asked.keys() >= SUBMITTED
    for name in SUBMITTED:
        for request in asked[name]:
            planned = json.loads((project.root / request["folder"] / "specification.json").read_text())
            assert int(request["mem_mb"]) == planned["memory_mib"] >= 1000, name
            assert request["cpus_per_task"] == "1"


def test_every_job_of_the_cluster_states_a_time(printed: str) -> None:
    """Ten minutes, and four times the seconds that are expected: they begin another minute."""
    limits = minutes(printed)
    assert len(limits) == 4
    assert {limit for limit, _ in limits.values()} == {11}


@pytest.fixture(scope="module")
def on_cuda(project: Project) -> str:
    return plan(project, device="cuda")


def test_what_cannot_be_predicted_may_take_a_minute_per_epoch(on_cuda: str) -> None:
    limits = [(names, limit) for limit, names in minutes(on_cuda).values()]  # nothing was measured on a GPU
    trained = 20 + RECIPE["epochs"]
    row = ["comparison", "entropy_logistic", "evaluation", "unlearn"]
    assert sorted(limits) == sorted(
        [
            (["comparison", "entropy_logistic"], 11),
            (row, 10 + trained + 10 + 1),
            (
                sorted([*row, "comparison", "entropy_logistic", "evaluation"]),
                10 + trained + 20 + 1,
            ),  # and the original
            (["evaluation", "retrained"], 10 + trained + 10),
            (["original"], 10 + trained),
        ]
    )


def test_a_second_attempt_asks_for_more(project: Project, printed: str) -> None:
    again = plan(project, "--attempt", "2")
    first, second = requests(printed), requests(again)
    for name in SUBMITTED:
        assert int(second[name][0]["mem_mb"]) == 2 * int(first[name][0]["mem_mb"]), name
    assert {limit for limit, _ in minutes(again).values()} == {22}


def test_only_torch_jobs_on_cuda_ask_for_a_gpu(printed: str, on_cuda: str) -> None:
    assert all(request.get("gpu", "0") == "0" for jobs in requests(printed).values() for request in jobs)
    assert requests(on_cuda).keys() >= SUBMITTED
    for name, jobs in requests(on_cuda).items():
        wanted = {"1"} if name in TORCH else {"0"}
        assert {request.get("gpu", "0") for request in jobs} == wanted, name


def test_a_type_of_gpu_is_asked_for_by_jobs_that_use_one(project: Project, tmp_path: Path) -> None:
    """It comes from a user's own file, laid over the profile."""
    (tmp_path / "config.yaml").write_text("default-resources: {gpu_model: a100, slurm_partition: fast}\n")
    options = ("--profile", "workflow/profiles/slurm", "--workflow-profile", str(tmp_path))
    printed = plan(project, profile=options, device="cuda")
    asked = [request for name in SUBMITTED for request in requests(printed)[name]]
    with_gpu = {request["batch"] for request in asked if request["gpu"] == "1"}
    without = {request["batch"] for request in asked} - with_gpu
    assert len(with_gpu) == 4 and len(without) == 1  # what is measured on outputs alone, for Retrain
    for request in asked:  # all of a batch say the same
        assert request["gpu_model"] == ("a100" if request["batch"] in with_gpu else "")
        assert request["slurm_partition"] == "fast"


def test_partition_and_account_come_from_the_user(
    project: Project, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "slurm_partition" not in printed and "slurm_account" not in printed
    monkeypatch.setenv("PARTITION", "long")
    monkeypatch.setenv("ACCOUNT", "lab7")
    for jobs in requests(plan(project)).values():
        for request in jobs:
            assert (request["slurm_partition"], request["slurm_account"]) == ("long", "lab7")


def test_runs_that_wait_alike_are_one_batch(printed: str) -> None:
    jobs = groups(printed)
    row = ["comparison", "entropy_logistic", "evaluation", "unlearn"]
    assert sorted(sorted(names) for names in jobs.values()) == [
        sorted(
            [*row, *row, "comparison", "entropy_logistic", "evaluation"]
        ),  # two methods; the original as it is
        ["comparison", "entropy_logistic"],  # of Retrain
        ["evaluation", "retrained"],  # which the others are compared with
    ]


def test_the_profile_is_complete() -> None:
    """What keeps going and resubmits must not get lost from the profile."""
    profile = Path("workflow/profiles/slurm/config.yaml").read_text()
    lines = [line.split(" #")[0] for line in profile.splitlines()]
    for line in (
        "executor: slurm",
        "retries: 2",
        "keep-going: true",
        "keep-incomplete: true",
        "scheduler: greedy",
    ):
        assert line in lines
