"""Numbers in YAML are read as everybody writes them; what is no number stays text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.base.yaml_files import parse_yaml, read_yaml

NUMBERS = {
    "1e-3": 0.001,
    "1E5": 1e5,
    "-2e-4": -2e-4,
    "+3e2": 300.0,
    ".5": 0.5,
    "-.5": -0.5,
    ".5e1": 5.0,
    "1.e3": 1000.0,
    "1.0e-3": 0.001,
    "1_000e3": 1e6,
    "12": 12,
    "-7": -7,
    "0x1f": 31,
    "1_000": 1000,
}
TEXTS = ["1e", "e3", "1e-", "e", ".", "1.2.3", "v1e3", "1e3x", "2e3.5", "1e+-3", "0x", "1-e3", "e-3"]


@pytest.mark.parametrize("written", NUMBERS)
def test_numbers(written: str) -> None:
    number = parse_yaml(f"key: {written}", "test")["key"]
    assert (number, type(number)) == (NUMBERS[written], type(NUMBERS[written]))


@pytest.mark.parametrize("written", TEXTS)
def test_what_is_no_number_stays_text(written: str) -> None:
    assert parse_yaml(f"key: {written} ", "test") == {"key": written}


@pytest.mark.parametrize("written", NUMBERS)
@pytest.mark.parametrize("quote", ["'", '"'])
def test_text_in_quotes_stays_text(written: str, quote: str) -> None:
    assert parse_yaml(f"key: {quote}{written}{quote}", "test") == {"key": written}


@pytest.mark.parametrize("content", [0.001, 1e-30, 1e300, ".5", "1e", {"a": [1, "2", None, True]}])
def test_what_was_written_is_read_again(content: Any) -> None:
    assert parse_yaml(yaml.safe_dump(content), "test") == content


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^here: not YAML: .*line 2") as caught:
        parse_yaml("a: [1\nb: 2", "here")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")
