"""What is noted is read again, drawn and written; the facts name no machine."""

from __future__ import annotations

import dataclasses
import importlib
import json
import socket
from pathlib import Path

import pytest


def test_what_is_noted_is_read_again(tmp_path: Path) -> None:
    history = importlib.import_module("history")
    file = tmp_path / "history.jsonl"
    rows = (
        history.Row("a", 2.0, wanted=1.5),
        history.Row("b", 3.0, "s", 2.0, True, {"images": 7, "how": "cold"}),
    )
    history.note("first", rows, file)
    history.note("second", rows[:1], file)
    first, second = history.read(file)
    assert first.rows == rows and (first.benchmark, second.benchmark) == ("first", "second")
    assert set(first.machine) >= {"processor", "cores", "memory GiB", "torch", "bfloat16", "load", "commit"}
    assert socket.gethostname() not in file.read_text()
    assert len(file.read_text().splitlines()) == 2
    assert all(json.loads(line)["date"] == first.date for line in file.read_text().splitlines())


@pytest.mark.parametrize(
    ("value", "wanted", "at_most", "words"),
    [
        (2.0, 1.5, False, "at least 1.50: met"),
        (1.0, 1.5, False, "at least 1.50: missed"),
        (1.0, 1.5, True, "at most 1.50: met"),
        (2.0, 1.5, True, "at most 1.50: missed"),
        (2.0, None, False, ""),
    ],
)
def test_a_target_is_met_or_missed(value: float, wanted: float | None, at_most: bool, words: str) -> None:
    assert importlib.import_module("history").Row("x", value, "s", wanted, at_most).target == words


def test_the_plot_has_a_line_per_ratio_and_the_table_the_newest_run(tmp_path: Path) -> None:
    history, plot = importlib.import_module("history"), importlib.import_module("plot")
    file, picture, text = (tmp_path / name for name in ("history.jsonl", "speed.png", "speed.md"))
    for value in (1.5, 2.5):
        history.note("one", [history.Row("ratio", value), history.Row("seconds", 9.0, "s")], file)
    lines = plot.ratios(history.read(file))
    assert {name: [v for _, v in points] for name, points in lines["one"].items()} == {"ratio": [1.5, 2.5]}
    plot.main(file, picture, text)
    assert picture.read_bytes().startswith(b"\x89PNG")
    words = text.read_text(encoding="utf-8")
    assert words.count("## one") == 1 and "| ratio | 2.50 × |" in words and "1.50" not in words


def test_parts_of_a_run_are_one_table(tmp_path: Path) -> None:
    history, plot = importlib.import_module("history"), importlib.import_module("plot")
    file = tmp_path / "history.jsonl"
    for figure, value in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        history.note("one", [history.Row(figure, value)], file)
    (entry,) = plot.newest(history.read(file)).values()
    assert {row.figure: row.value for row in entry.rows} == {"b": 2.0, "a": 3.0}
    other = dataclasses.replace(entry, machine={**entry.machine, "commit": "other"}, rows=entry.rows[:1])
    assert plot.newest([entry, other])["one"].rows == entry.rows[:1]
