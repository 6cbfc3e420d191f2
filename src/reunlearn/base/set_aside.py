"""Move files out of the way without losing them: to a folder of their own below the project's caches."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from reunlearn.base.caches import state_dir


class SetAside:
    """One folder for all that one command moves; `place` is None until something was."""

    def __init__(self) -> None:
        self._folder = state_dir() / "set-aside" / f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}"
        self.place: Path | None = None

    def move(self, paths: Iterable[Path]) -> None:
        """Move files or folders, named from the project's folder, to the same names below `place`."""
        for path in paths:
            if path.exists():
                self.place = self._folder
                (self.place / path).parent.mkdir(parents=True, exist_ok=True)
                path.rename(self.place / path)
