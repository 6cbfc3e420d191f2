"""What the Slurm profile asks for, job by job: read from a real dry run of Snakemake with that profile."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, RECIPE, Project

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


def plan(project: Project, *arguments: str, device: str = "cpu", study: str = "tiny") -> str:
    """Return what a dry run with the profile prints."""
    options = (*PROFILE, "--dry-run", "--quiet", "host", *arguments)
    return project.snakemake(*options, study=study, more=(f"device={device}",)).stdout


def name_of(rule: str, folder: str) -> str:
    """Return the rule of a job; of a measurement what is measured."""
    return Path(folder).name.split("~")[0] if rule == "measure" else rule


def requests(printed: str) -> dict[str, list[Request]]:
    """Return {rule, or what is measured: what each of its jobs asks for, and its folder} from a dry run's print."""
    jobs: dict[str, list[Request]] = defaultdict(list)
    rule = folder = ""
    for match in filter(None, map(LINE.match, printed.splitlines())):
        if match["rule"]:
            rule = match["rule"]
        elif match["folder"]:
            folder = match["folder"]
        elif match["resources"]:
            asked = dict(entry.split("=", 1) for entry in match["resources"].split(", "))
            jobs[name_of(rule, folder)].append({**asked, "folder": folder})
    return jobs


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


def test_every_submitted_job_states_memory_and_time(project: Project, printed: str) -> None:
    asked = requests(printed)
    assert asked.keys() >= SUBMITTED
    for name in SUBMITTED:
        for request in asked[name]:
            planned = json.loads((project.root / request["folder"] / "specification.json").read_text())
            assert int(request["mem_mb"]) == planned["memory_mib"] >= 1000, name
            assert int(request["runtime"]) == 11, (
                f"{name}: seconds, of which four times as many begin a minute"
            )


@pytest.fixture(scope="module")
def on_cuda(project: Project) -> dict[str, list[Request]]:
    return requests(plan(project, device="cuda"))


def test_what_cannot_be_predicted_may_take_a_minute_per_epoch(on_cuda: dict[str, list[Request]]) -> None:
    asked = on_cuda  # nothing was measured on a GPU
    for name in ("original", "retrained", "unlearn"):
        assert {request["runtime"] for request in asked[name]} == {str(30 + RECIPE["epochs"])}
    assert {request["runtime"] for request in asked["evaluation"]} == {"10"}


def test_a_second_attempt_asks_for_more(project: Project, printed: str) -> None:
    first, second = requests(printed), requests(plan(project, "--attempt", "2"))
    for name in SUBMITTED:
        for resource in ("mem_mb", "runtime"):
            assert int(second[name][0][resource]) == 2 * int(first[name][0][resource]), (name, resource)


def test_only_torch_jobs_on_cuda_ask_for_a_gpu(printed: str, on_cuda: dict[str, list[Request]]) -> None:
    assert all(request.get("gpu", "0") == "0" for jobs in requests(printed).values() for request in jobs)
    assert on_cuda.keys() >= SUBMITTED
    for name, jobs in on_cuda.items():
        wanted = {"1"} if name in TORCH else {"0"}
        assert {request.get("gpu", "0") for request in jobs} == wanted, name


def test_partition_and_account_come_from_the_user(
    project: Project, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "slurm_partition" not in printed and "slurm_account" not in printed
    monkeypatch.setenv("PARTITION", "long")
    monkeypatch.setenv("ACCOUNT", "lab7")
    for jobs in requests(plan(project)).values():
        for request in jobs:
            assert (request["slurm_partition"], request["slurm_account"]) == ("long", "lab7")


def test_what_is_measured_on_a_run_is_one_group(printed: str) -> None:
    jobs = groups(printed)
    assert len(jobs) == 4  # original, retrain and two methods
    assert all(name.startswith("run-") for name in jobs)
    # the other three are compared with Retrain, which is another run
    assert sorted(sorted(names) for names in jobs.values()) == [
        ["comparison", "entropy_logistic", "evaluation"],
        *3 * [["entropy_logistic", "evaluation"]],
    ]


def test_what_reads_another_run_s_outputs_is_in_no_group(project: Project) -> None:
    attacks, shadows = ["entropy_logistic", "shadow_xgboost"], {"with_forget": 2, "without_forget": 2}
    more = {"attacks": attacks, "shadows": shadows, "noise_floor": True, "measures": ["relearn_time"]}
    project.write_study("shadowed", [EXPERIMENT | more])
    printed = plan(project, study="shadowed")
    inside = [name for names in groups(printed).values() for name in names]
    assert sorted(inside) == sorted(5 * ["evaluation", "entropy_logistic"])
    asked = requests(printed)
    for name in ("comparison", "shadow_xgboost", "relearn_time"):
        assert len(asked[name]) == 5, name
    assert {request["runtime"] for request in asked["relearn_time"]} == {"40"}  # it may train thirty epochs


def test_the_profile_is_complete() -> None:
    """What keeps going and resubmits must not get lost from the profile."""
    profile = Path("workflow/profiles/slurm/config.yaml").read_text()
    for line in (
        "executor: slurm",
        "retries: 2",
        "keep-going: true",
    ):
        assert line in profile.splitlines()
