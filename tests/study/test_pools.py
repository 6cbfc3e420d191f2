"""Pools of shadow models in a plan: blocks, whom they belong to, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.jobs import MeasureJob, ShadowJob
from reunlearn.study.plan import Plan, make_plan
from tests.workflow.project import EXPERIMENT, RECIPE

ATTACKS = ["shadow_xgboost", "lira", "u_lira"]
COUNTS = {"with_forget": 8, "without_forget": 8, "halves": 20, "unlearned": 12}


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder with the recipe `tiny`."""
    for name in ("studies", "recipes"):
        (tmp_path / name).mkdir()
    (tmp_path / "recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    return tmp_path


def plan(config: Path, **change: Any) -> Plan:
    experiment = {**EXPERIMENT, "attacks": ATTACKS, "shadows": COUNTS, **change}
    content = {"name": "s", "title": "t", "experiments": [experiment]}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def shadow_jobs(plan: Plan) -> list[ShadowJob]:
    """Return the jobs that train a block."""
    return [job for job in plan.jobs.values() if isinstance(job, ShadowJob)]


def blocks(plan: Plan) -> set[str]:
    """Return the folders of all blocks, after `pools/`, digests left out."""
    folders = [job.folder.split("/pools/")[1] for job in shadow_jobs(plan)]
    return {"/".join(part.split("~")[0] for part in folder.split("/")) for folder in folders}


def test_pools_come_in_blocks_of_ten(config: Path) -> None:
    place = "random-0.25/split0"
    unlearned = {
        f"unlearned/{place}/{m}/{b}" for m in ("finetune", "gradient_ascent") for b in ("0-9", "10-11")
    }
    retrained = {f"without_forget/{place}/retrained-from-with_forget/{b}" for b in ("0-9", "10-11")}
    asked = {"with_forget/0-7", "halves/0-9", "halves/10-19", f"without_forget/{place}/0-7"}
    # an original forgets nothing: the pool of its row is with_forget, as many models as the other rows have
    assert blocks(plan(config)) == asked | unlearned | retrained | {"with_forget/0-9", "with_forget/10-11"}


def test_ten_more_are_one_more_block_and_nothing_else_changes(config: Path) -> None:
    before, after = plan(config), plan(config, shadows={**COUNTS, "halves": 30})
    assert blocks(after) - blocks(before) == {"halves/20-29"}
    for folder, job in before.jobs.items():
        reads = isinstance(job, MeasureJob) and job.measure.name == "lira"
        if job.stage not in {"aggregate", "report", "track"} and not reads:
            assert after.jobs[folder].document() == job.document()


def test_only_unlearned_models_know_the_method(config: Path) -> None:
    for job in shadow_jobs(plan(config)):
        unlearned = job.kind == "unlearned"
        names = [m for m in job.modules if "unlearning" in m]
        assert len(names) == (2 if unlearned else 0)
        assert (job.inputs.split is not None) == (job.kind == "without_forget")
        assert bool(job.inputs.splits) == (job.forgetting is not None) == unlearned
        if unlearned or "retrained-from-with_forget" in job.folder:
            assert job.first_seed in (10_000, 10_010)  # those of the pool with_forget


def test_swapped_models_are_partners_of_unlearned_ones(config: Path) -> None:
    made = plan(config, attacks=[], measures=["swap"], shadows={"unlearned": 12, "swapped": 3})
    place = "random-0.25/split0"
    rows = ("original", "finetune", "gradient_ascent")
    swapped = [job for job in shadow_jobs(made) if job.kind == "swapped"]
    assert {f"swapped/{place}/{row}/0-2" for row in rows} < blocks(made)
    assert {job.first_seed for job in swapped} == {10_000}  # as their partners
    (split,) = {folder for job in swapped for folder in job.inputs.splits}
    assert "random-0.25-swapped" in split
    whole = [job.document() for job in made.of_stage("split")]
    assert [content.get("swapped", False) for content in whole] == [False, True]
    (retrain,) = [run for run in made.runs if run.row.name == "retrain"]
    pools = made.jobs[retrain.measured["swap"]].inputs.pools
    assert pools["swapped"] == pools["unlearned"]  # the same models: they see the retain set alone


def test_pools_shared_by_all_forget_sets_are_planned_once(config: Path) -> None:
    two = [{"train": 0, "split": 0, "method": 0}, {"train": 1, "split": 1, "method": 1}]
    shared = {"with_forget/0-7", "halves/0-9", "halves/10-19"}
    both = blocks(plan(config, seeds=two, attacks=["shadow_xgboost", "lira"]))
    assert both == shared | {f"without_forget/random-0.25/split{s}/0-7" for s in (0, 1)}
    assert blocks(plan(config, seeds=two, attacks=["lira"])) == {"halves/0-9", "halves/10-19"}


def test_a_scenario_that_draws_nothing_has_one_split_and_one_pool(config: Path) -> None:
    seeds = [0, 1, 2]
    drawn = plan(config, seeds=seeds, attacks=["shadow_xgboost"])
    fixed = plan(config, seeds=seeds, attacks=["shadow_xgboost"], scenario={"kind": "class", "classes": [3]})
    assert {f"without_forget/random-0.25/split{s}/0-7" for s in seeds} < blocks(drawn)
    assert blocks(fixed) == {"with_forget/0-7", "without_forget/class-3/split0/0-7"}
    assert len(fixed.of_stage("split")) == 1
    assert len(fixed.of_stage("retrained")) == len(drawn.of_stage("retrained"))  # method seeds differ
    assert {(run.seeds.train, run.seeds.split) for run in fixed.runs} == {(0, 0), (1, 0), (2, 0)}


def test_seeds_that_differ_in_an_idle_split_only_are_refused(config: Path) -> None:
    two = [{"train": 0, "split": split, "method": 0} for split in (0, 1)]
    with pytest.raises(UserError, match="seeds: scenario 'class' draws nothing"):
        plan(config, seeds=two, attacks=[], scenario={"kind": "class", "classes": [3]})
    assert plan(config, seeds=two, attacks=[])  # the control


def test_each_model_has_its_own_seed(config: Path) -> None:
    for part in ("halves/", "without_forget/random-0.25/split0/0", "/finetune~"):
        jobs = [job for job in shadow_jobs(plan(config)) if part in job.folder]
        seeds = [job.first_seed + number for job in jobs for number in range(job.count)]
        assert jobs
        assert len(set(seeds)) == len(seeds) == sum(job.count for job in jobs)


WRONG = {
    "none": ({"shadows": None}, "attack 'shadow_xgboost' needs shadow models; add 'shadows'"),
    "too few": ({"shadows": {"halves": 2}, "attacks": ["lira"]}, "needs at least 4 models 'halves'"),
    "not asked for": (
        {"shadows": {"with_forget": 8}, "attacks": ["u_lira"]},
        "models 'unlearned' in 'shadows', not 0",
    ),
    "no partners": (
        {"shadows": {"unlearned": 2, "swapped": 3}, "attacks": [], "measures": ["swap"]},
        "measure 'swap': each of 3 models 'swapped' needs a partner; raise 'unlearned'",
    ),
    "a larger forget set": (
        {
            "scenario": {"kind": "random", "fraction": 0.6},
            "shadows": {"unlearned": 2, "swapped": 2},
            "attacks": [],
            "measures": ["swap"],
        },
        "'swap' lets 24 forget samples change places with held-out ones, there are 20",
    ),
    "in steps": (
        {
            "scenario": {"kind": "random", "fraction": 0.25, "steps": 2},
            "shadows": {"unlearned": 2, "swapped": 2},
            "attacks": [],
            "measures": ["swap"],
        },
        "'swap' lets one forget set change places with held-out samples, not one in steps",
    ),
    "whole classes": (
        {
            "scenario": {"kind": "class", "classes": [3]},
            "shadows": {"unlearned": 2, "swapped": 2},
            "attacks": [],
            "measures": ["swap"],
        },
        "'swap' is for random and .* and worst_case, not for scenario 'class'",
    ),
    "odd": ({"shadows": {"halves": 5}, "attacks": ["lira"]}, "multiple of 2"),
    "negative": ({"shadows": {"with_forget": -1}}, "at least 0"),
    "held out of the test set": (
        {
            "dataset": {"name": "digits", "train": 40, "validation": 20, "validation_from": "test"},
            "attacks": ["lira"],
        },
        "these know the official training set only; take them out of that one: 'validation_from: train'",
    ),
    "nothing held out": (
        {"dataset": {"name": "digits", "train": 40}, "attacks": ["lira"]},
        "give 'dataset' a 'validation'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_attacks_cannot_learn_from_is_refused(config: Path, case: str) -> None:
    change, message = WRONG[case]
    with pytest.raises(UserError, match=message) as error:
        plan(config, **change)
    assert "\n" not in str(error.value)


def test_no_shadows_are_fine_where_no_attack_needs_them(config: Path) -> None:
    for shadows in ({"with_forget": 0, "without_forget": 0}, None):
        assert not plan(config, shadows=shadows, attacks=["entropy_logistic"]).of_stage("shadow")
