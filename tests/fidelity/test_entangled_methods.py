"""ERM-KTP equals its references: the training with the mask, which is kept as state, and the transfer after it."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reunlearn.models.masked import MaskedNetwork
from reunlearn.study.schema import Recipe
from reunlearn.training.checkpoint import save_model
from reunlearn.training.state import entangled
from reunlearn.unlearning.registry import make
from tests.training.state.requests import request

from .harness import CLASSES, NETS, Drawn, Run, assert_equal, epochs, fresh_network, make_sets, run
from .mutations import Mutation
from .references import erm_ktp

METHOD = "reunlearn.unlearning.methods.erm_ktp"
STATE = "reunlearn.training.state.entangled"
FORGOTTEN = [1]
LABELS = {"forget": [1] * 6, "retain": [0, 2] * 5 + [0]}
RECIPE = {"learning_rate": 0.3, "weight_decay": 0.01, "momentum": 0.8, "epochs": 6, "batch_size": 7}


class Body(nn.Module):
    """The layers of a kind of network, with feature maps before its head."""

    def __init__(self, kind: str, seed: int) -> None:
        super().__init__()
        network = fresh_network(kind, seed)
        self.head = network.head
        if kind == "two_layer":  # its images are one pixel: a linear layer is a convolution
            first = nn.Conv2d(3, 4, 1).double()
            with torch.no_grad():
                first.weight.copy_(network.first.weight[:, :, None, None])
                first.bias.copy_(network.first.bias)
            self.features: nn.Module = nn.Sequential(first, nn.Tanh())
        else:
            self.features = network.body

    def classify(self, features: Tensor) -> Tensor:
        """Return logits [B, K]."""
        return self.head(features.mean(dim=(2, 3)))


def masked(kind: str, seed: int) -> MaskedNetwork:
    """Return a network with a mask of one half."""
    return MaskedNetwork(Body(kind, seed)).double()


def compare_training(kind: str) -> None:
    """Six epochs, of which the third and the sixth are masked; the header says which, and that M follows each step."""
    notes: list[Drawn] = []
    samples = make_sets(kind, notes)["retain"]
    recipe = Recipe(source="tests", **RECIPE).model_dump(mode="json")
    with tempfile.TemporaryDirectory() as folder:
        made = request(
            Path(folder), fresh_network(kind, 0), samples, CLASSES, 4, result=masked_of(kind), recipe=recipe
        )
        entangled.write(made)
        found = entangled.read_into(masked(kind, 0), Path(folder))
    assert len(notes) == 12
    body, mask = copy.deepcopy(masked(kind, 4).body), torch.full((4, CLASSES), 0.5).double()
    erm_ktp.reference_training(
        body,
        {"full": epochs([(d.x, d.y) for d in notes], 2)},
        mask=mask,
        body="features",
        learning_rate=0.3,
        momentum=0.8,
        weight_decay=0.01,
        masked_remainder=2,
        normalise_after=True,
    )
    assert_equal(Run(make("erm_ktp", None, {}), masked(kind, 4), found), with_parts(kind, body, mask))


def masked_of(kind: str) -> Callable[[int], nn.Module]:
    """Return what gives fresh networks of a kind."""
    return lambda seed: masked(kind, seed)


def with_parts(kind: str, body: nn.Module, mask: Tensor) -> MaskedNetwork:
    """Return a network of these parts."""
    network = masked(kind, 0)
    network.body.load_state_dict(body.state_dict())
    with torch.no_grad():
        network.mask.copy_(mask)
    return network


def compare_transfer(kind: str) -> None:
    """Four epochs of two batches; the rate falls after two and three of them, and one channel is kept."""
    teacher = masked(kind, 1)
    with torch.no_grad():
        rows = [[1, 0.2, 0], [0.5, 0, 1], [0, 1, 0.4], [1, 0.3, 1]]
        teacher.mask.copy_(torch.tensor(rows).double())
    handed: list[nn.Module] = []

    def result(seed: int) -> nn.Module:
        handed.append(masked(kind, seed))
        return copy.deepcopy(handed[-1])

    settings: dict[str, Any] = {
        "learning_rate": 0.2,
        "epochs": 4,
        "batch_size": 7,
        "first_drop": 2,
        "second_drop": 3,
    }
    settings |= {"least_kept": 0.0, "momentum": 0.7, "weight_decay": 0.01}
    scenario = {"kind": "class", "classes": FORGOTTEN, "steps": 1}
    with tempfile.TemporaryDirectory() as folder:
        save_model(teacher, Path(folder) / entangled.FILE)
        state = {"entangled": Path(folder)}
        ours = run("erm_ktp", kind, settings, None, LABELS, state=state, scenario=scenario, result=result)
    student = handed[0]
    ours.before = copy.deepcopy(student)
    expected = erm_ktp.reference(
        copy.deepcopy(teacher.body),
        {"retain": epochs([(d.x, d.y) for d in ours.of("retain")], 2)},
        fresh=student.body,
        mask=teacher.mask.detach(),
        forgotten=FORGOTTEN,
        body="features",
        learning_rate=0.2,
        momentum=0.7,
        weight_decay=0.01,
        milestones=(2, 3),
        warm=0,
        match_mask="teacher",
    )
    mask = teacher.mask.detach().clone()
    mask[:, FORGOTTEN] = 0  # of no effect: the network answers without it
    assert_equal(ours, with_parts(kind, expected, mask))


def compare_published_rates(kind: str) -> None:
    """The rate in each of 30 epochs: ten and twenty epochs after the first six."""
    about = make("erm_ktp", None, {})
    drops = sorted((about.first_drop, about.second_drop))
    found = [about.learning_rate * 0.1 ** sum(epoch >= drop for drop in drops) for epoch in range(30)]
    wanted = [erm_ktp.decayed(0.1, (10, 20), max(0, epoch - 6)) for epoch in range(30)]
    assert found == pytest.approx(wanted)


COMPARISONS: dict[str, Callable[[str], None]] = {
    "erm_ktp": compare_transfer,
    "erm_ktp@training": compare_training,
    "erm_ktp@rates": compare_published_rates,
}

MUTATIONS: dict[str, Mutation] = {
    "erm_ktp": (METHOD, "wanted.mean(dim=(2, 3)) * kept_C", "wanted.mean(dim=(2, 3))"),
    "erm_ktp@training": (STATE, "mask_CK.square().sum()) / 2", "mask_CK.square().sum())"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
