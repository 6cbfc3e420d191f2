"""Where official weights lie, against the libraries whose caches these are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn.base.weights_cache import cached

VARIABLES = ("XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
ASKED = (
    "import os, torch; from huggingface_hub import constants; "
    "print(os.path.join(torch.hub.get_dir(), 'checkpoints')); print(constants.HF_HUB_CACHE)"
)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param((), marks=pytest.mark.thorough),
        pytest.param(("XDG_CACHE_HOME",), marks=pytest.mark.thorough),
        ("TORCH_HOME", "HF_HOME"),
        ("HF_HUB_CACHE", "HF_HOME"),
    ],
)
def test_the_folders_are_those_of_the_libraries(
    given: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name in given:
        monkeypatch.setenv(name, str(tmp_path / name))
    done = subprocess.run([sys.executable, "-c", ASKED], capture_output=True, text=True, check=True)
    torch_hub, hugging_face = done.stdout.split()
    assert str(cached("f.pth")) == f"{torch_hub}/f.pth"
    assert str(cached("f.json", "who/what")) == f"{hugging_face}/models--who--what/f.json"


def test_a_fetched_repository_is_the_commit_of_its_main_branch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import try_to_load_from_cache

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    store = tmp_path / "models--who--what"
    (store / "refs").mkdir(parents=True)
    (store / "refs/main").write_text("0123")
    for commit in ("0123", "4567"):
        (store / "snapshots" / commit).mkdir(parents=True)
        (store / "snapshots" / commit / "f.json").write_text("{}")
    found = try_to_load_from_cache("who/what", "f.json", cache_dir=tmp_path)
    assert str(cached("f.json", "who/what")) == found
