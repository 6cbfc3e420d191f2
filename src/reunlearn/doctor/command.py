"""`reunlearn doctor`: what this machine, and a study on it, lack. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.commands import plan
from reunlearn.commands.duration import Machine
from reunlearn.commands.printing import console, print_json
from reunlearn.doctor import running
from reunlearn.doctor.findings import Asked, Finding
from reunlearn.doctor.registry import checks
from reunlearn.study import asked as wanted
from reunlearn.study.plan import make_plans

PROFILES = Path("workflow") / "profiles"


@dataclass(frozen=True)
class Diagnosis:
    """All findings, in the order of the checks.

    Attributes:
        problem_count: how many of them are problems.
        warning_count: how many are warnings.
        findings: a line each.
    """

    problem_count: int
    warning_count: int
    findings: tuple[Finding, ...]


def run(
    study: str | None, profile: str = "default", json: bool = False, machine: Machine | None = None
) -> int:
    """Print what the checks find.

    Returns:
        1 where something is a problem, else 0.
    """
    diagnosis = diagnose(study, profile, machine)
    if json:
        print_json(diagnosis)
    else:
        show(diagnosis)
    return 1 if diagnosis.problem_count else 0


def diagnose(study: str | None = None, profile: str = "default", machine: Machine | None = None) -> Diagnosis:
    """Return what the checks find: on the machine alone, or also on what some studies need.

    Raises:
        UserError: there is no such profile.
    """
    known = [path.parent.name for path in PROFILES.glob("*/config.yaml")]
    if profile not in known and known:
        raise UserError(f"no profile '{profile}'; {near(profile, known)}")
    everything, asked = checks(), Asked(profile)
    early = [
        check
        for check in everything
        if check.CARD.study == "nothing" or (not study and check.CARD.study != "must")
    ]
    started = running.start(early, asked)
    extra: list[Finding] = []
    if study:
        try:
            asked = planned(study, profile, machine)
        except UserError as error:
            extra.append(Finding("study", "problem", str(error)))
        late = [c for c in everything if c not in early and (asked.plans or c.CARD.study != "must")]
        started += running.start(late, asked)
    started.sort(key=lambda one: one.check.CARD.order)
    found = [finding for one in started for finding in running.findings(one)] + extra
    count = [finding.state for finding in found].count
    return Diagnosis(count("problem"), count("warning"), tuple(found))


def planned(study: str, profile: str, machine: Machine | None) -> Asked:
    """Return what some studies consist of.

    Raises:
        UserError: one cannot be planned.
    """
    plans = make_plans(wanted.studies(study))
    return Asked(profile, plans, plan.describe_plans(plans, study, machine))


def show(diagnosis: Diagnosis) -> None:
    """Print a line for each finding, and below it what to do."""
    screen = console()
    width = max(len(finding.check) for finding in diagnosis.findings)
    for finding in diagnosis.findings:
        screen.print(f"{finding.state:<8} {finding.check:<{width}}  {finding.text}")
        if finding.mend:
            screen.print(f"{'':<8} {'':<{width}}  → {finding.mend}")
    screen.print(f"problems: {diagnosis.problem_count}, warnings: {diagnosis.warning_count}")
