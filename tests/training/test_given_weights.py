"""Weights from outside: only a whole, finite set of the right shapes passes; a pickle is never opened."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file, save_model
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training import given_weights, tensor_files
from reunlearn.training.given_weights import Given, read_weights
from reunlearn.training.tensor_files import without_tied
from tests.training.tied import Tied

NETWORK = ArchitectureSpec(name="small_cnn", settings={"width": 4})
SHAPE, CLASSES = (1, 8, 8), 10
COUNTER = "num_batches_tracked"
Weights = dict[str, Tensor]


def weights(settings: dict[str, int] | None = None, classes: int = CLASSES) -> Weights:
    network = ArchitectureSpec(name="small_cnn", settings=settings or NETWORK.settings)
    return build(network, SHAPE, classes, 0).state_dict()


def check(file: Path) -> Given:
    return read_weights(str(file), NETWORK, SHAPE, CLASSES)


def equal(given: Given, wanted: Weights) -> bool:
    """Tell whether two states are the same in names, types and values."""
    return given.tensors.keys() == wanted.keys() and all(
        t.dtype == wanted[key].dtype and torch.equal(t, wanted[key]) for key, t in given.tensors.items()
    )


def convert(said: str) -> None:
    """Paste the command of a refusal into a shell, in another folder."""
    subprocess.run(said.split("convert it: ")[1], shell=True, cwd="/", check=True)


def refused(file: Path) -> str:
    with pytest.raises(UserError) as caught:
        check(file)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_networks_own_weights_pass_under_any_name_and_in_half_precision(tmp_path: Path) -> None:
    save_file(weights(), tmp_path / "own.bin")
    given = check(tmp_path / "own.bin")
    assert not given.changes and equal(given, weights())


FLOATS = [
    "float16",
    "bfloat16",
    "float64",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
]


@pytest.mark.parametrize("kind", FLOATS)
def test_other_types_of_floating_point_become_the_networks(tmp_path: Path, kind: str) -> None:
    stored = {k: t.to(getattr(torch, kind)) if t.is_floating_point() else t for k, t in weights().items()}
    save_file(stored, tmp_path / "own.safetensors")
    given = check(tmp_path / "own.safetensors")
    (change,) = given.changes
    assert kind in change and change.endswith("became float32")
    assert equal(given, {key: t.to(weights()[key].dtype) for key, t in stored.items()})


@pytest.mark.parametrize("kind", ["int32", "int16", "uint8", "float32", "float64", "bfloat16"])
def test_a_counter_in_another_type_is_a_counter(tmp_path: Path, kind: str) -> None:
    counted = {k: torch.tensor(64) if k.endswith(COUNTER) else t for k, t in weights().items()}
    stored = {k: t.to(getattr(torch, kind)) if k.endswith(COUNTER) else t for k, t in counted.items()}
    assert stored.keys() and any(key.endswith(COUNTER) for key in stored)
    save_file(stored, tmp_path / "own.safetensors")
    given = check(tmp_path / "own.safetensors")
    assert f"3 tensors of {kind} became int64" in given.changes and equal(given, counted)


WRAPPED = ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module.", "module.module."]


@pytest.mark.parametrize("prefix", WRAPPED)
def test_the_prefixes_of_wrapped_networks_are_taken_off(tmp_path: Path, prefix: str) -> None:
    save_file({f"{prefix}{key}": t for key, t in weights().items()}, tmp_path / "own.safetensors")
    given = check(tmp_path / "own.safetensors")
    assert given.changes == (f"'{prefix}' is taken off all names, a wrapper's",) and equal(given, weights())


def test_torch_itself_writes_these_prefixes(tmp_path: Path) -> None:
    network = build(NETWORK, SHAPE, CLASSES, 0)
    for number, outer in enumerate((nn.DataParallel(network), torch.compile(network, backend="eager"))):
        file = tmp_path / f"{number}.safetensors"
        save_file(outer.state_dict(), file)
        assert equal(check(file), weights())


def without_head(found: Weights) -> Weights:
    return {key: t for key, t in found.items() if not key.startswith("head")}


def half_wrapped(found: Weights) -> Weights:
    return {key if key.startswith("head") else f"module.{key}": t for key, t in found.items()}


def fraction(found: Weights) -> Weights:
    return {key: torch.tensor(0.5) if key.endswith(COUNTER) else t for key, t in found.items()}


def four_bits(found: Weights) -> Weights:
    packed = torch.zeros(found["head.weight"].shape, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    return {**found, "head.weight": packed}


def too_large(found: Weights) -> Weights:
    return {**found, "head.weight": torch.full_like(found["head.weight"], 1e300, dtype=torch.float64)}


def nan_of_8_bits(found: Weights) -> Weights:
    return {**found, "head.bias": torch.full_like(found["head.bias"], float("nan")).to(torch.float8_e5m2)}


def complex_numbers(found: Weights) -> Weights:
    return {**found, "head.bias": found["head.bias"].to(torch.complex64)}


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
        (half_wrapped, "the file has 'module.features.0.weight' and 17 more instead"),
        (fraction, "num_batches_tracked' is float32, but small_cnn has int64"),
        (four_bits, "weight 'head.weight' is "),
        (too_large, "weight 'head.weight' holds NaN or infinity"),
        (nan_of_8_bits, "weight 'head.bias' holds NaN or infinity"),
        (complex_numbers, "weight 'head.bias' is complex64, but small_cnn has float32"),
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


def with_auxiliary_head(found: Weights) -> Weights:
    return {
        **found,
        "aux.weight": torch.zeros(2),
        "aux.bias": torch.zeros(1),
        "features.aux.0.bias": torch.ones(1),
    }


def test_an_auxiliary_head_is_left_out_if_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "own.safetensors"
    save_file({f"module.{key}": t for key, t in with_auxiliary_head(weights()).items()}, file)
    said = refused(file)
    assert "weight 'aux.bias' and 2 more, which small_cnn does not have" in said
    assert "'ignore: [aux, features.aux]' of a study's original, --ignore of an audit" in said
    given = read_weights(str(file), NETWORK, SHAPE, CLASSES, ["aux", "features.aux", "absent"])
    assert equal(given, weights())
    assert given.changes[1] == "'aux.bias' and 2 more are left out, as asked"
    with pytest.raises(UserError, match=r"ignore: small_cnn has 'head', so it cannot be left out"):
        read_weights(str(file), NETWORK, SHAPE, CLASSES, ["aux", "head"])


@pytest.mark.parametrize("zipped", [True, False], ids=["archive", "opcode"])
@pytest.mark.parametrize("name", ["own.pt", "own.safetensors", 'it\'s my "own" $HOME; -x.pt'])
def test_a_pickle_is_refused_by_its_bytes_and_the_line_converts_it(
    tmp_path: Path, zipped: bool, name: str
) -> None:
    file = tmp_path / name
    torch.save(weights(), file, _use_new_zipfile_serialization=zipped)
    said = refused(file)
    assert "a pickle, which can run code" in said
    convert(said)
    (converted,) = set(tmp_path.iterdir()) - {file}
    assert converted.suffix == ".safetensors" and file.stem in converted.stem
    assert equal(check(converted), weights())


def optimizer_state() -> dict[str, object]:
    """Return the state of an optimizer after a step: more tensors than the network has."""
    network = build(NETWORK, SHAPE, CLASSES, 0)
    optimizer = torch.optim.Adam(network.parameters())
    sum(p.sum() for p in network.parameters()).backward()
    optimizer.step()
    return optimizer.state_dict()


@pytest.mark.parametrize(
    "nested",
    [
        lambda own: {"state_dict": own},
        lambda own: {"epoch": 3, "optimizer": optimizer_state(), "model": own, "best": 91.5},
        lambda own: {"checkpoint": {"net": own, "args": {"lr": 0.1}}},
        lambda own: {"model": {f"module._orig_mod.{key}": t for key, t in own.items()}},
        lambda own: {"weights": own, "weights_ema": {key: torch.zeros_like(t) for key, t in own.items()}},
        lambda own: [own, optimizer_state()],
        lambda own: {key: nn.Parameter(t) if t.is_floating_point() else t for key, t in own.items()},
        lambda own: {**own, "epoch": 3},
    ],
    ids=["state_dict", "model", "twice", "wrapped", "average", "list", "parameters", "beside"],
)
def test_a_state_inside_an_archive_is_converted(tmp_path: Path, nested: Callable[[Weights], object]) -> None:
    torch.save(nested(weights()), tmp_path / "own.ckpt")
    convert(refused(tmp_path / "own.ckpt"))
    assert equal(check(tmp_path / "own.safetensors"), weights())


def test_the_command_keeps_what_is_there_and_names_what_cannot_be_converted(tmp_path: Path) -> None:
    mine = tmp_path / "own.safetensors"
    save_file(weights(), mine)
    torch.save(build(NETWORK, SHAPE, CLASSES, 1), tmp_path / "own.pt")  # the network itself: code
    command = refused(tmp_path / "own.pt").split("convert it: ")[1]
    before = mine.read_bytes()
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(
        r"error: .*own\.pt: holds no readable weights: .*state_dict\(\) alone.*\n", done.stderr
    )
    torch.save(weights({"width": 4}), tmp_path / "own.pt")
    convert(refused(tmp_path / "own.pt"))
    assert mine.read_bytes() == before
    assert equal(check(tmp_path / "own-converted.safetensors"), weights())
    again = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert again.stderr.endswith("own-converted.safetensors: exists already; name another file\n")


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
    given = check(tmp_path / "own.safetensors")
    assert equal(given, without_tied(Tied().state_dict()))
    tensor_files.save_model(Tied(), tmp_path / "ours.safetensors")
    assert equal(check(tmp_path / "ours.safetensors"), without_tied(Tied().state_dict()))
    torch.save(Tied().state_dict(), tmp_path / "pickled.pt")
    convert(refused(tmp_path / "pickled.pt"))
    given = check(tmp_path / "pickled.safetensors")
    state = Tied().state_dict()
    assert equal(given, without_tied(state))
    alone = {key: t.clone() for key, t in state.items()}
    alone["second.weight"] += 1
    save_file(alone, tmp_path / "apart.safetensors")
    assert "weights 'first.weight' and 'second.weight' differ" in refused(tmp_path / "apart.safetensors")
    save_file({"head.weight": state["head.weight"]}, tmp_path / "part.safetensors")
    assert "no weight 'first.weight'" in refused(tmp_path / "part.safetensors")
