"""A study that cannot be read or planned is one line on stderr, and stops no other study."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.commands import list_config, restore, show, snapshot
from reunlearn.commands.each import of_each, plan_each
from reunlearn.study.plan import Plan
from tests.commands.made import SMALL, STUDY, one, write_study
from tests.storage import dvc_project

BROKEN = ("no_folder", "not_text", "not_yaml", "unknown")


@pytest.fixture
def broken(plan: Plan) -> Plan:
    """The finished study beside four that cannot be planned, each for a reason of its own."""
    folder = Path("config/studies")
    (folder / "not_yaml.yaml").write_text("name: [broken\n")
    (folder / "not_text.yaml").write_bytes(b"\xff\xfe\x00")
    write_study({**SMALL, "methods": ["no_such_method"]}, "unknown")
    write_study(
        {**SMALL, "dataset": {"name": "image_folder", "folder": "/not/mounted", "side": 8}}, "no_folder"
    )
    return plan


def names_all(err: str) -> bool:
    """Tell whether each broken study is one line, and nothing else is said."""
    return [line.split("'")[1] for line in err.splitlines()] == list(BROKEN)


def test_each_is_named_with_the_reason_and_left_out(broken: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    planned = plan_each()
    assert planned.good.keys() == {STUDY} and tuple(planned.failed) == BROKEN
    assert planned.failed["not_text"].startswith("config/studies/not_text.yaml: line 1 is not UTF-8")
    assert "not YAML" in planned.failed["not_yaml"]
    assert "no_such_method" in planned.failed["unknown"]
    assert "/not/mounted: no such folder" in planned.failed["no_folder"]
    assert names_all(capsys.readouterr().err)


def test_show_finds_runs_of_the_others(broken: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    folder = one(broken, "original")
    assert show.run(folder) == 0
    assert names_all(capsys.readouterr().err)


def test_show_does_not_say_that_no_study_names_a_run(broken: Plan) -> None:
    folder = one(broken, "unlearn", "/finetune~")
    write_study({**SMALL, "methods": ["gradient_ascent"]})
    shown = show.describe(folder)
    assert shown.state == "in no study"
    assert shown.why == tuple(f"study '{study}' cannot be planned and may name it" for study in BROKEN)


def test_a_snapshot_of_all_stores_the_others_and_says_that_it_is_not_whole(
    broken: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    dvc_project.create(Path())
    assert snapshot.run(push=False, json=True) == 1
    out, err = capsys.readouterr()
    taken = json.loads(out)
    assert taken["recorded"] > 3 and tuple(taken["unplanned"]) == BROKEN
    assert names_all(err)


def test_the_listing_shows_the_others(broken: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    list_config.studies(as_json=True)
    out, err = capsys.readouterr()
    assert [line["name"] for line in json.loads(out)] == [STUDY, "no_folder", "unknown"]
    assert [line.split("'")[1] for line in err.splitlines()] == ["not_text", "not_yaml"]


def test_restoring_all_leaves_it_out(broken: Plan) -> None:
    Path("reports/unknown").mkdir(parents=True)
    assert restore.run(pull=False) == 1
    (Path("config/studies") / "unknown.yaml").unlink()
    assert restore.run(pull=False) == 0


def test_a_study_that_was_asked_for_by_name_is_an_error(broken: Plan) -> None:
    for command in (snapshot.take, restore.run):
        with pytest.raises(UserError, match="no_such_method"):
            command("unknown")


def test_what_is_no_users_mistake_is_named_with_its_kind() -> None:
    def make(name: str) -> str:
        if name == "bad":
            raise KeyError("epochs")
        return name

    each = of_each("study", ["good", "bad"], make)
    assert (each.good, each.failed) == ({"good": "good"}, {"bad": "KeyError: 'epochs'"})
