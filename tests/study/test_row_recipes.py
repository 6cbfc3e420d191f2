"""A row whose original is trained by another recipe than the experiment's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.jobs import MeasureJob, TrainJob, UnlearnJob
from reunlearn.study.plan import Plan, make_plan
from tests.study.test_validation import NOISE, config, plan_with

__all__ = ["config"]
OWN = {"name": "finetune", "label": "std", "recipe": "spread", "settings": {"epochs": 1}}
PLAIN = {"name": "finetune", "settings": {"epochs": 1}}


@pytest.fixture(autouse=True)
def _spread(config: Path) -> None:
    """A recipe that adds the spread of the logits to the loss."""
    recipe = yaml.safe_load((config / "recipes/tiny.yaml").read_text())
    (config / "recipes/spread.yaml").write_text(yaml.safe_dump(recipe | {"logit_std": 0.1}))


def planned(config: Path, methods: list[Any], **change: Any) -> Plan:
    plan_with(config, {"methods": methods, **change})
    return make_plan("s")


def originals(plan: Plan) -> dict[str, TrainJob]:
    """Return the originals by the recipe that trains them."""
    jobs = [job for job in plan.of_stage("original") if isinstance(job, TrainJob)]
    return {job.training.recipe.name: job for job in jobs}


def test_the_row_starts_from_its_own_original_and_is_compared_with_the_one_retrain(config: Path) -> None:
    plan = planned(config, [PLAIN, OWN], measures=["relearn_time"])
    trained = originals(plan)
    assert trained.keys() == {"tiny", "spread"}
    assert trained["spread"].training.recipe.logit_std == 0.1
    assert {job.training.recipe.name for job in plan.of_stage("retrained") if isinstance(job, TrainJob)} == {
        "tiny"
    }
    unlearned = {
        job.training.recipe.name: job for job in plan.of_stage("unlearn") if isinstance(job, UnlearnJob)
    }
    for name, job in unlearned.items():
        assert job.inputs.original == trained[name].folder
    (run,) = (run for run in plan.runs if run.row.label == "std")
    comparison, relearned = (plan.jobs[run.measured[name]] for name in ("comparison", "relearn_time"))
    assert isinstance(comparison, MeasureJob) and isinstance(relearned, MeasureJob)
    assert comparison.inputs.original_model == trained["spread"].folder
    assert comparison.inputs.reference_model == plan.of_stage("retrained")[0].folder
    assert relearned.inputs.original in plan.jobs  # measured, though it is no row
    assert [run.row.name for run in plan.runs].count("original") == 1


def test_the_row_changes_nothing_else(config: Path) -> None:
    with_row, without = planned(config, [PLAIN, OWN]), planned(config, [PLAIN])
    tail = {"aggregate", "report", "track"}
    for folder, job in without.jobs.items():
        assert job.stage in tail or with_row.jobs[folder] == job
    added = [with_row.jobs[folder] for folder in with_row.jobs.keys() - without.jobs.keys()]
    assert all("-spread~" in job.folder for job in added) and len(added) < 8


def test_what_shortens_the_recipe_shortens_the_rows_too(config: Path) -> None:
    trained = originals(planned(config, [PLAIN, OWN], recipe={"name": "tiny", "epochs": 1}))
    assert [job.training.recipe.epochs for job in trained.values()] == [1, 1]


@pytest.mark.parametrize(
    ("methods", "change", "said"),
    [
        ([{**OWN, "label": None}], {}, "a row with a recipe of its own needs a label"),
        ([{**OWN, "recipe": "spraed"}], {}, "no recipe 'spraed'"),
        ([{**OWN, "recipe": "coloured"}], {}, "row 'finetune\\+std': recipe 'coloured' is for 3 channels"),
        (
            [PLAIN],
            {**NOISE, "recipe": "spread", "objective": {"name": "noise_prediction"}},
            "has 'logit_std', but",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    config: Path, methods: list[Any], change: dict[str, Any], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        planned(config, methods, **change)
