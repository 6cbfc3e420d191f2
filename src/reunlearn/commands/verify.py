"""Re-hash every artifact of a study and name what is missing, changed or stale."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Any

from rich.console import Console

from reunlearn.artifacts.manifest import read_record
from reunlearn.commands.inspection import State, inspect
from reunlearn.study.plan import make_plan


def run(study: str, json: bool = False) -> int:
    """Verify a study; return 1 if an artifact is missing, changed or stale. Mixed versions are only pointed out."""
    found = verify(study)
    if json:
        print(json_format.dumps(found, indent=1))
    else:
        show(found)
    return 1 if found["problems"] else 0


def verify(study: str) -> dict[str, Any]:
    """Return what is wrong with the artifacts of a study, and with the versions that made them."""
    states = inspect(make_plan(study), hashed=True)
    wrong = [
        {"folder": folder, "stage": state.job.stage, "kind": problem.kind, "what": problem.what}
        for folder, state in states.items()
        for problem in state.problems
    ]
    return {
        "study": study,
        "jobs": len(states),
        "sound": sum(state.is_sound for state in states.values()),
        "problems": wrong,
        "left_out": [f"{folder}/{name}" for folder, state in states.items() for name in state.left_out],
        "mixed_versions": mixed_versions(states),
    }


def mixed_versions(states: dict[str, State]) -> dict[str, dict[str, int]]:
    """Return {package: {version: jobs made with it}} for packages of which there is more than one."""
    counts: dict[str, dict[str, int]] = {}
    for folder in states:
        record = read_record(Path(folder))
        for package, version in (record["versions"] if record else {}).items():
            of_package = counts.setdefault(package, {})
            of_package[version] = of_package.get(version, 0) + 1
    return {package: versions for package, versions in counts.items() if len(versions) > 1}


def show(found: dict[str, Any]) -> None:
    """Print one line per problem, then the sums."""
    console = Console(highlight=False, soft_wrap=True)
    for problem in found["problems"]:
        console.print(f"[red]{problem['kind']:8}[/red] {problem['folder']}: {problem['what']}")
    for package, versions in found["mixed_versions"].items():
        parts = ", ".join(f"{version} ({count} jobs)" for version, count in versions.items())
        console.print(f"[yellow]mixed   [/yellow] {package}: {parts}")
    if found["left_out"]:
        console.print(f"{len(found['left_out'])} weights are left out by the snapshot's choice")
    console.print(f"{found['study']}: {found['sound']} of {found['jobs']} jobs are sound")
