"""Attack a user's own model, outside any study: every mistake first, then the plan, then one finished folder."""

from __future__ import annotations

import os
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
from rich.console import Console

from reunlearn.artifacts.gathered import FILE as RUNS
from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json
from reunlearn.base.hashing import sha256
from reunlearn.commands.audit_table import AuditResult, by_row, show, status_by_row
from reunlearn.commands.execute_plan import execute_plan
from reunlearn.reporting import rows
from reunlearn.reporting.experiment import Tables
from reunlearn.reporting.pages.audit import File, make_audit_page
from reunlearn.reporting.pages.report import Report
from reunlearn.reporting.parts.audit_text import divergences
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages.pages import write_list, write_report
from reunlearn.study import paths
from reunlearn.study.audit import NAME, Audit, AuditRequest, plan_audit
from reunlearn.study.averages import averages_of
from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import catalogue
from reunlearn.study.jobs import Job, MeasureJob
from reunlearn.study.layout import audit_layout
from reunlearn.study.papers import papers
from reunlearn.study.plan import Plan, aggregate_job, cards_of
from reunlearn.study.specs import RunSpec


def run(request: AuditRequest, json: bool = False) -> None:
    """Check everything, attack the model, write the folder, print the numbers."""
    cards = catalogue()
    audit = plan_audit(request, cards)
    audit = replace(audit, notes=(*audit.notes, *_check_weights(audit)))
    left_out = {name: f"needs {what}" for name, what in audit.left_out.items()}
    left_out |= _execute(audit)
    runs = [_without(run, left_out) for run in audit.plan.runs]
    root = state_dir() / "audits" / str(os.getpid())
    shutil.rmtree(root, ignore_errors=True)
    try:
        results = _aggregate(audit, runs, root)
        result = _write(audit, results, left_out, cards_of(runs, [audit_layout(cards)], cards))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if json:
        print((request.target / "audit.json").read_text(encoding="utf-8"), end="")
    else:
        show(result, cards)


def _check_weights(audit: Audit) -> list[str]:
    """Refuse a file of weights before anything is begun; return what is unusual about them.

    The stage `given` looks at each again.
    """
    from reunlearn.training.given_weights import read_weights  # torch takes seconds; most mistakes need none

    side = audit.training.recipe.resize
    shape = (audit.data.shape[0], side, side) if side else audit.data.shape
    network, notes = audit.training.architecture, []
    for _, _, file in audit.request.models():
        given = read_weights(file, network, shape, audit.data.classes, audit.request.ignore)
        notes += [f"{file}: {change}." for change in given.changes]
    return notes


def _execute(audit: Audit) -> dict[str, str]:
    """Run the plan; return the attacks that these samples do not allow, with the reason.

    Raises:
        UserError: such an attack was named in the request.
    """
    console = Console(stderr=True, highlight=False, markup=False)
    left_out: dict[str, str] = {}

    def watch(job: Job, number: int, count: int) -> None:
        console.print(f"[{number}/{count}] {job.stage} {job.folder}")

    def tolerate(job: Job, error: Exception) -> bool:
        if not (isinstance(job, MeasureJob) and isinstance(error, ValueError)):
            return False
        name = job.measure.name
        if name not in audit.experiment.attacks:
            return False
        if audit.request.attacks is not None:
            raise UserError(f"attack '{name}': {error}; name others by --attacks") from error
        left_out[name] = str(error)
        return True

    execute_plan(audit.plan.jobs, watch, tolerate)
    return left_out


def _without(run: RunSpec, left_out: dict[str, str]) -> RunSpec:
    """Return a run without the measurements that are left out."""
    measured = {name: folder for name, folder in run.measured.items() if name not in left_out}
    return run.model_copy(update={"measured": measured})


def _aggregate(audit: Audit, runs: list[RunSpec], root: Path) -> Path:
    """Gather the results in a folder that does not stay; return it."""
    kept = {folder for run in runs for folder in run.measured.values()}
    jobs = {
        folder: job
        for folder, job in audit.plan.jobs.items()
        if folder in kept or not isinstance(job, MeasureJob)
    }
    gathering = replace(audit.plan, jobs=jobs, runs=runs)
    folder = root / "results"
    plan = Plan(audit.plan.study, audit.plan.name)
    plan.add(replace(aggregate_job(gathering, NAME, str(folder))))
    execute_plan({**jobs, **plan.jobs})
    return folder


def _write(audit: Audit, results: Path, left_out: dict[str, str], cards: Catalogue) -> AuditResult:
    """Write the folder beside its place and move it there when it is whole; return what audit.json says."""
    tables = Tables(StudyTables(results), audit.experiment.name)
    numbers = tables["results"]
    files = _files(audit.request)
    experiment = audit.experiment.model_copy(
        update={"attacks": tuple(name for name in audit.experiment.attacks if name not in left_out)}
    )
    page = make_audit_page(
        audit.plan.study.model_copy(update={"experiments": (experiment,)}),
        tables,
        Gathered.read(results),
        cards,
        files=files,
        left_out=left_out,
        command=command(audit.request),
        averages=averages_of(papers(catalogue()).values()),
        notes=audit.notes,
        root=Path(os.path.relpath(Path.cwd(), audit.request.target)).as_posix(),
    )
    result = AuditResult(
        output=str(audit.request.target),
        command=command(audit.request),
        files=tuple(files),
        samples=_samples(numbers),
        left_out=left_out,
        status=status_by_row(numbers),
        notes=(*divergences(rows.by_row(numbers)), *audit.notes),
        numbers=by_row(numbers),
    )
    target = audit.request.target
    work = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        _fill(work, page, results, result)
        work.replace(target)
        if target.resolve().is_relative_to(Path(paths.REPORTS).resolve()):
            write_list()
    except OSError as error:
        raise UserError(f"{target}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return result


def _samples(results: pd.DataFrame) -> dict[str, int]:
    """Return the samples in forget and retain, and of both together."""
    sizes = {
        name: int(results.loc[results["metric"] == f"size_{name}", "value"].iloc[0])
        for name in ("forget", "retain")
    }
    return {**sizes, "train": sum(sizes.values())}


def _fill(work: Path, page: Report, results: Path, result: AuditResult) -> None:
    write_report(page, work)
    (work / "results").mkdir()
    for name in (*(f"{table}.parquet" for table in StudyTables(results).names), RUNS):
        shutil.copyfile(results / name, work / "results" / name)
    write_json(work / "audit.json", result.written())


def _files(request: AuditRequest) -> list[File]:
    """Return what was read, in the order of the tables, then the lists of samples."""
    role_of = {"retrain": "reference", "noise_floor": "reference", "original": "original", "audited": "model"}
    read = [(role_of[row.method], file) for row, _, file in request.models()]
    read += [("forget", request.forget)]
    read += [("retain", request.retain)] if request.retain else []
    return [File(role, file, sha256(Path(file))) for role, file in read]


def command(request: AuditRequest) -> str:
    """Return the words that ask for an audit."""
    words = ["reunlearn", "audit"]
    for name, value in vars(request).items():
        option = f"--{name}"
        if name == "references":
            words += [word for file in value for word in ("--reference", file)]
        elif name in ("attacks", "ignore") and value:
            words += [option, ",".join(value)]
        elif value != getattr(AuditRequest, name, None):
            words += [option, str(value)]
    return shlex.join(words)
