"""gc removes what no study names, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.commands import gc, verify
from reunlearn.study import paths
from reunlearn.study.plan import Plan
from tests.commands.made import SMALL, STUDY, one, write_study


def files() -> set[str]:
    return {p.as_posix() for p in Path().rglob("*") if p.is_file()}


def test_nothing_to_remove(plan: Plan) -> None:
    assert gc.find() == []


def test_runs_of_no_study_go_with_their_logs(plan: Plan) -> None:
    unlearned = one(plan, "unlearn", "/finetune~")
    log = paths.log(f"{unlearned}/evaluation")
    log.parent.mkdir(parents=True)
    log.write_text("x")
    write_study({**SMALL, "methods": ["gradient_ascent"]})
    before = files()
    expected = {f for f in before if f.startswith(f"{unlearned}/")} | {log.as_posix()}
    assert gc.run() == 0
    assert files() == before  # a list is only a list
    listed = {entry["folder"] for entry in gc.find()}
    assert listed == {f for f in plan.jobs if f.startswith(unlearned)}
    assert gc.run(yes=True) == 0
    assert before - files() == expected
    assert not Path(unlearned).exists()
    assert gc.find() == []


def test_attack_that_is_no_longer_wanted_goes_alone(plan: Plan) -> None:
    write_study({**SMALL, "attacks": []})
    gc.run(yes=True)
    left = set(verify_folders())
    assert left == {f for f in plan.jobs if "/attacks/" not in f}


def verify_folders() -> list[str]:
    return [
        p.parent.as_posix() for root in ("runs", "reports") for p in Path(root).rglob("specification.json")
    ]


def test_data_committed_reports_and_other_runs_stay(plan: Plan) -> None:
    kept = Path("reports/reference/other/specification.json")
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    other = Path("reports/gone/specification.json")
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    before = files()
    gc.run(yes=True)
    assert before - files() == {other.as_posix()}
    assert verify.run(STUDY) == 0


def test_checkpoints_of_finished_and_unknown_jobs_go(plan: Plan) -> None:
    original, retrained = one(plan, "original"), one(plan, "retrained")
    Path(original, "manifest.json").unlink()
    places = [paths.checkpoint(folder) / "" / "weights" for folder in (original, retrained, "runs/unknown")]
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_text("x")
    gc.run(yes=True)
    assert [place.exists() for place in places] == [True, False, False]


def test_study_that_cannot_be_read_stops_it_all(plan: Plan) -> None:
    Path("config/studies/broken.yaml").write_text("name: broken\n")
    before = files()
    with pytest.raises(UserError):
        gc.run(yes=True)
    assert files() == before
