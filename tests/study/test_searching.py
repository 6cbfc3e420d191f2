"""Candidates of a search: whole grids that fit the budget, draws without repeats, ranges, mistakes in one line."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.load import parse
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment
from reunlearn.study.searching import Space, candidates
from tests.workflow.project import EXPERIMENT


def space(**values: Any) -> Space:
    """Return the space that a study's `search` stands for."""
    return Method.model_validate({"name": "finetune", "search": values}).search


def test_a_grid_that_fits_the_budget_is_tried_whole_in_its_order() -> None:
    values = {"learning_rate": [0.1, 0.2, 0.3], "epochs": [1, 2]}
    found = candidates(space(**values), 6, seed=0)
    expected = [dict(zip(values, pair, strict=True)) for pair in itertools.product(*values.values())]
    assert list(found) == expected


def test_a_larger_grid_is_drawn_without_repeats() -> None:
    values = {"learning_rate": [0.1, 0.2, 0.3], "epochs": [1, 2]}
    found = candidates(space(**values), 5, seed=0)
    assert len(found) == 5 == len({tuple(c.items()) for c in found})
    assert all(
        c["learning_rate"] in values["learning_rate"] and c["epochs"] in values["epochs"] for c in found
    )
    assert found == candidates(space(**values), 5, seed=0)
    assert found != candidates(space(**values), 5, seed=1)


def test_ranges_stay_between_their_ends_and_whole_ends_give_whole_numbers() -> None:
    found = candidates(
        space(learning_rate={"least": 0.001, "most": 1, "scale": "log"}, epochs={"least": 2, "most": 4}),
        300,
        0,
    )
    rates = [float(c["learning_rate"] or 0) for c in found]
    assert min(rates) >= 0.001 and max(rates) <= 1
    assert {c["epochs"] for c in found} == {2, 3, 4}
    assert all(isinstance(c["epochs"], int) for c in found)
    # half of the draws lie in the lower half of the powers of ten; drawn evenly it would be 3 %
    assert 0.4 < sum(rate < 10**-1.5 for rate in rates) / len(rates) < 0.6


def test_a_space_that_runs_out_gives_fewer() -> None:
    found = candidates(space(epochs={"least": 1, "most": 3}), 10, seed=0)
    assert sorted(c["epochs"] for c in found if isinstance(c["epochs"], int)) == [1, 2, 3]


SEARCH = {"budget": 4, "seeds": [5]}
WRONG = [
    ({"search": {"epochs": [1]}}, SEARCH, "one value is a setting; list two or more, or write {least, most}"),
    ({"search": {"epochs": [1, 1]}}, SEARCH, "a value is there twice"),
    ({"search": {"epochs": {"least": 3, "most": 3}}}, SEARCH, "least 3 is not below most 3"),
    ({"search": {"epochs": {"least": 0, "most": 3, "scale": "log"}}}, SEARCH, "least 0 has no logarithm"),
    (
        {"search": {"epochs": [1, 2]}, "settings": {"epochs": 1}},
        SEARCH,
        "'epochs' is both in settings and in search",
    ),
    ({"search": {"epochs": [1, 2]}}, None, "'finetune' has a search, but nothing says how; add 'search'"),
    (
        {"search": {"epochs": [1, 2]}},
        {"budget": 4, "seeds": [0]},
        "search.seeds: train 0 is a seed of the table",
    ),
    (
        {"search": {"epochs": [1, 2]}},
        {"budget": 4, "seeds": [{"train": 1, "split": 0, "method": 1}]},
        "search.seeds: split 0 is a seed of the table",
    ),
    ({"search": {"epochs": [1, 2]}}, {"budget": 1, "seeds": [5]}, "search.budget: must be at least 2"),
    ({"search": {"epochs": [1, 2]}}, {"budget": 4, "seeds": [5, 5]}, "is there twice"),
]


@pytest.mark.parametrize(("method", "search", "said"), WRONG)
def test_a_mistake_is_one_line(method: dict[str, Any], search: dict[str, Any] | None, said: str) -> None:
    content = {**EXPERIMENT, "methods": [{"name": "finetune", **method}], "search": search}
    with pytest.raises(UserError) as caught:
        parse(Experiment, content, "here")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_search_asks_for_held_out_samples() -> None:
    content = {**EXPERIMENT, "dataset": {"name": "digits"}, "search": SEARCH}
    with pytest.raises(UserError, match="search chooses by held-out samples; give 'dataset' a 'validation'"):
        parse(Experiment, content, "here")
