"""Datasets that a study has still to prepare: where their files come from."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from pathlib import Path

from reunlearn.base.caches import state_dir
from reunlearn.data.sources import MIRROR, Archive, LooseFile
from reunlearn.doctor.findings import Asked, CheckCard, Found, State
from reunlearn.doctor.published import files_of, is_held, unpacked
from reunlearn.study import paths
from reunlearn.study.jobs import PrepareJob

CARD = CheckCard(order=230, title="data", study="must", seconds=60.0)
SECONDS = 5  # for a server's answer


def look(asked: Asked) -> Found:
    """Yield a line per dataset that would be prepared: a user's folder is looked at with the other files of theirs."""
    overview, jobs = asked.overview, asked.plans.jobs if asked.plans else {}
    waiting = [jobs[line.folder] for line in (overview.states if overview else ()) if line.would_run]
    wanted = [job for job in waiting if isinstance(job, PrepareJob)]
    for job in wanted:
        if job.source:
            yield "ok", f"{job.dataset.name} is read from {job.source}", ""
        elif Path(paths.data(job.dataset)).is_dir():
            yield "ok", f"{job.dataset.name} lies in {paths.data(job.dataset)}", ""
        else:
            yield of_files(job.dataset.name, files_of(job.dataset.name))
    if not wanted:
        yield "ok", "every dataset is prepared", ""


def of_files(dataset: str, files: list[Archive | LooseFile]) -> tuple[State, str, str]:
    """Return where the published files of a dataset would be read from."""
    mirror = os.environ.get(MIRROR)
    folder = Path(mirror) if mirror else state_dir() / "downloads"
    absent = [file for file in files if not is_held(file, folder)]
    if not files:
        return "ok", f"{dataset} comes with an installed package", ""
    if not absent:
        return "ok", f"{dataset} is read from {folder}", ""
    first = absent[0]
    if mirror:
        return (
            "problem",
            f"{dataset}: {folder / name_of(first)} is not there, and with {MIRROR} set nothing is downloaded",
            (f"place {first.url} there, or unset {MIRROR}"),
        )
    if reason := unreachable(first.url):
        return (
            "problem",
            f"{dataset}: {first.url} cannot be reached ({reason})",
            (f"see the network, or set {MIRROR} to a folder that holds {name_of(first)}"),
        )
    return "ok", f"{dataset} is downloaded from {first.url}, which answers", ""


def name_of(file: Archive | LooseFile) -> str:
    """Return a name that a mirror may have a file by."""
    return file.name if isinstance(file, LooseFile) else unpacked(file)[0]


def unreachable(url: str) -> str | None:
    """Return why a server does not offer a file; None if it does."""
    request = urllib.request.Request(url, method="HEAD")
    try:
        with urllib.request.urlopen(request, timeout=SECONDS):
            return None
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except OSError as error:
        return str(getattr(error, "reason", error))
