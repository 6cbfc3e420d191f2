"""Plans that several tests look at: made once for all of them."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from reunlearn.study.audit import AuditRequest, plan_audit
from reunlearn.study.catalogue import catalogue
from reunlearn.study.jobs import Job
from reunlearn.study.load import names
from reunlearn.study.plan import Plan, make_plan

LARGE = "settings-on-digits"  # 19,000 jobs of the kinds that quickstart-searched has, too
STUDIES = [name for name in names("studies") if name != LARGE]


@functools.cache
def plan_of(study: str) -> Plan:
    """Return the plan of a study of config/studies."""
    return make_plan(study)


def audit_of(folder: Path) -> Plan:
    """Return the plan of an audit; model, references and lists are files in this folder."""
    for name in ("audited", "retrain", "floor", "original"):
        (folder / f"{name}.safetensors").write_bytes(name.encode())
    np.save(folder / "forget.npy", np.array([9, 3, 27]))
    request = AuditRequest(
        model=str(folder / "audited.safetensors"),
        architecture="small_cnn width=4",
        dataset="digits",
        forget=str(folder / "forget.npy"),
        references=(str(folder / "retrain.safetensors"), str(folder / "floor.safetensors")),
        original=str(folder / "original.safetensors"),
        output=str(folder / "page"),
    )
    return plan_audit(request, catalogue()).plan


def one_per_stage(plan: Plan) -> dict[str, Job]:
    """Return the first job of each stage."""
    jobs: dict[str, Job] = {}
    for job in plan.jobs.values():
        jobs.setdefault(job.stage, job)
    return jobs
