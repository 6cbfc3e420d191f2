"""Samples of a job from its specification, and seconds from samples; against counts and records of real runs."""

from __future__ import annotations

import lzma
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from reunlearn.artifacts.gathered import Gathered
from reunlearn.artifacts.record import Record
from reunlearn.study.catalogue import catalogue
from reunlearn.study.cost import Calibration, Kind, Network, Unit, network_of, predict, shipped, unit_of
from reunlearn.study.jobs import Job
from reunlearn.study.work import Work, rounds_of, work_of
from tests.study.plans import plan_of

REFERENCE = Path("reports/reference")


def unit(width: int, side: int = 32, **changes: Any) -> Unit:
    fields = {"network": "resnet18", "settings": {"width": width}, "side": side, "device": "cpu"}
    cost = {"step_ms": 10.0, "sample_ms": 2.0, "forward_ms": 1.0, "parameters": 5, "measured": "made up"}
    return Unit.model_validate(fields | cost | changes)


def network(width: int, side: int = 32) -> Network:
    return Network("resnet18", (("width", width),), side)


def work(key: str = "train", **changes: Any) -> Work:
    job = plan_of("quickstart").of_stage("original")[0]
    found = work_of(job, plan_of("quickstart").jobs, catalogue().datasets)
    assert found is not None
    fields = {"sets": (100, 900, 50), "rounds": 3.0, "batch": 20, **changes}
    return Work(key, found.training, **fields)


def test_seconds_are_samples_times_what_a_sample_takes() -> None:
    kind = Kind(forget=2.0, retain=1.0, every=0.5, share=1.5, setup=7.0)
    calibration = Calibration(units=(unit(16),), kinds={"train": kind})
    samples = 3 * (2 * 100 + 900) + 0.5 * 1050
    cost = predict(work(models=4), network(16), "cpu", calibration)
    assert cost and cost.seconds == pytest.approx(7 + 4 * samples * 1.5 * (10 / 20 + 2) / 1000)
    assert not cost.extrapolated


def test_what_needs_no_network_takes_its_own_time() -> None:
    calibration = Calibration(units=(), kinds={"measure x": Kind(every=2.0, own_ms=3.0)})
    cost = predict(work("measure x"), network(16), "cpu", calibration)
    assert cost and cost.seconds == pytest.approx(2 * 1050 * 3 / 1000)


def test_what_was_never_measured_is_not_predicted() -> None:
    calibration = Calibration(units=(unit(16),), kinds={"train": Kind(retain=1.0)})
    assert predict(work(), network(16), "cuda", calibration) is None
    assert predict(work("unlearn lur"), network(16), "cpu", calibration) is None
    assert predict(work(), Network("vit", (), 32), "cpu", calibration) is None
    assert predict(work(), network(16), "cpu", calibration), "a control"


def test_another_width_or_side_is_scaled_from_the_nearest_and_marked() -> None:
    units = (unit(16), unit(64, sample_ms=30.0))
    found = unit_of(network(32, side=64), "cpu", units)
    assert found and found.sample_ms == pytest.approx(30.0 * (64 / 32) ** 2 * (32 / 64) ** 2)
    calibration = Calibration(units=units, kinds={"train": Kind(retain=1.0)})
    cost = predict(work(), network(8), "cpu", calibration)
    exact = predict(work(), network(16), "cpu", calibration)
    assert cost and exact and cost.extrapolated and not exact.extrapolated
    assert cost.seconds < exact.seconds


@pytest.mark.parametrize(
    ("settings", "rounds"),
    [
        ({"epochs": 5, "batch_size": 10}, 5),
        ({"steps": 100, "batch_size": 10}, 1.0),  # 1,000 samples in steps of 10
        ({"steps": 3, "passes": 100, "batch_size": 10}, 300),
        ({"steps": 7}, 7),
        ({}, 1),
    ],
)
def test_rounds_come_from_the_settings(settings: dict[str, Any], rounds: float) -> None:
    assert rounds_of(settings, 10, 1000) == rounds


def without_digests(folder: str) -> str:
    """Return a folder's name without the digests in it: they change with every new field of a specification."""
    return re.sub(r"~[0-9a-f]{8}", "", folder)


def reference(study: str) -> tuple[dict[str, Job], list[tuple[Job, Record]]]:
    """Return the jobs of today's plan, and those that were run with their records."""
    packed = (REFERENCE / study / "results" / "runs.json.xz").read_bytes()
    gathered, jobs = Gathered.model_validate_json(lzma.decompress(packed)), plan_of(study).jobs
    times = Counter(map(without_digests, jobs))
    today = {without_digests(f): job for f, job in jobs.items() if times[without_digests(f)] == 1}
    ran = {without_digests(folder): result.record for folder, result in gathered.jobs.items()}
    return jobs, [(today[name], record) for name, record in ran.items() if name in today]


def test_methods_draw_what_is_predicted() -> None:
    """Passes over the sets, fitted to what records counted, are those of the methods."""
    jobs, ran = reference("methods-on-digits")
    kinds, cards = shipped().kinds, catalogue().datasets
    near, known = 0, 0
    for job, record in ran:
        drawn = sum((record.drawn or {}).values())
        found = work_of(job, jobs, cards) if drawn else None
        if found is None or found.key not in kinds:
            continue
        known += 1
        near += 0.8 < kinds[found.key].samples(found) / drawn < 1.25
    assert known > 200 and near > 0.7 * known, (near, known)


@pytest.mark.parametrize("study", ["methods-on-digits", "goemotions"])
def test_predictions_are_near_what_was_measured(study: str) -> None:
    jobs, ran = reference(study)
    cards, told, measured = catalogue(), 0.0, 0.0
    for job, record in ran:
        found = work_of(job, jobs, cards.datasets)
        cost = predict(found, network_of(found.training, cards), "cpu", shipped()) if found else None
        if cost is not None:
            told, measured = told + cost.seconds, measured + record.seconds["total"]
    assert measured > 10
    assert 0.5 < told / measured < 2, (told, measured)


def test_every_number_of_the_calibration_says_where_it_comes_from() -> None:
    calibration = shipped()
    assert calibration.provenance["records"] and calibration.errors
    assert all(unit.measured for unit in calibration.units)
    assert all(kind.records >= 3 for kind in calibration.kinds.values())
    assert {unit.device for unit in calibration.units} == {"cpu"}, "nothing was measured on a GPU"
