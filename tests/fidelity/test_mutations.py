"""Each comparison notices a fault in what it compares; each method is compared."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

import reunlearn.unlearning.methods

from .mutations import Mutation, is_noticed, mutated

COMPARISONS: dict[str, Callable[[str], None]] = {}
MUTATIONS: dict[str, Mutation] = {}
for path in sorted(Path(__file__).parent.glob("test_*_methods.py")):
    group = importlib.import_module(f"{__package__}.{path.stem}")
    assert not COMPARISONS.keys() & group.COMPARISONS.keys()
    COMPARISONS |= group.COMPARISONS
    MUTATIONS |= group.MUTATIONS


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_is_noticed(name: str) -> None:
    assert is_noticed(MUTATIONS[name], COMPARISONS[name], ("small_conv", "two_layer"))


def test_every_method_is_compared_and_has_a_fault() -> None:
    folder = Path(str(reunlearn.unlearning.methods.__file__)).parent
    methods = {path.stem for path in folder.glob("[a-z]*.py")}
    for names in (COMPARISONS, MUTATIONS):
        assert {name.partition("@")[0] for name in names} == methods


def test_a_fault_ends_with_its_context() -> None:
    with mutated("reunlearn.unlearning.gradient", "loss.backward()", "(-loss).backward()"):
        assert is_noticed(MUTATIONS["neg_grad"], COMPARISONS["neg_grad"], ("two_layer",))
    COMPARISONS["neg_grad"]("two_layer")


def test_text_that_is_not_there_once_is_refused() -> None:
    for old in ("no such text", "def "):
        with pytest.raises(AssertionError), mutated("reunlearn.unlearning.gradient", old, ""):
            pass


def test_text_outside_functions_is_refused() -> None:
    with pytest.raises(AssertionError), mutated("reunlearn.unlearning.gradient", "What gradient", "What"):
        pass
