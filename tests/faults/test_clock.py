"""A clock that is set back: file times decide nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed

pytestmark = [pytest.mark.faults, pytest.mark.workflow]

(LIBRARY, *_) = [*Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None]
DAYS = 2


@pytest.mark.skipif(LIBRARY is None, reason="pretends another time by libfaketime (Debian: faketime)")
def test_the_clock_is_set_back(study: Disturbed, note: Note) -> None:
    study.begin(variables={"LD_PRELOAD": str(LIBRARY), "FAKETIME": f"+{DAYS}d"})
    study.wait_for_work("/finetune~", 0.5)
    study.kill()
    made = [path for path in study.project.root.rglob("*") if path.is_file()]
    for path in made:  # the library changes what programs see, and not what the disk keeps
        stat = path.stat()
        os.utime(path, (stat.st_atime + DAYS * 86400, stat.st_mtime + DAYS * 86400))
    study.finish()
    assert study.attempts("/original/train0$") == 1
    note(study, "clock set back by two days in the middle", "nothing: what is done stays done")
