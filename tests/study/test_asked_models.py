"""Scenarios that ask trained models, in a plan: what is read, what the name says, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load, scenario
from reunlearn.study.jobs import ShadowJob, SplitJob, StateJob
from reunlearn.study.plan import Plan, make_plan
from reunlearn.study.scenario import Scenario
from tests.workflow.project import DATASET, EXPERIMENT, RECIPE

MEMORISED = {"kind": "memorised", "fraction": 0.25}
SHADOWS = {"halves": 20}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder with the recipes `tiny` and `longer`, and one that trains nothing."""
    for name in ("studies", "recipes"):
        (tmp_path / name).mkdir()
    for name, epochs in (("tiny", 2), ("longer", 3), ("nothing", 0)):
        (tmp_path / f"recipes/{name}.yaml").write_text(yaml.safe_dump({**RECIPE, "epochs": epochs}))
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    return tmp_path


def plan(config: Path, *changes: dict[str, Any]) -> Plan:
    """Return the plan of an experiment for each of these changes."""
    experiments = [
        {
            **EXPERIMENT,
            "attacks": [],
            "scenario": MEMORISED,
            "shadows": SHADOWS,
            "name": f"e{number}",
            **change,
        }
        for number, change in enumerate(changes or ({},))
    ]
    content = {"name": "s", "title": "t", "experiments": experiments}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def splits(plan: Plan) -> list[SplitJob]:
    """Return the jobs that choose what is forgotten."""
    return [job for job in plan.jobs.values() if isinstance(job, SplitJob)]


def test_the_split_waits_for_the_half_pool_and_the_half_pool_for_no_split(config: Path) -> None:
    made = plan(config)
    (split,) = splits(made)
    blocks = [job for job in made.jobs.values() if isinstance(job, ShadowJob)]
    assert split.inputs.halves == tuple(job.folder for job in blocks)
    assert [(job.kind, job.count) for job in blocks] == [("halves", 10), ("halves", 10)]
    for job in blocks:
        assert job.inputs.folders() == [split.inputs.data]
    order = list(made.jobs)
    assert max(order.index(job.folder) for job in blocks) < order.index(split.folder)


def test_the_worst_case_waits_for_the_original_of_the_split_seed(config: Path) -> None:
    seeds = [{"train": 0, "split": 0, "method": 0}, {"train": 1, "split": 0, "method": 1}]
    worst = {"kind": "worst_case", "fraction": 0.25}
    made = plan(config, {"scenario": worst, "shadows": None, "seeds": seeds})
    (split,) = splits(made)
    assert split.inputs.weights is not None
    state = made.jobs[split.inputs.weights]
    assert isinstance(state, StateJob)
    assert (state.kind, state.seed) == ("forget_weights", 0)
    assert state.inputs.folders() == [split.inputs.data, state.inputs.original]
    assert state.inputs.original.endswith("/original/train0")
    assert {job.folder[-7:] for job in made.of_stage("original")} == {"/train0", "/train1"}
    order = list(made.jobs)
    assert order.index(state.inputs.original) < order.index(state.folder) < order.index(split.folder)


def test_other_settings_of_the_worst_case_choose_anew(config: Path) -> None:
    worst = {"kind": "worst_case", "fraction": 0.25}
    changes = [{"scenario": {**worst, **more}, "shadows": None} for more in ({}, {"epochs": 3})]
    made = plan(config, *changes)
    assert (len(splits(made)), len(made.of_stage("state"))) == (2, 2)


def test_other_scenarios_are_written_as_before(config: Path) -> None:
    (split,) = splits(plan(config, {"scenario": EXPERIMENT["scenario"]}))
    assert split.document()["inputs"] == {"data": "runs/digits/prepared", "taught": None}


def test_the_forget_set_of_other_models_is_another_one(config: Path) -> None:
    changes = ({}, {"recipe": "longer"}, {"shadows": {"halves": 10}})
    assert len({job.folder for job in splits(plan(config, *changes))}) == 3
    assert len(splits(plan(config, {}, {"methods": ["finetune"]}))) == 1  # the control


def test_a_row_with_its_own_recipe_forgets_the_samples_of_the_others(config: Path) -> None:
    rows = ["finetune", {"name": "finetune", "label": "longer", "recipe": "longer"}]
    made = plan(config, {"methods": rows})
    assert len(splits(made)) == 1
    trained = {job.training.recipe.epochs for job in made.jobs.values() if isinstance(job, ShadowJob)}
    assert trained == {2}


def test_levels_share_the_pool(config: Path) -> None:
    made = plan(config, {}, {"scenario": {**MEMORISED, "level": "low"}})
    assert (len(splits(made)), len(made.of_stage("shadow"))) == (2, 2)


def test_no_validation_samples_are_needed(config: Path) -> None:
    assert splits(plan(config, {"dataset": {**DATASET, "validation": 0}}))


WRONG = {
    "no shadows": ({"shadows": None}, "scenario 'memorised' needs shadow models; add 'shadows'"),
    "too few": (
        {"shadows": {"halves": 2}},
        "scenario 'memorised' needs at least 4 models 'halves' in 'shadows', not 2",
    ),
    "nothing is trained": (
        {"recipe": "nothing", "retrain": False, "noise_floor": False},
        "scenario 'memorised' asks trained models, and recipe 'nothing' trains for no epoch",
    ),
    "no answers": (
        {
            "architecture": {"name": "small_denoiser"},
            "objective": {"name": "noise_prediction"},
            "measures": ["denoising_loss"],
        },
        "scenario 'memorised' asks what models answer; the objective 'noise_prediction' has no answers",
    ),
}


@pytest.mark.parametrize(("change", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_asked_is_one_line(config: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as caught:
        plan(config, change)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_kind_that_teaches_the_models_that_it_asks_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Circular(Scenario):
        """Poisons and reads."""

        POISONS: ClassVar[bool] = True
        READS: ClassVar[tuple[str, ...]] = ("halves",)

    Circular.__module__ = "reunlearn.data.scenarios.memorised"
    monkeypatch.setattr(scenario, "kind_class", lambda kind: Circular)
    with pytest.raises(UserError, match="each would wait for the other"):
        plan(config, {"scenario": {"kind": "memorised"}})
