"""Begin and end of MLflow's runs are those of the jobs, whenever they are logged; in seconds after noon."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from reunlearn.tracking.store import open_store
from tests.tracking.stored import ids, kinds, runs_of_store
from tests.tracking.synthetic_study import NOON, ROWS, SyntheticStudy

SEEDS = 2
EXPECTED = Counter(seed=SEEDS * len(ROWS), method=len(ROWS), study=1)
# each run took two seconds, seed s ended s minutes after noon; the report took one second and ended ten minutes after
TIMES = {"seed": {(-2, 0), (58, 60)}, "method": {(-2, 60)}, "study": {(599, 600)}}


def times() -> dict[str, set[tuple[float, float]]]:
    """Return begin and end of the runs of each kind."""
    found: dict[str, set[tuple[float, float]]] = {"seed": set(), "method": set(), "study": set()}
    for run in runs_of_store():
        begin, end = run.info.start_time - NOON, run.info.end_time - NOON
        found[run.data.tags["kind"]].add((begin / 1000, end / 1000))
    return found


def test_they_are_those_of_the_jobs_however_often_they_are_logged(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    for _ in range(2):
        study.track()
        assert times() == TIMES


def test_what_was_made_half_an_hour_later_moves_its_own_runs_only(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    before = runs_of_store()
    study.edit("finetune", "other code", minutes=31)
    study.report({"index.html": "<p>two</p>"}, minutes=32)
    study.track()
    runs = runs_of_store()
    assert kinds(runs) == EXPECTED + Counter(seed=SEEDS), "the older results stay, superseded"
    later = {"seed": {(1858, 1860)}, "method": {(1858, 1860)}, "study": set()}
    assert times() == {**{kind: TIMES[kind] | later[kind] for kind in later}, "study": {(1919, 1920)}}
    gone = [run for run in before if run.info.run_id not in ids(runs)]
    assert kinds(gone) == Counter(method=1, study=1), "MLflow cannot change a begin: these two were replaced"
    parents = {run.data.tags["mlflow.parentRunId"] for run in runs if run.data.tags["kind"] == "seed"}
    assert parents == ids([run for run in runs if run.data.tags["kind"] == "method"])


def test_a_seed_more_keeps_the_begin_of_its_row_and_moves_the_end(project: Path) -> None:
    SyntheticStudy(SEEDS).track()
    before = ids(runs_of_store())
    SyntheticStudy(SEEDS + 1).track()
    assert times()["method"] == {(-2, 120)}
    assert before <= ids(runs_of_store())


def test_what_a_kill_left_is_not_completed_with_the_times_of_another_job(project: Path) -> None:
    study = SyntheticStudy(SEEDS)
    study.track()
    with open_store() as client:
        for run in client.search_runs([client.get_experiment_by_name("tiny").experiment_id]):
            client.delete_tag(run.info.run_id, "complete")
    study.edit("finetune", "code", minutes=31)  # made again, with the same bits
    study.track()
    assert kinds(runs_of_store()) == EXPECTED
    assert times()["seed"] == TIMES["seed"] | {(1858, 1860)}
