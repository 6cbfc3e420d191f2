"""SEEDS and METHODS of the command line: blanks, empty parts and repetitions mean nothing."""

from __future__ import annotations

from typing import Any

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.asked import deterministic, device, gpu_jobs, parts, seeds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("  ", None),
        ("lur", ["lur"]),
        (" finetune , lur ", ["finetune", "lur"]),
        ("finetune,,lur,", ["finetune", "lur"]),
        ("lur,finetune, lur", ["lur", "finetune"]),
        (5, ["5"]),
    ],
)
def test_parts(value: Any, expected: list[str] | None) -> None:
    assert parts(value, "METHODS") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (0, [0]), ("0, 1", [0, 1]), ("1,0,1,", [1, 0]), ("00,0", [0])],
)
def test_seeds(value: Any, expected: list[int] | None) -> None:
    assert seeds(value) == expected


@pytest.mark.parametrize(
    "value", ["a", "0;1", "0 1", "1.5", 1.5, "-1", "1_0", "0x1", "٣", "9" * 5000, ["0"], {"0": "1"}]
)
def test_other_seeds_are_one_line(value: Any) -> None:
    with pytest.raises(UserError, match=r"^seeds .*: write whole numbers with commas, such as 0,1$"):
        seeds(value)


@pytest.mark.parametrize("value", [",", " , ,"])
def test_commas_alone_do_not_stand_for_all(value: str) -> None:
    with pytest.raises(UserError, match=r"^seeds '.*' names nothing"):
        seeds(value)


def test_device() -> None:
    assert [device(value) for value in (None, " cpu", "cuda", "auto")] == ["auto", "cpu", "cuda", "auto"]
    with pytest.raises(UserError, match=r"^device 'gpu'; choose auto, cpu or cuda$"):
        device("gpu")


def test_deterministic() -> None:
    for value, expected in ((None, True), ("", True), (True, True), (False, False), (" False", False)):
        assert deterministic(value) == expected
    with pytest.raises(UserError, match=r"^deterministic 'perhaps'; choose true or false$"):
        deterministic("perhaps")


def test_gpu_jobs() -> None:
    assert [gpu_jobs(value) for value in (None, "", 1, "2", " 64")] == [1, 1, 1, 2, 64]
    for value in (0, "65", "two", -1, 1.5, True):
        with pytest.raises(UserError, match=r"^gpu_jobs .*; write a whole number from 1 to 64$"):
            gpu_jobs(value)
