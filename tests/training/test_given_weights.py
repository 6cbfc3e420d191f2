"""Weights from outside: only a whole, finite set of the right shapes passes; a pickle is never opened."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training import given_weights
from reunlearn.training.given_weights import check_weights
from tests.training.tied import Tied

NETWORK = ArchitectureSpec(name="small_cnn", settings={"width": 4})
SHAPE, CLASSES = (1, 8, 8), 10
Weights = dict[str, Tensor]


def weights(settings: dict[str, int] | None = None, classes: int = CLASSES) -> Weights:
    network = ArchitectureSpec(name="small_cnn", settings=settings or NETWORK.settings)
    return build(network, SHAPE, classes, 0).state_dict()


def check(file: Path) -> None:
    check_weights(str(file), NETWORK, SHAPE, CLASSES)


def refused(file: Path) -> str:
    with pytest.raises(UserError) as caught:
        check(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_networks_own_weights_pass_under_any_name_and_in_half_precision(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "own.bin")
    check(tmp_path / "own.bin")
    half = {key: t.half() if t.is_floating_point() else t for key, t in weights().items()}
    save_file(half, tmp_path / "half.safetensors")
    check(tmp_path / "half.safetensors")


def without_head(found: Weights) -> Weights:
    return {key: t for key, t in found.items() if not key.startswith("head")}


def wrapped(found: Weights) -> Weights:
    return {f"module.{key}": t for key, t in found.items()}


def with_nan(found: Weights) -> Weights:
    return {**found, "head.bias": torch.full_like(found["head.bias"], float("nan"))}


def with_infinity(found: Weights) -> Weights:
    return {**found, "head.weight": found["head.weight"] / 0}


def quantised(found: Weights) -> Weights:
    return {**found, "head.weight": found["head.weight"].to(torch.int8)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_head, "no weight 'head.weight' and 1 more, which small_cnn needs"),
        (wrapped, "the file has 'module.features.0.weight' and 19 more instead"),
        (lambda w: {**w, "extra": torch.zeros(1)}, "weight 'extra', which small_cnn does not have"),
        (
            lambda w: weights({"width": 5}),
            "weight 'features.0.weight' is (5, 1, 3, 3), but small_cnn has (4, 1, 3, 3)",
        ),
        (lambda w: weights(classes=100), "is for 100 classes; the dataset has 10"),
        (lambda w: weights({"width": 5}, 100), "weight 'features.0.weight' is (5, 1, 3, 3)"),
        (with_nan, "weight 'head.bias' holds NaN or infinity"),
        (with_infinity, "weight 'head.weight' holds NaN or infinity"),
        (quantised, "weight 'head.weight' is int8, but small_cnn has float32"),
    ],
)
def test_other_weights_are_refused(tmp_path: Path, change: Callable[[Weights], Weights], said: str) -> None:
    file = tmp_path / "own.safetensors"
    save_file(change(weights()), file)
    assert said in refused(file)


@pytest.mark.parametrize("zipped", [True, False], ids=["archive", "opcode"])
@pytest.mark.parametrize("name", ["own.pt", "own.safetensors"])
def test_a_pickle_is_refused_by_its_bytes_and_the_line_converts_it(
    tmp_path: Path, zipped: bool, name: str
) -> None:
    file = tmp_path / name
    torch.save(weights(), file, _use_new_zipfile_serialization=zipped)
    said = refused(file)
    assert "a pickle, which can run code" in said
    command = shlex.split(said.split("convert it: ")[1])
    subprocess.run([sys.executable, *command[1:]], check=True)
    check(tmp_path / ("own.safetensors" if file.suffix == ".pt" else "own-converted.safetensors"))


def test_a_pickle_of_another_kind_is_known_by_its_suffix(tmp_path: Path) -> None:
    file = tmp_path / "own.pth"
    file.write_bytes(b"(dp0\n.")  # protocol 0 has no opcode of its own at the front
    assert "a pickle" in refused(file)


def test_what_is_no_file_of_weights_is_refused(tmp_path: Path) -> None:
    (tmp_path / "own.safetensors").write_text("not weights")
    assert "not a safetensors file" in refused(tmp_path / "own.safetensors")
    assert "no such file" in refused(tmp_path / "none.safetensors")
    assert "a folder, not a file" in refused(tmp_path)
    whole = tmp_path / "whole.safetensors"
    save_file(weights(), whole)
    whole.write_bytes(whole.read_bytes()[:-4])
    assert "not a safetensors file" in refused(whole)


def test_no_code_in_a_pickle_runs(tmp_path: Path) -> None:
    file, mark = tmp_path / "own.pt", tmp_path / "mark"
    file.write_bytes(b"\x80\x02cos\nsystem\n" + f"(S'touch {mark}'\ntR.".encode())
    assert re.search("a pickle", refused(file))
    assert not mark.exists()


def test_a_file_may_leave_out_tied_names_and_a_pickle_of_tied_weights_is_converted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(given_weights, "build", lambda *_: Tied())
    save_model(Tied(), str(tmp_path / "own.safetensors"))  # the library writes a tied tensor once
    check(tmp_path / "own.safetensors")
    torch.save(Tied().state_dict(), tmp_path / "pickled.pt")
    command = shlex.split(refused(tmp_path / "pickled.pt").split("convert it: ")[1])
    subprocess.run([sys.executable, *command[1:]], check=True)
    check(tmp_path / "pickled.safetensors")
    state = Tied().state_dict()
    save_file({"head.weight": state["head.weight"]}, tmp_path / "part.safetensors")
    assert "no weight 'first.weight'" in refused(tmp_path / "part.safetensors")
