"""Pools of shadow models in a plan: blocks, whom they belong to, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
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
    load.load_recipe.cache_clear()
    load._presets.cache_clear()
    return tmp_path


def plan(config: Path, **change: Any) -> Plan:
    experiment = {**EXPERIMENT, "attacks": ATTACKS, "shadows": COUNTS, **change}
    content = {"name": "s", "title": "t", "experiments": [experiment]}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def blocks(plan: Plan) -> set[str]:
    """Return the folders of all blocks, after `pools/`, digests left out."""
    folders = [job.folder.split("/pools/")[1] for job in plan.of_stage("shadow")]
    return {"/".join(part.split("~")[0] for part in folder.split("/")) for folder in folders}


def test_pools_come_in_blocks_of_ten(config: Path) -> None:
    place = "random-0.25/split0"
    unlearned = {
        f"unlearned/{place}/{m}/{b}" for m in ("finetune", "gradient_ascent") for b in ("0-9", "10-11")
    }
    retrained = {f"outside/{place}/retrained-from-inside/{b}" for b in ("0-9", "10-11")}
    asked = {"inside/0-7", "half/0-9", "half/10-19", f"outside/{place}/0-7"}
    # an original forgets nothing: the pool of its row is the one inside, as many as the other rows have
    assert blocks(plan(config)) == asked | unlearned | retrained | {"inside/0-9", "inside/10-11"}


def test_ten_more_are_one_more_block_and_nothing_else_changes(config: Path) -> None:
    before, after = plan(config), plan(config, shadows={**COUNTS, "halves": 30})
    assert blocks(after) - blocks(before) == {"half/20-29"}
    for folder, job in before.jobs.items():
        reads = job.stage == "attack" and job.specification["attack"] == "lira"
        if job.stage not in {"aggregate", "report", "track"} and not reads:
            assert after.jobs[folder].document == job.document


def test_only_unlearned_models_know_the_method(config: Path) -> None:
    for job in plan(config).of_stage("shadow"):
        kind = job.specification["kind"]
        names = [m for m in job.modules if "unlearning" in m or "forgetting" in m]
        assert len(names) == (2 if kind == "unlearned" else 0)
        assert ("split" in job.inputs) == (kind == "without_forget")
        assert ("splits" in job.inputs) == (kind == "unlearned")
        if kind == "unlearned" or "retrained-from-inside" in job.folder:
            assert job.specification["first_seed"] in (10_000, 10_010)  # those of the pool inside


def test_pools_shared_by_all_forget_sets_are_planned_once(config: Path) -> None:
    two = [{"train": 0, "split": 0, "method": 0}, {"train": 1, "split": 1, "method": 1}]
    found = blocks(plan(config, seeds=two, attacks=["shadow_xgboost", "lira"]))
    shared = {"inside/0-7", "half/0-9", "half/10-19"}
    assert found == shared | {f"outside/random-0.25/split{s}/0-7" for s in (0, 1)}
    assert blocks(plan(config, seeds=two, attacks=["lira"])) == {"half/0-9", "half/10-19"}


def test_each_model_has_its_own_seed(config: Path) -> None:
    for of in ("half/", "outside/random-0.25/split0/0", "/finetune~"):
        jobs = [job.specification for job in plan(config).of_stage("shadow") if of in job.folder]
        seeds = [s["first_seed"] + n for s in jobs for n in range(s["count"])]
        assert len(set(seeds)) == len(seeds) == sum(s["count"] for s in jobs)


WRONG = {
    "none": ({"shadows": None}, "attack 'shadow_xgboost' needs shadow models; add 'shadows'"),
    "too few": ({"shadows": {"halves": 2}, "attacks": ["lira"]}, "needs at least 4 models 'halves'"),
    "not asked for": (
        {"shadows": {"with_forget": 8}, "attacks": ["u_lira"]},
        "models 'unlearned' in 'shadows', not 0",
    ),
    "odd": ({"shadows": {"halves": 5}, "attacks": ["lira"]}, "multiple of 2"),
    "negative": ({"shadows": {"with_forget": -1}}, "greater than or equal to 0"),
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
