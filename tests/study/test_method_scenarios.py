"""What the plan makes of methods for some scenarios only, of those that return another network, and of readings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.jobs import MeasureJob, StateJob, UnlearnJob
from reunlearn.study.plan import Plan, make_plan
from reunlearn.study.scenario import kinds
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.declarations import Needs
from reunlearn.unlearning.registry import method
from tests.study.test_validation import config, plan_with

__all__ = ["config"]
CLASS = {"kind": "class", "classes": [3]}


def plan_of(config: Path, methods: list[Any], **change: Any) -> Plan:
    plan_with(config, {"methods": methods, "scenario": CLASS} | change)
    return make_plan("s")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"scenario": {"kind": "random", "fraction": 0.2}},
            "'erm_ktp' is for class, not for scenario 'random'",
        ),
        (
            {"scenario": {"kind": "class", "classes": [3, 4], "steps": 2}},
            "'erm_ktp' returns another network than it starts from: it cannot forget in steps",
        ),
        (
            {"architecture": {"name": "small_vgg"}},
            "'erm_ktp' needs feature maps, which small_vgg does not give; these do: ",
        ),
    ],
)
def test_what_erm_ktp_cannot_do_is_one_line(config: Path, change: dict[str, Any], expected: str) -> None:
    with pytest.raises(UserError) as caught:
        plan_of(config, ["erm_ktp"], **change)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_same_for_a_method_without_such_limits(config: Path) -> None:
    for change in (
        {"scenario": {"kind": "random", "fraction": 0.2}},
        {"architecture": {"name": "small_vgg"}},
        {"scenario": {"kind": "class", "classes": [3, 4], "steps": 2}},
    ):
        assert plan_of(config, ["finetune"], **change).of_stage("unlearn")


def test_the_masked_network_goes_around_the_original_s(config: Path) -> None:
    plan = plan_of(config, ["erm_ktp", "finetune"])
    runs = {job.method.name: job for job in plan.jobs.values() if isinstance(job, UnlearnJob)}
    (state,) = [job for job in plan.jobs.values() if isinstance(job, StateJob)]
    own = ArchitectureSpec(name="small_cnn", settings={"width": 4})
    masked = ArchitectureSpec(name="masked", settings={"body": "small_cnn", "width": 4})
    run, plain = runs["erm_ktp"], runs["finetune"]
    assert state.kind == "entangled"
    for job in (state, run):
        assert job.result == masked
        assert job.training.architecture == own
        assert {"reunlearn.models.masked", "reunlearn.models.small_cnn"} <= set(job.modules)
    assert run.inputs.state == {"entangled": state.folder}
    assert plain.result is None
    looked_at = {
        job.inputs.model: job.training.architecture
        for job in plan.jobs.values()
        if isinstance(job, MeasureJob) and job.training
    }
    assert looked_at[run.folder] == masked
    assert looked_at[plain.folder] == own


def test_the_state_is_asked_for_only_where_the_method_is(config: Path) -> None:
    alone, both = plan_of(config, ["finetune"]), plan_of(config, ["finetune", "erm_ktp"])
    assert alone.of_stage("state") == []
    assert len(both.of_stage("state")) == 1
    assert all(both.jobs[job.folder] == job for job in alone.of_stage("original", "retrained", "unlearn"))


@pytest.mark.parametrize(
    ("row", "at", "asks"),
    [
        ("unrolling_sgd@paper", "initial", True),
        ("unrolling_sgd@code", "final", False),
        ({"name": "unrolling_sgd", "reading": "paper", "settings": {"at": "reading"}}, "initial", True),
        ({"name": "unrolling_sgd", "reading": "paper", "settings": {"at": "final"}}, "final", False),
    ],
)
def test_state_follows_the_reading(config: Path, row: Any, at: str, asks: bool) -> None:
    plan = plan_of(config, [row])
    (run,) = plan.of_stage("unlearn")
    assert isinstance(run, UnlearnJob)
    assert run.method.settings["at"] == at
    assert ("initial_weights" in run.inputs.state) == asks


def test_a_scenario_that_does_not_exist_is_refused_where_the_method_is_written() -> None:
    with pytest.raises(TypeError, match="there is no scenario klass"):

        @method(paper="none", needs=Needs(), scenarios=("klass",))
        @dataclass(frozen=True)
        class Wrong:
            """A method."""


def test_every_method_says_which_scenarios_it_is_for() -> None:
    for card in catalogue().methods.values():
        assert card.scenarios is None or set(card.scenarios) <= set(kinds())
