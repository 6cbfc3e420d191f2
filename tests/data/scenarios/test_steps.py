"""What holds for every kind: steps, randomness, what is written and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.scenario import kinds, read_scenario
from tests.data.scenarios.made import LABELS, choose

STEPPED: tuple[dict[str, Any], ...] = (
    {"kind": "random", "fraction": 0.2},
    {"kind": "class", "classes": [1, 2, 3, 4]},
    {"kind": "subclass", "subclasses": [1, 2, 13, 4]},
    {"kind": "first", "count": 8},
    {"kind": "random_per_class", "count": 8},
    {"kind": "identities", "count": 4},
    {"kind": "label_flip", "count": 8},
    {"kind": "indices", "file": "mine.txt"},
    {"kind": "memorised", "fraction": 0.2, "level": "low", "score": "memorisation"},
    {
        "kind": "worst_case",
        "fraction": 0.2,
        "iterations": 2,
        "epochs": 1,
        "learning_rate": 0.1,
        "weight_rate": 0.5,
        "gamma": 0.25,
    },
)


@pytest.fixture(autouse=True)
def _mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.txt").write_text("".join(f"{n}\n" for n in range(0, 60, 3)))


@pytest.mark.parametrize("steps", [1, 3, 4])
@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_the_plan_counts_what_is_dealt(fields: dict[str, Any], steps: int) -> None:
    card = catalogue().datasets["cifar10"]  # ten classes, as here
    counted = read_scenario({**fields, "steps": steps}).parts(card, len(LABELS))
    part = choose(**fields, steps=steps).part
    assert bool(counted) is (
        fields["kind"] in ("random", "first", "random_per_class", "memorised", "worst_case")
    )
    assert counted in ((), tuple(np.bincount(part[part >= 0]).tolist()))


@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_the_plan_refuses_more_steps_than_things(fields: dict[str, Any]) -> None:
    card = catalogue().datasets["cifar20"]
    enough, many = (read_scenario({**fields, "steps": steps}) for steps in (4, 1000))
    enough.check(card, card.train, "here")
    with pytest.raises(UserError, match=r"^here: \d+ [a-z ]+ are too few for 1000 steps$"):
        many.check(card, 500, "here")


def test_every_kind_is_here() -> None:
    assert tuple(sorted(fields["kind"] for fields in STEPPED)) == kinds()


@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_steps_deal_the_same_forget_set_in_equal_parts(fields: dict[str, Any]) -> None:
    whole, parts = choose(**fields), choose(**fields, steps=4)
    assert np.array_equal(whole.part >= 0, parts.part >= 0)
    counts = np.bincount(parts.part[parts.part >= 0])
    assert len(counts) == 4
    assert len(set(counts.tolist())) == 1
    assert np.array_equal(whole.labels, parts.labels)
    assert [c for group in parts.forgotten for c in group] == whole.forgotten[0]


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_global_randomness_plays_no_part(fields: dict[str, Any], steps: int) -> None:
    np.random.seed(1)
    first = choose(4, **fields, steps=steps)
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert np.array_equal(first.part, choose(4, **fields, steps=steps).part)
    assert np.array_equal(np.random.get_state()[1], state)


@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_a_step_is_named_and_described(fields: dict[str, Any]) -> None:
    plain, all_steps, one = (
        read_scenario({**fields, **more}) for more in ({}, {"steps": 4}, {"steps": 4, "step": 2})
    )
    assert all_steps.name == f"{plain.name}-4steps"
    assert one.name == f"{plain.name}-step2of4"
    assert plain.summary == plain.words()
    assert one.summary == f"{plain.words()}; part 2 of 4, from the models of the part before"


@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_what_is_written_is_what_a_study_says(fields: dict[str, Any]) -> None:
    assert read_scenario(fields).model_dump(mode="json") == {**fields, "steps": 1}
