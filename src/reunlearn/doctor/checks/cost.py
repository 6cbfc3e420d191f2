"""The hours that a study is expected to take."""

from __future__ import annotations

from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=200, title="hours", study="must")


def look(asked: Asked) -> Found:
    """Say what is to come; how far such predictions were from what was measured is said by `reunlearn plan`."""
    overview = asked.overview
    if overview is None or not overview.cost.jobs:
        yield "ok", "every job is done", ""
        return
    yield "ok", f"{overview.cost.jobs} of {overview.jobs} jobs to run; {next(overview.cost.lines())}", ""
    if overview.cost.unknown:
        yield (
            "warning",
            f"{overview.cost.unknown} jobs are not in these sums: nothing like them was measured",
            ("run a smaller size first: its records are used"),
        )
