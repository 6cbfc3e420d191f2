"""No two models that a comparison takes for independent are trained from one seed, whatever seeds a study names.

The plans here have the outermost seeds that a study may have and the largest pools.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.study import fields, load, pools
from reunlearn.study.jobs import Job, ShadowJob, TrainJob
from reunlearn.study.plan import Plan, make_plan
from tests.workflow.project import EXPERIMENT, RECIPE

MOST = 1000  # models of a pool
TRAIN = (0, 1, fields.LAST_TRAIN_SEED)
SPLIT = (0, 1, fields.LAST_SPLIT_SEED - 1, fields.LAST_SPLIT_SEED)
METHOD = (0, 1, fields.LAST_METHOD_SEED)
SEEDS = [
    {"train": train, "split": split, "method": method}
    for train, split, method in itertools.product(TRAIN, SPLIT, METHOD)
]

Models = dict[str, set[int]]  # seeds by the kind of model; pools and retrained models of a split by split


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder with the recipe `tiny`."""
    for name in ("studies", "recipes"):
        (tmp_path / name).mkdir()
    (tmp_path / "recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    return tmp_path


def plan_of(config: Path, seeds: list[dict[str, int]]) -> Plan:
    """Return the plan of a study with these seeds, all pools and the noise floor."""
    change: dict[str, Any] = {
        "seeds": seeds,
        "attacks": ["shadow_xgboost", "lira", "u_lira"],
        "measures": ["swap"],
        "shadows": dict.fromkeys(pools.KINDS, MOST),
        "noise_floor": True,
        "methods": ["finetune"],
    }
    content = {"name": "s", "title": "t", "experiments": [{**EXPERIMENT, **change}]}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def kind_of(job: Job) -> str | None:
    """Return what a job trains, with the split that it belongs to; None for jobs that train nothing."""
    split = next((part for part in job.folder.split("/") if part.startswith("split")), "")
    if isinstance(job, TrainJob):
        return f"{job.stage} {split}".strip()
    if isinstance(job, ShadowJob):
        retrained = " from with_forget" if "retrained-from" in job.folder else ""
        original = " original" if job.kind == "swapped" and job.forgetting is None else ""
        return f"{job.kind}{retrained}{original} {split}".strip()
    return None


def seeds_of(job: Job) -> range:
    """Return the seeds of a job's models."""
    if isinstance(job, ShadowJob):
        return range(job.first_seed, job.first_seed + job.count)
    return range(job.seed, job.seed + 1) if isinstance(job, TrainJob) else range(0)


def models_of(jobs: list[Job]) -> Models:
    """Return the seeds of all models by kind; no kind has one of them twice."""
    models: Models = {}
    for job in jobs:
        kind = kind_of(job)
        if kind is not None:
            seeds = models.setdefault(kind, set())
            assert seeds.isdisjoint(seeds_of(job)), job.folder
            seeds.update(seeds_of(job))
    return models


def independent(one: str, other: str) -> bool:
    """Tell whether a comparison takes models of two kinds for independent.

    Retrained models start as the original of the same seed does; unlearned models, and those retrained to be compared
    with them, come from the seeds of with_forget; none of these is compared with the other for its seed.
    """
    as_the_original = all(kind.split()[0] in ("original", "retrained") for kind in (one, other))
    as_with_forget = all(
        kind.startswith(("with_forget", "unlearned", "swapped")) or " from " in kind for kind in (one, other)
    )
    return not as_the_original and not as_with_forget


def meeting(models: Models) -> list[tuple[str, str]]:
    """Return the kinds that share a seed and should not."""
    return [
        (one, other)
        for one, other in itertools.combinations(models, 2)
        if independent(one, other) and models[one] & models[other]
    ]


def test_no_seed_meets_that_of_a_model_it_is_compared_with(config: Path) -> None:
    models = models_of(list(plan_of(config, SEEDS).jobs.values()))
    kinds = {kind.split()[0] for kind in models}
    assert kinds == {"original", "retrained", *pools.KINDS}
    assert len(models["with_forget"]) == len(models["halves"]) == MOST
    assert meeting(models) == []


def test_the_noise_floor_is_another_model_than_every_retrained_one(config: Path) -> None:
    plan = plan_of(config, SEEDS)
    rows = {
        name: {run.model for run in plan.runs if run.row.name == name} for name in ("retrain", "noise_floor")
    }
    assert len(rows["retrain"]) == len(rows["noise_floor"]) == len(SPLIT) * len(METHOD)
    assert rows["retrain"].isdisjoint(rows["noise_floor"])


@pytest.mark.parametrize("split", [fields.LAST_SPLIT_SEED, 0])
def test_control_pools_that_lie_closer_meet(
    config: Path, monkeypatch: pytest.MonkeyPatch, split: int
) -> None:
    monkeypatch.setattr(pools, "PER_SPLIT", MOST - 1)
    jobs = list(
        plan_of(config, [{"train": 0, "split": s, "method": 0} for s in {split, split ^ 1}]).jobs.values()
    )
    assert meeting(models_of(jobs))


def test_control_a_training_seed_beyond_the_last_one_meets_a_pool(config: Path) -> None:
    jobs = list(plan_of(config, SEEDS[:1]).jobs.values())
    beyond = [
        replace(job, seed=fields.LAST_TRAIN_SEED + 1) if isinstance(job, TrainJob) else job for job in jobs
    ]
    assert meeting(models_of([job for job in beyond if job.stage != "retrained"]))
