"""A network of a user's own file: built as one of this package, tried on two samples, refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build, coder
from reunlearn.study.own_networks import read_network
from reunlearn.study.specs import ArchitectureSpec

SHAPE, CLASSES = (1, 8, 8), 10
FILE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, classes, shape, width=4):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(shape[0], width, 3), nn.BatchNorm2d(width), nn.Dropout(0.5))
        self.head = nn.Linear(36 * width, classes)

    def forward(self, x):
        return self.head(self.features(x).flatten(1))


class Viewing(Net):
    def forward(self, x):
        return self.head(self.features(x).view(len(x), -1))


class Two(Net):
    def forward(self, x):
        return super().forward(x), x


def fixed(num_classes=10):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))


def small(shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * 16, 10))


def nothing():
    return "a network"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A user's file."""
    path = tmp_path / "mynet.py"
    path.write_text(FILE)
    return path


def network(file: Path, name: str, **settings: int) -> ArchitectureSpec:
    code = read_network(str(file), name, "here").code
    return ArchitectureSpec(name=name, settings=dict(settings), file=str(file), code=code)


def made(file: Path, name: str, seed: int = 0, **settings: int) -> dict[str, torch.Tensor]:
    return build(network(file, name, **settings), SHAPE, CLASSES, seed).state_dict()


def test_it_is_built_from_its_seed_and_its_settings_and_the_global_state_is_left_alone(file: Path) -> None:
    before = torch.get_rng_state()
    first, again, other = made(file, "Net"), made(file, "Net"), made(file, "Net", seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    assert made(file, "Net", width=6)["head.weight"].shape == (10, 216)
    assert int(first["features.1.num_batches_tracked"]) == 0  # the trial leaves no trace
    assert build(network(file, "Net"), SHAPE, CLASSES, 0).training
    assert coder(network(file, "Net"), "cpu") is None


def test_it_gets_only_the_arguments_that_it_takes(file: Path) -> None:
    assert made(file, "fixed")["1.weight"].shape == (10, 64)
    assert made(file, "fixed", num_classes=10)["1.weight"].shape == (10, 64)


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("nothing", {}, "made a str, not a torch.nn.Module"),
        ("Two", {}, "answers tuple for 2 samples, not (2, 10): a logit per class"),
        ("fixed", {"num_classes": 7}, "answers (2, 7) for 2 samples, not (2, 10)"),
        ("small", {}, "cannot read a batch of shape (2, 1, 8, 8): mat1 and mat2"),
        ("Viewing", {}, "use flatten or reshape in place of view"),
    ],
)
def test_what_is_no_network_for_the_data_is_one_line(
    file: Path, name: str, settings: dict[str, int], said: str
) -> None:
    with pytest.raises(UserError) as caught:
        made(file, name, **settings)
    assert f"mynet.py:{name}" in str(caught.value) and said in str(caught.value)


def test_a_file_that_has_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mynet.py"
    path.write_text(FILE + "\nNUMBER = 1\n")
    seen = network(path, "Net")
    path.write_text(FILE + "\nNUMBER = 2\n")
    with pytest.raises(UserError, match="has changed since the plan was made"):
        build(seen, SHAPE, CLASSES, 0)
    path.unlink()
    with pytest.raises(UserError, match="no such file"):
        build(seen, SHAPE, CLASSES, 0)


def test_an_error_of_the_file_itself_is_shown_as_python_does_and_the_file_can_be_mended(
    tmp_path: Path,
) -> None:
    path = tmp_path / "mynet.py"
    path.write_text(FILE + "\nimport a_package_that_is_not_there\n")
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError, match="a_package_that_is_not_there"):
            made(path, "Net")


def test_texts_are_read_as_token_ids(tmp_path: Path) -> None:
    path = tmp_path / "mynet.py"
    path.write_text(
        "from torch import nn\n"
        'INPUTS = "text"\n'
        "def bag(shape, classes):\n"
        "    return nn.EmbeddingBag(shape[1], classes)\n"
    )
    assert build(network(path, "bag"), (12, 50), CLASSES, 0).weight.shape == (50, CLASSES)
