"""Weights and folders that a study needs and that nobody can fetch for its user."""

from __future__ import annotations

from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=210, title="your files", study="must")


def look(asked: Asked) -> Found:
    """Yield each that is not there, as the plan does."""
    missing = {
        line: f"study '{plan.study.name}', experiment '{name}'"
        for plan in (asked.plans.each if asked.plans else ())
        for name, lines in plan.missing.items()
        for line in lines
    }
    for line, where in missing.items():
        yield (
            "problem",
            f"{where}: {line}",
            "put it there, or leave the experiment out (`reunlearn plan` says how)",
        )
    if not missing:
        yield "ok", "nothing is needed that you would have to bring", ""
