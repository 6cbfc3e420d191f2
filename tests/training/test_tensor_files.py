"""Tied weights in files: written, read back, still tied; and files of networks without them as they always were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from safetensors.torch import save_model as save_as_the_library_does
from torch import nn

from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.training.tensor_files import load_model, read_tensors, save_model, tied_names, write_tensors
from tests.training.tied import CLASSES, Tied

TIED = {"second.weight": "first.weight"} | {
    f"again.{name}": f"norm.{name}" for name in nn.BatchNorm1d(4).state_dict()
}


def samples() -> ImageSamples:
    x = np.random.default_rng(0).integers(0, 256, (30, 1, 2, 2)).astype(np.uint8)
    return ImageSamples(x, np.arange(30) % CLASSES, np.arange(30), (0.5,), (0.25,))


def same(a: nn.Module, b: nn.Module) -> bool:
    theirs = b.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in a.state_dict().items())


def test_names_of_one_tensor_are_told_from_equal_tensors() -> None:
    model = Tied()
    assert tied_names(model.state_dict()) == TIED
    model.second.weight = nn.Parameter(model.first.weight.detach().clone())
    assert "second.weight" not in tied_names(model.state_dict())
    assert tied_names({"a": torch.empty(0), "b": torch.empty(0)}) == {}


def test_a_tied_network_comes_back_and_stays_tied(tmp_path: Path) -> None:
    model, other = Tied(0), Tied(1)
    assert not same(model, other)
    save_model(model, tmp_path / "model.safetensors")
    assert load_file(tmp_path / "model.safetensors").keys() == model.state_dict().keys() - TIED.keys()
    load_model(other, tmp_path / "model.safetensors")
    assert same(model, other)
    assert other.second.weight is other.first.weight


WRITERS: dict[str, Callable[[nn.Module, Path], None]] = {
    "as the library writes it": lambda model, path: save_as_the_library_does(model, str(path)),
    "every name": lambda model, path: save_file({k: v.clone() for k, v in model.state_dict().items()}, path),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_other_peoples_files_of_tied_networks_are_read(
    tmp_path: Path, write: Callable[[nn.Module, Path], None]
) -> None:
    model = Tied(0)
    write(model, tmp_path / "theirs.safetensors")
    assert same(load_model(Tied(1), tmp_path / "theirs.safetensors"), model)


def test_a_weight_that_nobody_is_tied_to_is_still_missed(tmp_path: Path) -> None:
    state = Tied().state_dict()
    save_file(
        {n: t for n, t in state.items() if n not in TIED and n != "head.bias"}, tmp_path / "part.safetensors"
    )
    with pytest.raises(RuntimeError, match=r"Missing key.*head\.bias"):
        load_model(Tied(), tmp_path / "part.safetensors")


@pytest.mark.parametrize("name", ["small_cnn", "resnet18", "small_vgg"])
def test_files_without_tied_weights_are_the_very_bytes(tmp_path: Path, name: str) -> None:
    model = build(ArchitectureSpec(name=name, settings={"width": 4}), (3, 8, 8), CLASSES, 0)
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_model(model, tmp_path / "ours")
    save_file({k: v.detach().cpu().contiguous() for k, v in model.state_dict().items()}, tmp_path / "plain")
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "plain").read_bytes()


def test_tensors_that_share_memory_are_each_written_whole(tmp_path: Path) -> None:
    whole = torch.arange(12.0).view(3, 4)
    tensors = {"whole": whole, "again": whole, "rows": whole[1:], "turned": whole.T}
    with pytest.raises(RuntimeError, match="share memory"):  # the control
        save_file({name: t.contiguous() for name, t in tensors.items()}, tmp_path / "plain")
    write_tensors(tmp_path / "ours", tensors)
    back = read_tensors(tmp_path / "ours")
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())


class KilledError(Exception):
    """Stands for the end of the process."""


def test_the_training_of_a_tied_network_is_resumed(tmp_path: Path) -> None:
    recipe = Recipe(epochs=4, batch_size=8, learning_rate=0.1, weight_decay=1e-3)

    def stop(numbers: dict, epochs: int) -> None:
        if numbers["epoch"] == 3:
            raise KilledError

    def run(model: nn.Module, **more) -> nn.Module:
        more = {"checkpoints": tmp_path, "seconds_between": 0, **more}
        train(model, samples(), Classification(CLASSES), recipe, 0, **more)
        return model

    expected = run(Tied(), checkpoints=None)
    stopped = Tied()
    with pytest.raises(KilledError):
        run(stopped, progress=stop)
    assert (tmp_path / "checkpoint.json").exists()
    epochs: list[int] = []
    resumed = run(Tied(), progress=lambda numbers, _: epochs.append(numbers["epoch"]))
    assert epochs == [3, 4]
    assert same(resumed, expected)
    assert not same(stopped, expected)
    assert resumed.second.weight is resumed.first.weight
