"""Which jobs a cluster runs as one: a run with what is measured on it, and several short ones that wait alike.

A job that fails fails its batch, and the jobs that wait for a batch wait for all of it. So a batch holds only jobs that
wait for the same others and for which the same others wait: it holds up nothing that would not wait anyway.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.stages import STAGES

ENOUGH_SECONDS = 600.0  # a batch gets no more once it is expected to take so long
MOST = 100  # jobs of a batch: its command line names each of them
UNKNOWN_MEASUREMENT = 60.0  # seconds that one counts for while a batch is filled
RUN = re.compile(r".+/unlearned/.+?/seed\d+(?=/|$)")

Batch = tuple[Folder, ...]
Unit = tuple[str, ...]
Names = dict[Folder, Unit]
Edges = dict[Folder, set[Folder]]


def batches(
    jobs: Mapping[Folder, Job], wanted: Collection[Folder], seconds: Mapping[Folder, float | None]
) -> list[Batch]:
    """Return the jobs of a cluster: each the folders of those that it makes, in an order in which they can be made.

    Args:
        jobs: of a plan.
        wanted: those that are to be made.
        seconds: that each of them is expected to take; None where nothing is known.
    """
    reads = {folder: {f for f in jobs[folder].inputs.folders() if f in wanted} for folder in sorted(wanted)}
    readers: Edges = {folder: set() for folder in reads}
    for folder, others in reads.items():
        for other in others:
            readers[other].add(folder)
    order = [f for f in TopologicalSorter(reads).static_order() if not STAGES[jobs[f].stage].local]
    names = _chained(_named(jobs, readers, order), reads, readers)
    while loop := _loop(reads, names):
        names |= {folder: (folder,) for folder, name in names.items() if name in loop}
    weights = {folder: _weight(jobs[folder], seconds[folder]) for folder in order}
    alike: dict[tuple[frozenset[Folder], frozenset[Folder]], list[Batch]] = defaultdict(list)
    for unit in _units(names, order).values():
        alike[_around(unit, reads), _around(unit, readers)].append(unit)
    return [batch for same in alike.values() for batch in _filled(same, weights)]


def _named(jobs: Mapping[Folder, Job], readers: Edges, order: list[Folder]) -> Names:
    """Return the unit of each job: its run; apart from the rest of it what another run waits for."""
    runs = {folder: match[0] if (match := RUN.match(folder)) else folder for folder in order}
    awaited: set[Folder] = set()
    for folder in reversed(order):  # what reads it was looked at before
        others = {f for f in readers[folder] if not isinstance(jobs[f], AggregateJob)}
        if any(runs.get(f) != runs[folder] or f in awaited for f in others):
            awaited.add(folder)
    return {folder: (run, "awaited") if folder in awaited else (run,) for folder, run in runs.items()}


def _chained(names: Names, reads: Edges, readers: Edges) -> Names:
    """Join a unit with the one that it waits for, where whatever waits for that one waits for it, too."""
    units = _units(names, list(names))
    for unit in list(units.values()):
        before = _around(unit, reads)
        for other in {names[f] for f in before if f in names}:
            first = units[other]
            if before <= _around(first, reads).union(first) and (
                _around(first, readers).difference(unit) <= _around(unit, readers)
            ):
                names |= dict.fromkeys(unit, other)
                units[other] = first + unit
                break
    return names


def _units(names: Names, order: list[Folder]) -> dict[Unit, Batch]:
    units: dict[Unit, list[Folder]] = defaultdict(list)
    for folder in order:
        units[names[folder]].append(folder)
    return {name: tuple(folders) for name, folders in units.items()}


def _around(unit: Batch, edges: Edges) -> frozenset[Folder]:
    """Return what the jobs of a unit read, or what reads them, outside it."""
    return frozenset(f for folder in unit for f in edges[folder]).difference(unit)


def _loop(reads: Edges, names: Names) -> set[Unit]:
    """Return units that would wait for each other; none if there are none."""
    graph: dict[Unit, set[Unit]] = defaultdict(set)
    for folder, others in reads.items():
        name = names.get(folder, (folder,))
        graph[name] |= {names.get(f, (f,)) for f in others} - {name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return set(error.args[1])
    return set()


def _weight(job: Job, seconds: float | None) -> float:
    """Return the seconds that a job counts for: of unknown length, a measurement for few, all else for a batch."""
    if seconds is not None:
        return seconds
    return UNKNOWN_MEASUREMENT if STAGES[job.stage].share == "evaluating" else ENOUGH_SECONDS


def _filled(units: Iterable[Batch], weights: Mapping[Folder, float]) -> list[Batch]:
    """Return batches of whole units, each long enough or full; a short rest goes to the last one that has room."""
    filled: list[list[Folder]] = [[]]
    lengths = [0.0]
    for unit in units:
        if filled[-1] and (lengths[-1] >= ENOUGH_SECONDS or len(filled[-1]) + len(unit) > MOST):
            filled.append([])
            lengths.append(0.0)
        filled[-1] += unit
        lengths[-1] += sum(weights[folder] for folder in unit)
    if len(filled) > 1 and lengths[-1] < ENOUGH_SECONDS / 2 and len(filled[-2]) + len(filled[-1]) <= MOST:
        rest = filled.pop()
        filled[-1] += rest
    return [tuple(batch) for batch in filled]
