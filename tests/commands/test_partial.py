"""After a failure there is a report of what there is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reunlearn.commands import partial
from reunlearn.study.plan import Plan, make_plan
from tests.commands.made import STUDY, one


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The stages that are run, each with the number of jobs that its specification names."""
    calls: list[tuple[str, int]] = []

    def execute(stage: str, specification: Path, partial: bool) -> None:
        assert partial and not (specification.parent / "manifest.json").exists()
        calls.append((stage, len(json.loads(specification.read_text())["inputs"].get("jobs", ()))))

    monkeypatch.setattr(partial.__name__ + ".execute", execute)
    return calls


def test_a_narrowed_run_has_a_report_of_its_own(plan: Plan, executed: list[tuple[str, int]]) -> None:
    narrow = make_plan(STUDY, ["finetune"])
    partial.run(STUDY, ["finetune"])
    assert executed == [("aggregate", len(narrow.jobs) - 3), ("report", 0)]
    assert len(narrow.jobs) < len(plan.jobs)
    assert Path(one(plan, "report"), "manifest.json").exists(), "the whole study's page stays"


def test_without_specifications_the_whole_study_is_planned(
    plan: Plan, executed: list[tuple[str, int]], capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(one(plan, "report"))
    partial.run(STUDY)
    assert executed == [("aggregate", len(plan.jobs) - 3), ("report", 0)]
    assert f"reports/{STUDY}/index.html" in capsys.readouterr().out
