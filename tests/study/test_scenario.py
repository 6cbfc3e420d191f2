"""How a scenario is read and written: by its kind, flat, in pydantic models and in dataclasses alike."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from reunlearn.base.errors import UserError
from reunlearn.study.load import parse
from reunlearn.study.scenario import AnyScenario, Scenario, StudyScenario, kind_class, kinds, read_scenario

FLAT = {"kind": "random", "fraction": 0.2, "steps": 1}


class Part(BaseModel):
    """A part of a study."""

    scenario: StudyScenario


@dataclass(frozen=True)
class Specification:
    """A typed specification."""

    scenario: AnyScenario
    seed: int


@pytest.mark.parametrize("mode", ["python", "json"])
def test_a_model_reads_and_writes_the_flat_form(mode: Any) -> None:
    part = Part.model_validate({"scenario": {"kind": "random", "fraction": 0.2}})
    assert type(part.scenario) is kind_class("random")
    assert part.model_dump(mode=mode) == {"scenario": FLAT}
    assert Part.model_validate_json(part.model_dump_json()) == part


def test_a_dataclass_reads_and_writes_the_flat_form() -> None:
    adapter = TypeAdapter(Specification)
    content = {"scenario": {"kind": "first", "count": 2, "classes": [3], "steps": 2, "step": 1}, "seed": 0}
    made = adapter.validate_json(json.dumps(content))
    assert made.scenario.name == "first-2-3-step1of2"
    assert adapter.dump_python(made, mode="json") == content
    assert json.loads(adapter.dump_json(made)) == content
    assert adapter.validate_python({"scenario": made.scenario, "seed": 0}) == made


def test_what_the_plan_fills_in_is_for_specifications_only() -> None:
    content = {"kind": "indices", "file": "mine.txt", "digest": "ab" * 32}
    made = TypeAdapter(Specification).validate_python({"scenario": content, "seed": 0})
    assert made.scenario.model_dump(mode="json") == content | {"steps": 1}
    with pytest.raises(UserError) as caught:
        parse(Part, {"scenario": content}, "s.yaml")
    assert str(caught.value) == (
        "s.yaml: scenario: scenario 'indices' does not take 'digest'; known: file, retain, step, steps"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"kind": "clas", "classes": [1]}, "scenario: no scenario 'clas'; did you mean class, subclass?"),
        ({"kind": "registry"}, "scenario: no scenario 'registry'; known: class, first, identities"),
        ({"kind": "_steps"}, "scenario: no scenario '_steps'"),
        ({"kind": ["random"]}, "scenario: no scenario '['random']'"),
        ({"fraction": 0.1}, "scenario: a scenario takes 'kind', which is missing; known: class, first"),
        ("random", "scenario: a scenario is a mapping with 'kind', not 'random'"),
        (None, "scenario: a scenario is a mapping with 'kind', not None"),
        (
            {"kind": "first", "cuont": 1},
            "scenario 'first' takes 'count', which is missing; it does not take 'cuont'",
        ),
        (
            {"kind": "first", "count": 1, "clases": [1]},
            "scenario 'first' does not take 'clases'; did you mean classes",
        ),
        ({"kind": "random", "fraction": None}, "scenario 'random' takes 'fraction', which is missing"),
        ({"kind": "random", "fraction": 2}, "scenario.fraction: must be below 1"),
        ({"kind": "class", "classes": [1, 2, 1]}, "scenario.classes: 1 is there twice"),
        (
            {"kind": "label_flip", "count": 1, "pairs": [[1, 2], [2, 3]]},
            "scenario.pairs: a class can be in one pair only",
        ),
        ({"kind": "random", "fraction": 0.1, "steps": 2, "step": 3}, "scenario: step 3 of 2 steps"),
        (
            {"kind": "random", "fraction": 0.1, "steps": 0},
            "scenario.steps: must be at least 1",
        ),
    ],
    ids=str,
)
def test_each_mistake_is_one_line(content: Any, said: str) -> None:
    with pytest.raises(UserError) as caught:
        parse(Part, {"scenario": content}, "s.yaml")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scenario_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_scenario(FLAT).steps = 2


def test_a_bare_scenario_belongs_to_no_kind() -> None:
    bare = Scenario()
    assert (bare.kind, bare.steps, bare.step, bare.POISONS, bare.whole_classes) == ("", 1, None, False, ())


def test_a_kind_is_the_name_of_its_file() -> None:
    for kind in kinds():
        assert Path(sys.modules[kind_class(kind).__module__].__file__ or "").stem == kind


def test_no_kind_imports_torch() -> None:
    program = (
        "import sys; from reunlearn.study.scenario import kind_class, kinds;"
        "[kind_class(kind) for kind in kinds()]; print(sorted({'torch', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
