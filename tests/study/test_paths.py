"""Where files lie."""

from __future__ import annotations

from pathlib import Path

from reunlearn.study import paths


def test_a_checkpoint_is_never_the_folder_of_the_outputs_themselves() -> None:
    for folder in ("runs/a/b", "/tmp/audits/1/results"):
        place = paths.checkpoint(folder)
        assert place.parts[1] == "checkpoints" and not place.is_absolute()
        assert place != Path(folder)
