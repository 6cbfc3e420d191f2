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


SURPRISES = {
    "012": "an octal number",
    "-012": "an octal number",
    "0_1": "an octal number",
    "1:30": "a number in base 60",
    "1:30.5": "a number in base 60",
    "2020-01-02": "a date",
    "2020-01-02 10:20:30": "a date",
    "2020-13-45": "a date",
    "=": "a meaning of its own",
}


@pytest.mark.parametrize("text", ["a: 1\nkey: {}", "a: 1\n{}: key", "- b\n- [{}]"])
@pytest.mark.parametrize("written", SURPRISES)
def test_what_nobody_means_is_refused_with_its_line(written: str, text: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_yaml(text.format(written), "here")
    said = str(caught.value)
    assert said.startswith("here: line 2: ")
    assert SURPRISES[written] in said
    assert f"put it into quotes, '{written}', if it is text" in said
    assert "\n" not in said


@pytest.mark.parametrize("written", [*SURPRISES, "no", "1e3", "~"])
def test_control_in_quotes_it_is_text(written: str) -> None:
    assert parse_yaml(f"- '{written}'\n- \"{written}\"\n", "here") == [written, written]


@pytest.mark.parametrize(
    ("text", "line", "first"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1),
        ("outer:\n  a: 1\n  'a': 1\n", 3, 2),
        ("- x: {a: 1,\n    a: 2}\n", 2, 1),
        ("yes: 1\ntrue: 2\n", 2, 1),
        ("x: &x {a: 1}\ny:\n  <<: *x\n  b: 1\n  b: 2\n", 5, 4),
    ],
)
def test_a_key_that_stands_twice_is_refused_with_both_lines(text: str, line: int, first: int) -> None:
    with pytest.raises(
        UserError, match=rf"^here: line {line}: the key '\w+' stands there twice, first in line {first};"
    ):
        parse_yaml(text, "here")


def test_anchors_merges_and_tabs_are_what_yaml_says() -> None:
    text = "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\nc: {<<: [*a, {y: 9, z: 5}]}\nd: *a\ne:\t7\n"
    content = parse_yaml(text, "here")
    assert content["b"] == {"x": 3, "y": 2}
    assert content["c"] == {"x": 1, "y": 2, "z": 5}
    assert content["d"] == content["a"] == {"x": 1, "y": 2}
    assert content["e"] == 7
    with pytest.raises(UserError, match=r"^here: not YAML: .*cannot start any token.*line 2"):
        parse_yaml("a:\n\tb: 1\n", "here")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("&a [*a]", "line 1: an anchor that holds itself"),
        ("a: &a {b: [*a]}", "line 1: an anchor that holds itself"),
        ("[" * 3000, "here: "),
        ("a: !!int x", "not YAML"),
        (f"a: {'9' * 5000}", "not YAML"),
        ("a: 1\n---\na: 2", "not YAML"),
        ("a: !!python/name:os.system", "not YAML"),
    ],
)
def test_what_cannot_be_read_is_one_line(text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_yaml(text, "here")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_files_of_all_editors_are_read(tmp_path: Path, encoding: str, end: str) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(f"a: größe{end}b: |{end}  one{end}  two{end}".encode(encoding))
    assert read_yaml(file) == {"a": "größe", "b": "one\ntwo\n"}


@pytest.mark.parametrize(
    ("text", "encoding", "words"),
    [
        ("a: größe", "utf-16", "line 1 is not UTF-8"),
        ("a: 1", "utf-16-le", "maybe UTF-16"),
        ("a: 1", "utf-16-be", "maybe UTF-16"),
        ("a: 1\nb: größe\n", "latin-1", "line 2 is not UTF-8"),
        ("a: 1\nb: größe\n", "cp1252", "line 2 is not UTF-8"),
    ],
)
def test_another_encoding_is_named(tmp_path: Path, text: str, encoding: str, words: str) -> None:
    file = tmp_path / "f.yaml"
    file.write_bytes(text.encode(encoding))
    with pytest.raises(UserError, match=r"f\.yaml: .*; save the file as UTF-8$") as caught:
        read_yaml(file)
    assert words in str(caught.value)


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^here: not YAML: .*line 2") as caught:
        parse_yaml("a: [1\nb: 2", "here")
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        read_yaml(tmp_path / "none.yaml")
