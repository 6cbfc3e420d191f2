"""Each comparison notices a fault in what it compares; each method is compared, and has a fault, in each reading."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from reunlearn.unlearning.registry import card

from .faults import FAULTS
from .harness import METHODS
from .mutations import is_noticed, mutated

COMPARISONS: dict[str, Callable[[str], None]] = {}
for method in METHODS:
    comparisons = importlib.import_module(f"{__package__}.test_{method}").COMPARISONS
    assert {name.partition(":")[0].partition("@")[0] for name in comparisons} == {method}
    COMPARISONS |= comparisons


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_noticed(name: str) -> None:
    assert is_noticed(FAULTS[name], COMPARISONS[name], ("small_conv", "two_layer"))


def test_every_row_is_compared_and_has_a_fault() -> None:
    rows = {f"{name}@{reading}" for name in METHODS for reading in card(name).readings}
    rows |= {name for name in METHODS if not card(name).readings}
    for names in (COMPARISONS, FAULTS):
        assert {name.partition(":")[0] for name in names} == rows


def test_a_fault_ends_with_its_context() -> None:
    with mutated("reunlearn.unlearning.gradient", "loss.backward()", "(-loss).backward()"):
        assert is_noticed(FAULTS["neg_grad"], COMPARISONS["neg_grad"], ("two_layer",))
    COMPARISONS["neg_grad"]("two_layer")


def test_text_that_is_not_there_once_is_refused() -> None:
    for old in ("no such text", "def "):
        with pytest.raises(AssertionError), mutated("reunlearn.unlearning.gradient", old, ""):
            pass


def test_text_outside_functions_is_refused() -> None:
    with pytest.raises(AssertionError), mutated("reunlearn.unlearning.gradient", "What gradient", "What"):
        pass
