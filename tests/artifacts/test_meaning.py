"""What changes the digest of a module, and what does not: words do not, whatever computes does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reunlearn.artifacts import digest
from reunlearn.artifacts.meaning import imported, meaning

METHOD = '''
"""Fine-tune on what stays."""

from reunlearn.unlearning.declarations import Divergence, Needs, hyper
from reunlearn.unlearning.readings import by_reading
from reunlearn.unlearning.registry import method

DIVERGENCES = (
    Divergence("Eq. 3", "once", "twice"),
)


@method(paper="A paper, Eq. 1", needs=Needs(retain=True), divergences=DIVERGENCES)
@dataclass(frozen=True)
class Finetune(GradientMethod):
    """θ ← θ − η ∇L(θ; retain)"""

    epochs: int = hyper(5, "passes over retain", ge=1)  # as printed
    order: str = hyper("first", "which gradient", choices=("first", "second"))
    at: str = by_reading("where", paper="initial", code="final", choices=("initial", "final"))

    def unlearn(self, model, task):
        """Return the model."""
        assert task.retain is not None, "reads retain"
        if self.epochs > 1000:
            raise ValueError(f"epochs: {self.epochs} are too many")
        return model
'''
DATASET = """
CARD = DatasetCard(
    name="digits", summary="small digits", classes=("zero", "one"), train=10, source="here", licence="none"
)
"""
DERIVED = """
SUPER_CLASSES = (1, 0)
CARD = replace(cifar100.CARD, name="cifar20", classes=("fish", "flowers"))
"""
ATTACK = """
CARD = AttackCard(name="lira", title="LiRA", compares="this with that", pools=("halves",))


def run(outputs, pools, seed):
    return 3
"""
MEASURE = """
_CARD = {"unit": "nats"}
CARD: dict[str, Any] = {"title": "Comparison", **_CARD, "settings": {"draws": 16}}


def run(inputs):
    return 3
"""

SCENARIO = """
class Random(Scenario):
    def words(self):
        return "a random part"

    def select(self, samples, split_seed):
        return samples
"""

Change = tuple[str, str, str]  # a module, what stands in it, what stands there instead

WORDS: dict[str, Change] = {
    "a module's docstring": (METHOD, "Fine-tune on what stays.", "Go on training.\n\nOn retain."),
    "no docstring": (METHOD, '    """θ ← θ − η ∇L(θ; retain)"""\n', ""),
    "a function's docstring": (METHOD, "Return the model.", "Return it."),
    "a comment": (METHOD, "# as printed", "# not as printed"),
    "line breaks": (METHOD, "        return model", "        return (\n            model\n        )"),
    "a hyper-parameter's help": (METHOD, "passes over retain", "epochs"),
    "the help as a keyword": (METHOD, '"passes over retain"', 'doc="epochs"'),
    "the help of one that follows the reading": (METHOD, '"where"', '"where the gradient is taken"'),
    "a paper's name": (METHOD, "A paper, Eq. 1", "Another paper"),
    "a paper's name by position": (METHOD, 'paper="A paper, Eq. 1"', '"A paper"'),
    "a divergence's text": (METHOD, '"once"', '"only once"'),
    "one divergence more": (METHOD, "DIVERGENCES = (", 'DIVERGENCES = (Divergence("Eq. 4", "x", "y"),'),
    "an error message": (METHOD, "are too many", "is far too much"),
    "the values in an error message": (METHOD, "{self.epochs} are", "{model} are"),
    "the message of an assertion": (METHOD, '"reads retain"', '"needs retain"'),
    "the sentences of a scenario": (SCENARIO, "a random part", "some of it"),
    "words of a dataset's card": (DATASET, "small digits", "digits"),
    "the sub-classes that a listing shows": (DERIVED, "SUPER_CLASSES = (1, 0)", "SUPER_CLASSES = (0, 1)"),
    "an attack's card": (ATTACK, "this with that", "that with this"),
    "what the plan takes from an attack's card": (ATTACK, '("halves",)', '("with_forget",)'),
    "a measure's card": (MEASURE, "Comparison", "Difference"),
    "a part of a measure's card": (MEASURE, "nats", "bits"),
    "what the plan takes from a measure's card": (MEASURE, "16", "32"),
}
COMPUTES: dict[str, Change] = {
    "a default": (METHOD, "hyper(5,", "hyper(6,"),
    "a range": (METHOD, "ge=1", "ge=2"),
    "a new bound": (METHOD, "ge=1", "ge=1, le=9"),
    "a choice": (METHOD, '("first", "second")', '("first", "third")'),
    "the value in a reading": (METHOD, 'code="final"', 'code="initial"'),
    "a need": (METHOD, "retain=True", "forget=True"),
    "a need by position": (
        METHOD.replace('paper="A paper, Eq. 1", needs=Needs', '"A paper", Needs'),
        "Needs(retain=True)",
        "Needs(forget=True)",
    ),
    "the kinds of scenario": (METHOD, "divergences=", 'scenarios=("class",), divergences='),
    "a decorator": (METHOD, "frozen=True", "frozen=False"),
    "a base class": (METHOD, "GradientMethod", "StepMethod"),
    "a line of code": (METHOD, "return model", "return task"),
    "what is asserted": (METHOD, "task.retain is not None", "task.forget is not None"),
    "the kind of an error": (METHOD, "ValueError", "TypeError"),
    "the condition of an error": (METHOD, "> 1000", "> 100"),
    "an import": (METHOD, "declarations import Divergence", "declarations import Other, Divergence"),
    "a dataset's classes": (DATASET, '("zero", "one")', '("one", "zero")'),
    "a dataset's size": (DATASET, "train=10", "train=11"),
    "the classes of a card made from another": (DERIVED, '("fish", "flowers")', '("flowers", "fish")'),
    "the selection of a scenario": (SCENARIO, "return samples", "return split_seed"),
    "an attack's code": (ATTACK, "return 3", "return 4"),
    "a measure's code": (MEASURE, "return 3", "return 4"),
    "a text that is no docstring": ('x = "one"\n', "one", "two"),
    "the first argument of another call": ("x = make(1, 2)\n", "1", "3"),
    "a method that is called": ("x = method(1, 2)\n", "1", "3"),
}


def digests(change: Change) -> tuple[str, str]:
    """Return the digest of a module before and after a change."""
    source, old, new = change
    assert source.count(old) >= 1
    return meaning(source.encode()), meaning(source.replace(old, new).encode())


@pytest.mark.parametrize("change", WORDS.values(), ids=WORDS)
def test_words_change_nothing(change: Change) -> None:
    before, after = digests(change)
    assert after == before


@pytest.mark.parametrize("change", COMPUTES.values(), ids=COMPUTES)
def test_what_computes_changes_the_digest(change: Change) -> None:
    before, after = digests(change)
    assert after != before


CHECKING = """
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import reunlearn.data.batches
from reunlearn.metrics import outputs

if TYPE_CHECKING:
    from reunlearn.training.loop import train
else:
    from reunlearn.training.precision import autocast


def f():
    from reunlearn.stages import split
"""


def test_imports_are_followed_wherever_they_stand_but_for_type_checkers() -> None:
    names = {name for name in imported(CHECKING.encode()) if name.startswith("reunlearn")}
    assert names == {
        "reunlearn.data.batches",
        "reunlearn.metrics",
        "reunlearn.metrics.outputs",
        "reunlearn.training.precision",
        "reunlearn.training.precision.autocast",
        "reunlearn.stages",
        "reunlearn.stages.split",
    }


def test_what_type_checkers_import_does_not_count() -> None:
    other = CHECKING.replace(
        "reunlearn.training.loop import train", "reunlearn.data.images import ImageSamples"
    )
    assert other != CHECKING
    assert meaning(other.encode()) == meaning(CHECKING.encode())


@pytest.mark.parametrize(
    "line", ["from . import loop", "from .loop import train", "from ..data import batches"]
)
def test_a_relative_import_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="a relative import: the digest of code follows absolute ones only"):
        imported(line.encode())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package in which digests are made from the files of this folder."""
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    for function in (digest._facts, digest._memory, digest._digest):
        function.cache_clear()
    yield tmp_path
    for function in (digest._facts, digest._memory, digest._digest):
        function.cache_clear()


def test_a_relative_import_is_one_line_that_names_the_file(package: Path) -> None:
    (package / "mine.py").write_text("from . import other\n")
    with pytest.raises(ValueError) as caught:
        digest.code_digest(["reunlearn.mine"])
    assert str(caught.value).startswith(f"{package / 'mine.py'}: a relative import")
    assert "\n" not in str(caught.value)


def test_the_digest_of_a_module_covers_all_that_it_imports(package: Path) -> None:
    (package / "mine.py").write_text("from reunlearn import other\n")
    (package / "other.py").write_text("import reunlearn.third\n")
    (package / "third.py").write_text("x = 1\n")
    assert digest.reachable(["reunlearn.mine"]) == {"reunlearn.mine", "reunlearn.other", "reunlearn.third"}
    before = digest.code_digest(["reunlearn.mine"])
    (package / "third.py").write_text("x = 22\n")
    digest._facts.cache_clear()
    digest._digest.cache_clear()
    assert digest.code_digest(["reunlearn.mine"]) != before


def test_what_is_neutral_is_left_out(package: Path) -> None:
    (package / "base").mkdir()
    (package / "mine.py").write_text("from reunlearn.base import files\n")
    (package / "base/files.py").write_text("x = 1\n")
    assert digest.reachable(["reunlearn.mine"]) == {"reunlearn.mine"}
