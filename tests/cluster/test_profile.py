"""What the Slurm profile asks for, job by job: read from a real dry run of Snakemake with that profile."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, RECIPE, Project

pytestmark = pytest.mark.workflow

TORCH_RULES = {"original", "retrained", "unlearn", "evaluate"}
SUBMITTED = TORCH_RULES | {"attack"}
PROFILE = ("--workflow-profile", "workflow/profiles/slurm")
LINE = re.compile(r"^\s*(?:rule (?P<rule>\w+):|resources: (?P<resources>.*)|.*Group job (?P<group>[\w-]+))")

Request = dict[str, str]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.create(tmp_path_factory.mktemp("profile") / "project")


def plan(project: Project, *arguments: str, device: str = "cpu", study: str = "tiny") -> str:
    """Return what a dry run with the profile prints."""
    options = (*PROFILE, "--dry-run", "--quiet", "host", *arguments)
    return project.snakemake(*options, study=study, more=(f"device={device}",)).stdout


def requests(printed: str) -> dict[str, list[Request]]:
    """Return {rule: what each of its jobs asks for} from a dry run's print."""
    found: dict[str, list[Request]] = defaultdict(list)
    rule = ""
    for match in filter(None, map(LINE.match, printed.splitlines())):
        if match["rule"]:
            rule = match["rule"]
        elif match["resources"]:
            found[rule].append(dict(entry.split("=", 1) for entry in match["resources"].split(", ")))
    return found


def groups(printed: str) -> dict[str, list[str]]:
    """Return {group: the rules of its jobs} from a dry run's print."""
    found: dict[str, list[str]] = {}
    group = ""
    for line in printed.splitlines():
        match = LINE.match(line)
        if match and match["group"]:
            group = match["group"]
            assert group not in found, "a group in two pieces is two jobs"
            found[group] = []
        elif match and match["rule"] and line.startswith(" "):
            found[group].append(match["rule"])
    return found


@pytest.fixture(scope="module")
def printed(project: Project) -> str:
    return plan(project)


def test_every_submitted_job_states_memory_and_time(printed: str) -> None:
    asked = requests(printed)
    assert asked.keys() >= SUBMITTED
    for rule in SUBMITTED:
        for request in asked[rule]:
            assert int(request["mem_mb"]) >= 2000, rule
            assert int(request["runtime"]) >= 10, rule
    # training and unlearning may take as long as the recipe has epochs; looking at the result is quick
    for rule in ("original", "retrained", "unlearn"):
        assert {request["runtime"] for request in asked[rule]} == {str(30 + RECIPE["epochs"])}
    assert {request["runtime"] for request in asked["evaluate"]} == {"10"}


def test_a_second_attempt_asks_for_more(project: Project, printed: str) -> None:
    first, second = requests(printed), requests(plan(project, "--attempt", "2"))
    for rule in SUBMITTED:
        for name in ("mem_mb", "runtime"):
            assert int(second[rule][0][name]) == 2 * int(first[rule][0][name]), (rule, name)


def test_only_torch_jobs_on_cuda_ask_for_a_gpu(project: Project, printed: str) -> None:
    assert all(request.get("gpu", "0") == "0" for jobs in requests(printed).values() for request in jobs)
    on_gpu = requests(plan(project, device="cuda"))
    for rule, jobs in on_gpu.items():
        wanted = {"1"} if rule in TORCH_RULES else {"0"}
        assert {request.get("gpu", "0") for request in jobs} == wanted, rule


def test_partition_and_account_come_from_the_user(
    project: Project, printed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "slurm_partition" not in printed and "slurm_account" not in printed
    monkeypatch.setenv("PARTITION", "long")
    monkeypatch.setenv("ACCOUNT", "lab7")
    for jobs in requests(plan(project)).values():
        for request in jobs:
            assert (request["slurm_partition"], request["slurm_account"]) == ("long", "lab7")


def test_the_quick_jobs_of_a_row_are_one_group(printed: str) -> None:
    found = groups(printed)
    assert len(found) == 4  # original, retrain and two methods
    assert all(name.startswith("row-") for name in found)
    assert all(sorted(rules) == ["attack", "evaluate"] for rules in found.values())


def test_an_attack_that_reads_another_row_is_in_no_group(project: Project) -> None:
    experiment = EXPERIMENT | {"attacks": ["entropy_logistic", "shadow_xgboost"], "noise_floor": True}
    project.write_study("shadowed", [experiment | {"shadows": {"with_forget": 2, "without_forget": 2}}])
    printed = plan(project, study="shadowed")
    inside = [rule for rules in groups(printed).values() for rule in rules]
    assert (inside.count("evaluate"), inside.count("attack")) == (5, 5)
    assert len(requests(printed)["attack"]) == 10


def test_the_profile_is_complete() -> None:
    """What keeps going, resubmits and notices edits must not get lost from the profile."""
    profile = Path("workflow/profiles/slurm/config.yaml").read_text()
    for line in (
        "executor: slurm",
        "retries: 2",
        "keep-going: true",
        "rerun-incomplete: true",
        "rerun-triggers: [mtime, params, input, code]",
    ):
        assert line in profile.splitlines()
