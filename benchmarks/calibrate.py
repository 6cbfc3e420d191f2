"""Make src/reunlearn/study/calibration.json: `python benchmarks/calibrate.py UNITS PROJECT…`.

UNITS is what `benchmarks/units.py` measured. Kinds of work are fitted to the records of reports/reference and of the
projects that are named (folders in which studies were run). Prints how far predictions are from what was measured:
fitted to the records of other datasets, and to all.
"""

from __future__ import annotations

import json
import lzma
import re
import statistics
import sys
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reunlearn.artifacts.record import Record, read_record
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.study.catalogue import catalogue
from reunlearn.study.cost import SHIPPED, Calibration, Kind, Network, Unit, network_of, predict, unit_of
from reunlearn.study.jobs import Job
from reunlearn.study.plan import make_plan
from reunlearn.study.stages import read_planned
from reunlearn.study.work import Work, work_of

REFERENCE = Path("reports/reference")
FEWEST = 3  # records that a kind of work is fitted to


@dataclass(frozen=True)
class Observation:
    """A job that was run: what it computes, with what, what it drew, and what it took."""

    source: str
    work: Work
    network: Network
    record: Record


def observed(source: str, jobs: dict[str, Job], records: dict[str, Record]) -> list[Observation]:
    """Return what there is to learn from the records of some jobs."""
    cards, found = catalogue(), []
    for folder, record in records.items():
        work = work_of(jobs[folder], jobs, cards.datasets) if folder in jobs else None
        if work is not None and record.device == "cpu" and record.threads == 1:
            found.append(Observation(source, work, network_of(work.training, cards), record))
    return found


def references() -> list[Observation]:
    """Return those of the reference runs whose jobs the studies of today still have, by whatever digest."""
    found = []
    for packed in sorted(REFERENCE.glob("*/results/runs.json.xz")):
        study = packed.parts[-3]
        gathered = json.loads(lzma.decompress(packed.read_bytes()))
        jobs = make_plan(study).jobs
        known = {without_digests(folder): folder for folder in jobs}
        records = {
            known[name]: Record.model_validate(j["record"])
            for f, j in gathered["jobs"].items()
            if (name := without_digests(f)) in known
        }
        found += observed(f"{study} (reference)", jobs, records)
    return found


def without_digests(folder: str) -> str:
    """Return a folder as it is called in words: a later version may write the same specification otherwise."""
    return re.sub(r"~[0-9a-f]{8}", "", folder)


def of_project(root: Path) -> list[Observation]:
    """Return those of a folder in which studies were run; specifications of another version are left out."""
    jobs: dict[str, Job] = {}
    records: dict[str, Record] = {}
    for path in sorted(root.glob("runs/**/specification.json")):
        folder = path.parent.relative_to(root).as_posix()
        try:
            jobs[folder] = read_planned(str(path.parent))
        except UserError:
            continue
        if record := read_record(path.parent):
            records[folder] = record
    observations = []
    for dataset in sorted({folder.split("/")[1] for folder in jobs}):
        part = {f: r for f, r in records.items() if f.split("/")[1] == dataset}
        observations += observed(f"{dataset} (runs)", jobs, part)
    return observations


def distinct(observations: list[Observation]) -> list[Observation]:
    """Return each record once: a reference may have been made in a project that is named, too."""
    known = {}
    for one in observations:
        known.setdefault(one.record.model_dump_json(), one)
    return list(known.values())


def fitted(observations: list[Observation], units: tuple[Unit, ...]) -> dict[str, Kind]:
    """Return the kinds of work that so many records tell of."""
    groups = defaultdict(list)
    for one in observations:
        if unit_of(one.network, "cpu", units) is not None or not one.work.network:
            groups[one.work.key].append(one)
    return {key: fit(key, of, units) for key, of in sorted(groups.items()) if len(of) >= FEWEST}


def fit(key: str, of: list[Observation], units: tuple[Unit, ...]) -> Kind:
    """Return one kind: the samples it takes, then what one takes; the least squares of relative errors."""
    setup = round(
        statistics.median(o.record.seconds["total"] - o.record.seconds.get("run", 0.0) for o in of), 4
    )
    costs = np.array([_plain(o, units) for o in of])  # seconds of a sample of plain training
    run = np.maximum([o.record.seconds.get("run", 0.0) for o in of], 1e-4)
    rounds = np.array([o.work.rounds for o in of])
    forget, retain, held = (np.array([o.work.sets[i] for o in of], dtype=float) for i in range(3))
    models = np.array([o.work.models for o in of])
    every = forget + retain + held
    if key in ("train", "sample"):
        return _shared(Kind(retain=1.0, setup=setup, records=len(of)), of, costs, run)
    if key.startswith("unlearn"):
        drawn = np.array([sum((o.record.drawn or {}).values()) for o in of], dtype=float)
        if not drawn.all():  # it computes with samples that it makes itself
            a, b = _least(np.stack([rounds * forget, rounds * retain], 1) * costs[:, None], run)
            return Kind(forget=a, retain=b, setup=setup, records=len(of))
        by_round, once = (_drawing(of, drawn, setup, once) for once in (False, True))
        fewer = _error(once, of, drawn) < 0.1 * _error(by_round, of, drawn) and len(set(rounds)) > 1
        return _shared(once if fewer else by_round, of, costs, run)
    if key.startswith("state"):
        columns = np.stack([rounds * (forget + retain), every], 1) * costs[:, None]
        a, c = _least(columns, run / models)
        return Kind(forget=a, retain=a, every=c, setup=setup, records=len(of))
    if of[0].work.network:
        return _shared(Kind(every=1.0, setup=setup, records=len(of)), of, costs, run)
    constant, c = _least(np.stack([np.ones(len(of)), every * costs], 1), run)
    return Kind(every=c, setup=round(setup + constant, 4), own_ms=1.0, records=len(of))


def _drawing(of: list[Observation], drawn: np.ndarray, setup: float, once: bool) -> Kind:
    """Return the kind of a method by the samples that it drew."""
    rounds = np.array([1.0 if once else o.work.rounds for o in of])
    forget, retain, _ = (np.array([o.work.sets[i] for o in of], dtype=float) for i in range(3))
    a, b = _least(np.stack([rounds * forget, rounds * retain], 1), drawn)
    return Kind(forget=a, retain=b, once=once, setup=setup, records=len(of))


def _error(kind: Kind, of: list[Observation], drawn: np.ndarray) -> float:
    """Return the sum of the squared relative errors in the samples of some jobs."""
    told = np.array([kind.samples(o.work) for o in of])
    return float(((told / drawn - 1) ** 2).sum())


def _plain(o: Observation, units: tuple[Unit, ...]) -> float:
    """Return the seconds of a sample of plain training; a millisecond where the network does not matter."""
    if not o.work.network:
        return 1e-3
    unit = unit_of(o.network, "cpu", units)
    assert unit is not None
    return (unit.step_ms / max(o.work.batch, 1) + unit.sample_ms) / 1000


def _shared(kind: Kind, of: list[Observation], costs: np.ndarray, run: np.ndarray) -> Kind:
    """Return a kind with its share: the median over networks of the median over their records."""
    shares = defaultdict(list)
    for o, cost, seconds in zip(of, costs, run, strict=True):
        samples = o.work.models * kind.samples(o.work)
        shares[o.network].append(seconds / max(samples * cost, 1e-9))
    share = statistics.median(statistics.median(values) for values in shares.values())
    return kind.model_copy(update={"share": round(float(share), 4)})


def _least(columns: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Return two factors of at least 0 with the least squares of relative errors."""
    weighted, ones = columns / wanted[:, None], np.ones(len(wanted))
    both = np.linalg.lstsq(weighted, ones, rcond=None)[0]
    if (both >= 0).all():
        return round(float(both[0]), 4), round(float(both[1]), 4)
    alone = [max(float(c @ ones / max(c @ c, 1e-12)), 0.0) for c in weighted.T]
    errors = [float(((factor * c - 1) ** 2).sum()) for factor, c in zip(alone, weighted.T, strict=True)]
    best = int(np.argmin(errors))
    return (round(alone[0], 4), 0.0) if best == 0 else (0.0, round(alone[1], 4))


def errors(observations: list[Observation], calibration: Calibration) -> dict[str, str]:
    """Return how far predictions are from what was measured, by source: of jobs, and of their sum."""
    lines = {}
    for source in sorted({o.source for o in observations}):
        ratios, told, measured = [], 0.0, 0.0
        unknown = 0
        for o in (o for o in observations if o.source == source):
            cost = predict(o.work, o.network, "cpu", calibration)
            if cost is None:
                unknown += 1
                continue
            seconds = o.record.seconds["total"]
            ratios.append(max(cost.seconds, 1e-3) / max(seconds, 1e-3))
            told, measured = told + cost.seconds, measured + seconds
        if ratios:
            far = sorted(max(r, 1 / r) for r in ratios)
            lines[source] = (
                f"{len(ratios)} jobs, {unknown} unknown; sum {told:.0f} s for {measured:.0f} s measured "
                f"({told / measured:.2f}); a job within a factor of {far[len(far) // 2]:.2f} (median), "
                f"{far[int(0.9 * len(far))]:.2f} (nine of ten)"
            )
    return lines


def main() -> None:
    """Fit, print the errors, write the file."""
    units = tuple(Unit.model_validate(unit) for unit in json.loads(Path(sys.argv[1]).read_text()))
    observations = distinct(references() + [o for root in sys.argv[2:] for o in of_project(Path(root))])
    apart: dict[str, str] = {}
    for source in sorted({o.source for o in observations}):
        dataset = {o.work.training.dataset.name for o in observations if o.source == source}
        others = [o for o in observations if o.work.training.dataset.name not in dataset]
        left = Calibration(units=units, kinds=fitted(others, units))
        apart |= errors([o for o in observations if o.source == source], left)
    whole = Calibration(units=units, kinds=fitted(observations, units))
    for title, lines in {
        "fitted to other datasets": apart,
        "fitted to all": errors(observations, whole),
    }.items():
        print(title)
        for source, line in lines.items():
            print(f"  {source}: {line}")
    provenance = {
        "made": f"benchmarks/units.py and benchmarks/calibrate.py, {datetime.now(UTC).date().isoformat()}",
        "records": ", ".join(sorted({o.source for o in observations})) + f": {len(observations)} jobs",
    }
    text = Calibration(provenance=provenance, errors=apart, units=units, kinds=whole.kinds).model_dump_json(
        indent=1
    )
    write_text(SHIPPED, text + "\n")


if __name__ == "__main__":
    main()
