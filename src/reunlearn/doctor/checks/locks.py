"""What runs in this folder now, and locks that nobody holds any more."""

from __future__ import annotations

from reunlearn.commands.running import LOCKS, registered
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=70, title="locks")


def look(asked: Asked) -> Found:
    """Say who runs here. A lock that a killed run left goes with the next run, unless another machine may hold it."""
    processes = registered()
    running = [f"process {p.pid} on {p.host}" for p in processes if p.state == "runs"]
    elsewhere = [f"process {p.pid} on {p.host}" for p in processes if p.state == "unknown"]
    locks = list(LOCKS.glob("*"))
    if running:
        yield (
            "warning",
            f"a run goes on in this folder: {', '.join(running)}",
            "wait until it ends: a second one is refused",
        )
    if elsewhere:
        yield (
            "warning",
            f"{', '.join(elsewhere)} may still run in this folder; that cannot be told from here",
            (
                f"if it has ended: rm {' '.join(str(p.path) for p in processes if p.state == 'unknown')}"
                + (", then ARGS=--unlock" if locks else "")
            ),
        )
    if not running and not elsewhere:
        left = (
            "the lock of a run that was killed, which the next run removes" if locks else "nothing runs here"
        )
        yield "ok", left, ""
