"""Provenance: sums by stage, and warnings only where jobs do not fit together."""

from __future__ import annotations

import copy

import pytest

from reunlearn.reporting.provenance import gather


def test_sums_by_stage(whole):
    found = gather(whole["runs"])
    jobs = whole["runs"]["jobs"].values()
    stages = {stage.stage: stage for stage in found.stages}
    own = [j["record"]["seconds"]["total"] for j in jobs if j["stage"] == "retrained"]
    assert stages["retrained"].jobs == len(own) == 12
    assert stages["retrained"].seconds == pytest.approx(sum(own))
    assert found.seconds == pytest.approx(sum(j["record"]["seconds"]["total"] for j in jobs))
    assert found.span_seconds == pytest.approx(max(j["record"]["seconds"]["total"] for j in jobs))
    assert found.warnings == ()
    assert list(stages) == [
        "original",
        "retrained",
        "unlearn",
        "evaluate",
        "compare",
        "attack",
    ]  # as they run, not by name


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda r: r["versions"].update(torch="2.14.0"), "versions of torch (2.13.0, 2.14.0)"),
        (lambda r: r["git"].update(dirty=True), "Tracked files differed"),
        (lambda r: r["git"].update(commit="f" * 40), "several commits"),
        (lambda r: r.update(threads=4), "different machines"),
    ],
)
def test_one_job_that_differs_is_told(whole, change, word):
    runs = copy.deepcopy(whole["runs"])
    change(next(iter(runs["jobs"].values()))["record"])
    warnings = gather(runs).warnings
    assert any(word in warning for warning in warnings)


def test_nothing_ran(nothing):
    found = gather(nothing["runs"])
    assert (found.stages, found.span_seconds, found.warnings) == ((), None, ())
