"""After a run: the shares of its time, from the records of the jobs that ran in it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reunlearn.commands import summary
from reunlearn.study.plan import Plan, Plans
from tests.commands.made import one


def test_the_report_is_named(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    summary.run(Plans((plan,), plan.jobs))
    assert capsys.readouterr().out == f"report: {one(plan, 'report')}/index.html\n"


def test_each_stage_counts_to_its_share(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REUNLEARN_STARTED", str(time.time() - 100))
    monkeypatch.setenv("REUNLEARN_CORES", "2")
    Path(one(plan, "original"), "record.json").write_text("{}")  # no record: it counts nowhere
    summary.run(Plans((plan,), plan.jobs))
    line = capsys.readouterr().out.splitlines()[0]
    assert line.startswith(f"{len(plan.jobs) - 1} jobs in 100 s on 2 cores = 200 core-seconds: ")
    counts = (1, 2, len(plan.of_stage("measure")))  # each record says one second
    shares = zip(("training", "unlearning", "evaluating"), counts, strict=True)
    assert line.endswith(", ".join(f"{name} {count} s" for name, count in shares))


def test_jobs_of_earlier_runs_do_not_count(
    plan: Plan, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REUNLEARN_STARTED", str(time.time() + 100))
    monkeypatch.setenv("REUNLEARN_CORES", "2")
    summary.run(Plans((plan,), plan.jobs))
    assert "core-seconds" not in capsys.readouterr().out
