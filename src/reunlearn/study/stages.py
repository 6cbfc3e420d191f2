"""The one table of stages, in the order in which a study runs them. Whatever lists stages reads it."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reunlearn.base.errors import UserError
from reunlearn.study import jobs, report_jobs
from reunlearn.study.inputs import Folder
from reunlearn.study.paths import SPECIFICATION

Share = Literal["training", "unlearning", "evaluating"]

_DATASET = r"runs/[^/]+"
_DRAWN = r"runs/drawn~[0-9a-f]{8}"  # datasets that a network draws
_GIVEN = r"runs/(?!drawn~)[^/]+"  # all others
_GROUP = _DATASET + r"/[^/]+~[0-9a-f]{8}"  # everything that shares one training specification
_RUN = _GROUP + r"/unlearned/[^/]+/split\d+/train\d+/[^/]+/seed\d+"


@dataclass(frozen=True)
class Stage:
    """One stage: one rule, one file of `stages/`, one command.

    Attributes:
        name: of the stage, its rule, its module and its command.
        job: the type of its specifications.
        folder: regular expression of its folders; no folder fits two stages.
        files: that every job leaves beside manifest and record.
        torch: whether its jobs may compute with torch: those whose specification has a `training` do.
        gpu: whether those jobs may use a GPU.
        local: whether it runs where Snakemake runs, on a cluster too: quick, or in need of network or tracking store.
        warm: whether the warm worker imports it beforehand.
        share: which part of the time it counts to.
        above: how many folders above its own the folder lies that a snapshot keeps it in.
        ignores: inputs whose change alone is no reason to run again.
        data: folder of package files that are part of its code.
    """

    name: str
    job: type[jobs.Job]
    folder: str
    files: tuple[str, ...]
    torch: bool = False
    gpu: bool = False
    local: bool = False
    warm: bool = True
    share: Share | None = None
    above: int = 0
    ignores: tuple[str, ...] = ()
    data: str | None = None


_MODEL = ("model.safetensors", "history.jsonl")

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        Stage("prepare", jobs.PrepareJob, _GIVEN + r"/prepared", ("files.json",), local=True, warm=False),
        Stage(
            "draw",
            jobs.DrawJob,
            _DRAWN + r"/prepared",
            ("files.json",),
            torch=True,
            gpu=True,
            share="evaluating",
        ),
        Stage(
            "split",
            jobs.SplitJob,
            _DATASET + r"/split~[0-9a-f]{8}/[^/]+/split\d+",
            ("indices.npz",),
            local=True,
            warm=False,
        ),
        Stage("given", jobs.GivenJob, _GROUP + r"/given/[^/]+", ("model.safetensors",), torch=True),
        Stage(
            "original",
            jobs.TrainJob,
            _GROUP + r"/original/train\d+",
            _MODEL,
            torch=True,
            gpu=True,
            share="training",
        ),
        Stage(
            "retrained",
            jobs.TrainJob,
            _GROUP + r"/retrained/[^/]+/split\d+/seed\d+",
            _MODEL,
            torch=True,
            gpu=True,
            share="training",
        ),
        Stage(
            "shadow",
            jobs.ShadowJob,
            _GROUP + r"/pools/.+",
            ("outputs.npz",),
            torch=True,
            gpu=True,
            share="training",
        ),
        Stage(
            "state",
            jobs.StateJob,
            _GROUP + r"/state/.+",
            ("state.safetensors",),
            torch=True,
            gpu=True,
            share="unlearning",
        ),
        Stage("unlearn", jobs.UnlearnJob, _RUN, _MODEL, torch=True, gpu=True, share="unlearning"),
        Stage(
            "sample",
            jobs.SampleJob,
            _GROUP + r"/(given|original|retrained|unlearned)/.+/samples~[0-9a-f]{8}",
            ("images.npy", "labels.npy"),
            torch=True,
            gpu=True,
            share="evaluating",
            above=1,
        ),
        Stage(
            "probe",
            jobs.ProbeJob,
            _RUN + r"/probe",
            ("numbers.json",),
            torch=True,
            gpu=True,
            share="evaluating",
            above=1,
        ),
        Stage("choose", jobs.ChooseJob, _GROUP + r"/choices/.+", ("choice.json",), local=True),
        Stage(
            "measure",
            jobs.MeasureJob,
            _RUN + r"/measured/[^/]+",
            ("numbers.json", "arrays.npz"),
            torch=True,
            gpu=True,
            share="evaluating",
            above=2,
        ),
        Stage(
            "aggregate",
            report_jobs.AggregateJob,
            r"reports/[^/]+/results",
            (
                "results.parquet",
                "runs.parquet",
                "samples.parquet",
                "scores.parquet",
                "classes.parquet",
                "histograms.parquet",
                "roc.parquet",
                "series.parquet",
                "runs.json",
            ),
            local=True,
            above=1,
        ),
        Stage(
            "report",
            report_jobs.ReportJob,
            r"reports/[^/]+",
            ("index.html",),
            local=True,
            data="reporting/pages/templates",
        ),
        Stage(
            "track",
            report_jobs.TrackJob,
            r"reports/[^/]+/tracking",
            ("tracked.json",),
            local=True,
            warm=False,
            above=1,
            ignores=("report",),
        ),
    )
}


@functools.lru_cache(maxsize=4096)
def stage_of(folder: str) -> Stage:
    """Return the stage whose folders look like this one.

    Raises:
        KeyError: no stage has such folders.
    """
    for stage in STAGES.values():
        if re.fullmatch(stage.folder, folder):
            return stage
    raise KeyError(f"{folder} is the folder of no stage")


def read_planned(folder: str) -> jobs.Job:
    """Return the job that makes a folder, from its specification file.

    Raises:
        UserError: the file is missing or is no specification.
    """
    path = Path(folder) / SPECIFICATION
    name = jobs.stage_name(path)
    if name not in STAGES:
        raise UserError(f"{path}: no stage '{name}'; {jobs.WRITTEN_BY}")
    return jobs.read_job(path, STAGES[name].job)


def followed(job: jobs.Job) -> list[Folder]:
    """Return the folders that a job reads and whose change is a reason to run it again."""
    ignored = {getattr(job.inputs, role) for role in STAGES[job.stage].ignores}
    return [folder for folder in job.inputs.folders() if folder not in ignored]


def nearest(job: jobs.Job, planned: Mapping[Folder, jobs.Job]) -> list[Folder]:
    """Return those of the folders that a job follows that no other of them follows: after these, all are made."""
    folders = followed(job)
    below = {other for folder in folders for other in followed(planned[folder])}
    return [folder for folder in folders if folder not in below]
