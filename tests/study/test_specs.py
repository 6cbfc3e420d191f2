"""Parts of specifications: digests follow the content, and rows are told apart by name and path."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from reunlearn.study import paths
from reunlearn.study.load import load_recipe
from reunlearn.study.rows import Method, Seeds
from reunlearn.study.specs import (
    REFERENCES,
    ArchitectureSpec,
    DatasetSpec,
    MethodSpec,
    ObjectiveSpec,
    RowSpec,
    TrainingSpec,
)

SOURCE = Path("src/reunlearn")


def training_of(**change: object) -> TrainingSpec:
    """Return a training specification, made anew."""
    content = {
        "dataset": DatasetSpec(name="digits", modality="images"),
        "architecture": ArchitectureSpec(name="small_cnn", settings={"width": 4}),
        "recipe": load_recipe("digits-small"),
        "objective": ObjectiveSpec(name="classification"),
    }
    return TrainingSpec(**{**content, **change})  # type: ignore[arg-type]


CHANGES = {
    "dataset": DatasetSpec(name="digits", modality="images", train=100),
    "architecture": ArchitectureSpec(name="small_cnn", settings={"width": 8}),
    "threads": 2,
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_changed_specification_has_the_digest_of_one_made_anew(field: str) -> None:
    first = training_of()
    before = first.digest, first.short, paths.group(first)
    changed = first.changed(**{field: CHANGES[field]})
    assert changed == training_of(**{field: CHANGES[field]})
    assert changed.digest == training_of(**{field: CHANGES[field]}).digest != before[0]
    assert (changed.short, paths.group(changed)) != before[1:]
    assert (first.digest, first.short, paths.group(first)) == before


def test_control_a_copy_by_pydantic_keeps_the_old_digest() -> None:
    first = training_of()
    before = first.digest
    assert first.model_copy(update={"threads": 2}).digest == before


def test_what_is_changed_is_checked() -> None:
    with pytest.raises(ValidationError):
        training_of().changed(threads="many")
    with pytest.raises(ValidationError):
        training_of().changed(thread=2)


def test_the_same_content_has_the_same_digest_in_any_order() -> None:
    one = MethodSpec(name="finetune", settings={"epochs": 1, "learning_rate": 0.1})
    other = MethodSpec(name="finetune", settings={"learning_rate": 0.1, "epochs": 1})
    assert one.digest == other.digest
    assert one.short == one.digest[:8]


ROWS = [
    RowSpec(method=method, reading=reading, label=label)
    for method in ("finetune", "gdr_gma", "a.b-c")
    for reading in (None, "paper", "code")
    for label in (None, "a", "b", "paper", "first-order", "a.b")
]


def folder_of(row: RowSpec) -> str:
    return paths.run(training_of(), "random-0.2", Seeds(train=0, split=0, method=0), row, "0" * 8)


def test_two_rows_never_have_one_name_or_one_path() -> None:
    assert len({row.name for row in (*ROWS, *REFERENCES)}) == len(ROWS) + len(REFERENCES)
    assert len({folder_of(row) for row in (*ROWS, *REFERENCES)}) == len(ROWS) + len(REFERENCES)


def test_rows_that_differ_in_the_label_alone_have_different_paths() -> None:
    for one, other in itertools.combinations([row for row in ROWS if row.method == "finetune"], 2):
        if one.reading == other.reading:
            assert one.label != other.label and folder_of(one) != folder_of(other)


@pytest.mark.parametrize("label", ["a+b", "a@code", "a~b", "a/b"])
def test_control_what_joins_the_parts_of_a_name_stands_in_no_label(label: str) -> None:
    with pytest.raises(ValidationError, match="is no name"):
        Method.model_validate({"name": "finetune", "label": label})


def test_the_name_of_a_row_is_built_in_one_place() -> None:
    joins = re.compile(r"[@+]\{")
    places = [path for path in SOURCE.rglob("*.py") if joins.search(path.read_text(encoding="utf-8"))]
    assert places == [SOURCE / "study/specs.py"]
