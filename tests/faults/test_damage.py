"""Files that are not what they were: they are noticed and made again."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed

pytestmark = [pytest.mark.faults, pytest.mark.workflow]


@pytest.mark.parametrize(
    ("pattern", "what", "seen"),
    [
        (
            "runs/**/original/train0/model.safetensors",
            "weights are cut short",
            "the original is trained again, and what follows from it is made again",
        ),
        (
            "runs/**/finetune~*/seed0/manifest.json",
            "half a manifest",
            "that run is made again, and its measurements",
        ),
        ("reports/tiny/results/*.json*", "results are cut short", "they are gathered again"),
    ],
)
def test_a_file_is_cut_short(finished: Disturbed, note: Note, pattern: str, what: str, seen: str) -> None:
    for path in finished.project.root.glob(pattern):
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
    finished.finish()
    note(finished, what, seen)


def test_a_checkpoint_is_damaged(study: Disturbed, note: Note) -> None:
    study.begin()
    study.wait_for_work("/original/", 1.8)
    study.kill()
    damaged = list(study.project.root.glob(".reunlearn/checkpoints/**/*.safetensors"))
    assert damaged
    for path in damaged:
        path.write_bytes(b"damaged")
    study.finish()
    logs = "".join(path.read_text() for path in study.project.root.glob("logs/**/original/train0.log"))
    assert "cannot be read: the work begins anew" in logs
    note(study, "a checkpoint is damaged", "its training begins anew; its log says so")
