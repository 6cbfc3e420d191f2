"""A check that hangs, fails or dies is one line, in time, and holds up no other."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.doctor import running
from reunlearn.doctor.findings import Asked, CheckCard, Finding, Found
from reunlearn.doctor.registry import FOLDER, checks


@dataclass
class Made:
    """A check for tests: it does what `act` does, then finds that all is well."""

    act: object
    CARD: CheckCard = field(default_factory=lambda: CheckCard(1, "made", seconds=1.0))

    def look(self, asked: Asked) -> Found:
        """Act."""
        yield "ok", "first", ""
        self.act()  # type: ignore[operator]
        yield "ok", "second", ""


def found(*acts: object) -> list[list[Finding]]:
    """Return what such checks find, side by side."""
    return [running.findings(one) for one in running.start([Made(act) for act in acts], Asked())]


def test_control_a_check_that_ends_well_is_all_that_it_found() -> None:
    assert found(lambda: None) == [[Finding("made", "ok", "first"), Finding("made", "ok", "second")]]


def test_checks_that_hang_are_ended_together(tmp_path: Path) -> None:
    pid = tmp_path / "pid"

    def hang() -> None:
        child = subprocess.Popen(["sleep", "60"])
        pid.write_text(str(child.pid))
        child.wait()

    before = time.monotonic()
    hung, other, good = found(hang, lambda: time.sleep(60), lambda: None)
    assert time.monotonic() - before < 20
    assert [finding.text for finding in hung] == ["first", "no answer within 1 s"]
    assert (hung[1].state, other[1].state) == ("problem", "problem")
    assert [finding.state for finding in good] == ["ok", "ok"]
    assert is_ended(int(pid.read_text())), "with all that it started"


def is_ended(pid: int) -> bool:
    """Wait a little for a process to end; one whose parent has not asked for its exit code has ended, too."""
    for _ in range(50):
        try:
            if Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False


def refuse() -> None:
    raise UserError("config/a.yaml: line 3: mend it")


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (refuse, "config/a.yaml: line 3: mend it"),
        (lambda: {}["key"], "cannot be looked at: KeyError: 'key'"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "the check ended without an answer"),
    ],
)
def test_a_check_that_fails_is_a_problem_in_one_line(act: object, text: str) -> None:
    ((first, second),) = found(act)
    assert (first.state, second.state, second.text) == ("ok", "problem", text)


def test_every_file_is_a_check_with_a_place_of_its_own() -> None:
    cards = [check.CARD for check in checks()]
    assert len(cards) == len([p for p in FOLDER.glob("*.py") if not p.stem.startswith("_")]) > 10
    assert len({card.order for card in cards}) == len({card.title for card in cards}) == len(cards)
    assert all(0 < card.seconds <= 60 for card in cards)
