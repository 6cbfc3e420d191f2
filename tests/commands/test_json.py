"""--json: every command that prints has it, stdout holds JSON alone, one word means one thing."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import typing

import pytest

from reunlearn.cli import WITHOUT_JSON
from reunlearn.commands import (
    chosen,
    gc,
    lock,
    new_method,
    partial,
    plan,
    report,
    restore,
    show,
    snapshot,
    summary,
    verify,
)
from reunlearn.doctor import command as doctor
from reunlearn.study.stages import STAGES
from tests.commands.test_help import commands

ANSWERS = (
    chosen.Chosen, gc.Result, lock.Locked, new_method.New, partial.Partial, plan.Overview, report.Written,
    restore.Restored, show.Shown, snapshot.Taken, summary.Summary, verify.Verified, doctor.Diagnosis,
)  # fmt: skip


def test_every_command_has_json_or_says_why_not() -> None:
    without = {
        " ".join(words)
        for words, command in commands()
        if not hasattr(command, "list_commands")
        and not any("--json" in parameter.opts for parameter in command.params)
    }
    stages = STAGES.keys() - {"report"}  # a stage prints nothing: its log does
    assert without - stages == WITHOUT_JSON.keys()
    assert stages <= without
    assert all(WITHOUT_JSON.values())


def _kind(annotation: object) -> str:
    """Return what JSON calls a value of a type: a number, a text, a list or an object."""
    arguments = [a for a in typing.get_args(annotation) if a is not type(None)]
    origin = typing.get_origin(annotation) or annotation
    if origin in (tuple, list):
        return "list"
    if origin is dict or dataclasses.is_dataclass(origin) or hasattr(origin, "model_fields"):
        return "object"
    if origin in (int, float, bool, str):
        return {int: "number", float: "number", bool: "yes or no", str: "text"}[origin]
    if origin is typing.Literal:
        return "text"
    return _kind(arguments[0])


def test_one_key_means_one_kind_of_thing_everywhere() -> None:
    kinds: dict[str, set[str]] = {}
    for answer in ANSWERS:
        hints = typing.get_type_hints(answer)
        for field in dataclasses.fields(answer):
            kinds.setdefault(field.name, set()).add(_kind(hints[field.name]))
    assert {key: kind for key, kind in kinds.items() if len(kind) > 1} == {}
    assert len(kinds) > 30


def call(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "reunlearn.cli", *words], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "words",
    [
        ["plan", "nosuch"],
        ["verify", "nosuch"],
        ["methods", "nosuch"],
        ["show", "nosuch/run"],
        ["recipes", "no"],
    ],
)
def test_a_mistake_under_json_is_one_line_on_stderr(words: list[str]) -> None:
    done = call(*words, "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


def test_warnings_are_no_part_of_the_answer() -> None:
    done = call("plan", "lur-concept", "--json")  # needs files that nobody can fetch
    answer = json.loads(done.stdout)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        *(f"warning: {line}" for line in answer["short_memory"]),
        *(f"error: {line}" for line in answer["missing_files"]),
    ]
    assert answer["missing_files"]


@pytest.mark.parametrize(
    "listing", ["studies", "recipes", "papers", "methods", "attacks", "datasets", "tables"]
)
def test_entries_of_listings_are_called_by_name(listing: str) -> None:
    entries = json.loads(call(listing, "--json").stdout)
    one = entries[0]["name"]
    if listing != "studies":
        assert json.loads(call(listing, one, "--json").stdout)[0]["name"] == one
