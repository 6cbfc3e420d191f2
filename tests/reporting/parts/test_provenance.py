"""Provenance: sums by stage, and warnings only where jobs do not fit together."""

from __future__ import annotations

import pytest

from reunlearn.artifacts.record import Git
from reunlearn.reporting.parts.provenance import gather
from tests.reporting.jobs import COMMIT


def test_sums_by_stage(whole):
    jobs = whole.gathered.jobs.values()
    provenance = gather(jobs)
    stages = {stage.stage: stage for stage in provenance.stages}
    totals = [job.record.seconds["total"] for job in jobs]
    retrained = [job.record.seconds["total"] for job in jobs if job.stage == "retrained"]
    assert stages["retrained"].jobs == len(retrained) == 12
    assert stages["retrained"].seconds == pytest.approx(sum(retrained))
    assert provenance.seconds == pytest.approx(sum(totals))
    assert provenance.span_seconds == pytest.approx(max(totals))
    assert provenance.warnings == ()
    assert list(stages) == [
        "original",
        "retrained",
        "state",
        "unlearn",
        "measure",
    ]  # as they run, not by name


def changed(jobs, **changes):
    """Return the jobs, the record of the first with other entries."""
    first, *others = jobs
    return [first.model_copy(update={"record": first.record.model_copy(update=changes)}), *others]


def test_the_peak_is_that_of_the_jobs_that_know_theirs(whole):
    jobs = [job for job in whole.gathered.jobs.values() if job.stage == "original"]
    assert gather(changed(jobs, peak_memory_mib=None)).stages[0].peak_memory_mib == 410.2
    assert gather(changed(jobs[:1], peak_memory_mib=None)).stages[0].peak_memory_mib is None


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"versions": {"torch": "2.14.0"}}, "versions of torch (2.13.0, 2.14.0)"),
        ({"git": Git(commit=COMMIT, dirty=True)}, "Tracked files differed"),
        ({"git": Git(commit="f" * 40, dirty=False)}, "several commits"),
        ({"threads": 4}, "different machines"),
    ],
)
def test_one_job_that_differs_gives_a_warning(whole, change, word):
    warnings = gather(changed(whole.gathered.jobs.values(), **change)).warnings
    assert any(word in warning for warning in warnings)


def test_nothing_ran(nothing):
    provenance = gather(nothing.gathered.jobs.values())
    assert (provenance.stages, provenance.span_seconds, provenance.warnings) == ((), None, ())


def test_jobs_in_mixed_precision_are_told_apart(whole):
    jobs = list(whole.gathered.jobs.values())
    assert [place[3] for place in gather(jobs).machines] == [""]
    provenance = gather(changed(jobs, precision="mixed"))
    assert sorted(place[3:] for place in provenance.machines) == [("", len(jobs) - 1), ("mixed", 1)]
    assert not any("different machines" in warning for warning in provenance.warnings)
