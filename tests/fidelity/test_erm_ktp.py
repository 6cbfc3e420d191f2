"""ERM-KTP: training with the mask and transfer equal the references, whose single steps are worked out."""

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
from reunlearn.study.recipes import Recipe
from reunlearn.training.state import entangled
from reunlearn.training.tensor_files import save_model
from tests.training.state.requests import request
from tests.unlearning.making import make

from .batches import normal, samples
from .harness import Run, assert_equal, in_epochs, run
from .networks import CLASSES, NETS, fresh_network
from .recording import Drawn
from .references import erm_ktp
from .references._samples import batches_of
from .sets import make_sets

FORGOTTEN = [1]
LABELS = {"forget": [1] * 6, "retain": [0, 2] * 5 + [0]}
RECIPE = {"learning_rate": 0.3, "weight_decay": 0.01, "momentum": 0.8, "epochs": 6, "batch_size": 7}
PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rate": 0.1}


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


def with_parts(kind: str, body: nn.Module, mask: Tensor) -> MaskedNetwork:
    """Return a masked network of this body and this mask."""
    network = masked(kind, 0)
    network.body.load_state_dict(body.state_dict())
    with torch.no_grad():
        network.mask.copy_(mask)
    return network


def compare_training(kind: str) -> None:
    """Six epochs, of which the third and the sixth are masked; M is normalised after each step."""
    notes: list[Drawn] = []
    retain = make_sets(kind, notes)["retain"]
    recipe = Recipe(**RECIPE)
    with tempfile.TemporaryDirectory() as folder:
        entangled.write(
            request(
                Path(folder),
                fresh_network(kind),
                retain,
                CLASSES,
                4,
                result=lambda seed: masked(kind, seed),
                recipe=recipe,
            )
        )
        trained = entangled.read_into(masked(kind, 0), Path(folder))
    assert len(notes) == 12
    body, mask = copy.deepcopy(masked(kind, 4).body), torch.full((4, CLASSES), 0.5).double()
    erm_ktp.reference_training(
        body,
        {"full": in_epochs([(batch.x, batch.y) for batch in notes], 2)},
        mask=mask,
        body="features",
        optimizer={"name": "sgd", "momentum": 0.8, "weight_decay": 0.01},
        learning_rate=0.3,
        masked_remainder=2,
        normalise_after=True,
    )
    assert_equal(Run(make("erm_ktp", None, {}), masked(kind, 4), trained), with_parts(kind, body, mask))


def run_transfer(kind: str, teacher: MaskedNetwork, settings: dict[str, Any]) -> tuple[Run, MaskedNetwork]:
    """Return our run with this teacher, and the fresh network that it was handed."""
    handed: list[MaskedNetwork] = []

    def result(seed: int) -> nn.Module:
        handed.append(masked(kind, seed))
        return copy.deepcopy(handed[-1])

    scenario = {"kind": "class", "classes": FORGOTTEN, "steps": 1}
    with tempfile.TemporaryDirectory() as folder:
        save_model(teacher, Path(folder) / entangled.FILE)
        state = {"entangled": Path(folder)}
        ours = run("erm_ktp", kind, settings, labels=LABELS, state=state, scenario=scenario, result=result)
    ours.before = copy.deepcopy(handed[0])
    return ours, handed[0]


def compare_transfer(kind: str) -> None:
    """Four epochs of two batches; the rate falls after two and three of them, and one channel is kept."""
    teacher = masked(kind, 1)
    with torch.no_grad():
        rows = [[1, 0.2, 0], [0.5, 0, 1], [0, 1, 0.4], [1, 0.3, 1]]
        teacher.mask.copy_(torch.tensor(rows).double())
    settings = {"epochs": 4, "batch_size": 7, "first_drop": 2, "second_drop": 3, "learning_rate": 0.2}
    settings |= {"least_kept": 0.0, "momentum": 0.7, "weight_decay": 0.01}
    ours, student = run_transfer(kind, teacher, settings)
    expected = erm_ktp.reference(
        copy.deepcopy(teacher.body),
        {"retain": in_epochs(ours.batches("retain"), 2)},
        fresh=student.body,
        mask=teacher.mask.detach(),
        forgotten=FORGOTTEN,
        body="features",
        optimizer={"name": "sgd", "momentum": 0.7, "weight_decay": 0.01},
        learning_rate=0.2,
        milestones=(2, 3),
        warm=0,
        match_mask="teacher",
    )
    mask = teacher.mask.detach().clone()
    mask[:, FORGOTTEN] = 0  # of no effect: the network answers without it
    assert_equal(ours, with_parts(kind, expected, mask))


COMPARISONS: dict[str, Callable[[str], None]] = {
    "erm_ktp": compare_transfer,
    "erm_ktp: training": compare_training,
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_published_rates_of_both_are_the_same() -> None:
    """The rate in each of 30 epochs: ten and twenty epochs after the first six."""
    method = make("erm_ktp", None, {})
    drops = sorted((method.first_drop, method.second_drop))
    ours = [method.learning_rate * 0.1 ** sum(epoch >= drop for drop in drops) for epoch in range(30)]
    expected = [erm_ktp.decayed(0.1, (10, 20), max(0, epoch - 6)) for epoch in range(30)]
    assert ours == pytest.approx(expected)


def f64(values: list[Any]) -> Tensor:
    """Return a float64 tensor."""
    return torch.tensor(values, dtype=torch.float64)


class Plain(nn.Module):
    """A body without BatchNorm, so that training and evaluation mode agree."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.body = nn.Conv2d(2, 3, 3, dtype=torch.float64)
            self.head = nn.Linear(3, 2, dtype=torch.float64)


def test_the_regulariser_and_the_mask_worked_out() -> None:
    mask = f64([[0.5, 0.0, 1.0], [0.2, 0.4, 0.0]])
    pairs = (0.5 * 0 + 0.2 * 0.4) + (0.5 * 1 + 0) + 0.0
    penalty = erm_ktp.training_regulariser(mask)
    assert float(penalty) == pytest.approx(1e-3 * ((2.1 - 0.6) + 0.1 * pairs))
    assert float(erm_ktp.training_regulariser(f64([[0.0, 0.0], [0.1, 0.0]]))) == 0.0
    mask = f64([[0.5, -0.1, 0.25], [0.2, 0.4, 0.0]])
    erm_ktp.normalise_mask(mask)
    torch.testing.assert_close(mask, f64([[1.0, 0.0, 0.5], [0.5, 1.0, 0.0]]))
    assert [erm_ktp.decayed(1.0, (10, 20), max(0, e - 5)) for e in (14, 15, 25)] == [1.0, 0.1, 0.1**2]


def test_the_head_is_transferred_and_the_body_is_matched() -> None:
    mask, (x, y) = f64([[0.0, 1.0], [1.0, 0.0], [0.0, 0.3]]), samples("small_conv", 8, 1)
    teacher, settings = Plain(0), {"mask": mask, "forgotten": [0], **PLAIN}
    expected = teacher.head.weight.detach().clone()
    expected[0], expected[:, 1] = 0.0, 0.0
    data = {"retain": [batches_of((x, y), 4)]}
    student = erm_ktp.reference(teacher, data, fresh=copy.deepcopy(teacher), **settings)
    torch.testing.assert_close(student.body.weight, teacher.body.weight)
    torch.testing.assert_close(student.head.weight.detach(), expected)
    assert float(student.head.bias[0].detach()) == 0.0
    fresh = Plain(1)
    before = (fresh.body.weight - teacher.body.weight).norm().item()
    far = erm_ktp.reference(teacher, {"retain": [[(x, y)] * 300]}, fresh=fresh, **settings)
    assert (far.body.weight - teacher.body.weight).norm().item() < 0.2 * before


def test_a_masked_training_step() -> None:
    """The step is written with torch's own losses."""
    (x, y), mask = samples("small_conv", 4, 1), torch.sigmoid(normal(3, 2, seed=6))
    y, model, twin = y % 2, Plain(0), Plain(0)
    m = (mask / mask.max(1, keepdim=True).values).requires_grad_()
    pooled = (twin.body(x) * m[:, y].T[..., None, None]).mean((2, 3))
    loss = nn.functional.cross_entropy(twin.head(pooled), y) + erm_ktp.training_regulariser(m)
    slopes = torch.autograd.grad(loss, [twin.body.weight, m])
    erm_ktp.reference_training(model, {"full": [[(x, y)]]}, mask=mask, **PLAIN)
    torch.testing.assert_close(model.body.weight, twin.body.weight - 0.1 * slopes[0])
    torch.testing.assert_close(mask, m.detach() - 0.1 * slopes[1])


def test_a_matching_step() -> None:
    """The step is written with torch's own losses; the second channel is not kept."""
    x, y = samples("small_conv", 4, 1)
    teacher, fresh, keep = Plain(0), Plain(1), f64([1, 0, 1])[:, None, None]
    start = copy.deepcopy(fresh)
    of_student, of_teacher = (net.body(x) for net in (start, teacher))
    loss = nn.functional.mse_loss(of_student, of_teacher)
    loss = loss + nn.functional.mse_loss((keep * of_student).mean((2, 3)), (keep * of_teacher).mean((2, 3)))
    (slope,) = torch.autograd.grad(loss, start.body.weight)
    zeros = f64([[0, 1], [1, 0], [0, 0]])
    data = {"retain": [[(x, y % 2)]]}
    erm_ktp.reference(teacher, data, fresh=fresh, mask=zeros, forgotten=[0], **PLAIN)
    torch.testing.assert_close(fresh.body.weight, start.body.weight - 0.1 * slope)


def test_an_unmasked_epoch_is_plain_sgd() -> None:
    model, twin = fresh_network("small_conv"), fresh_network("small_conv")
    batches, mask = batches_of(samples("small_conv", 8, 1), 4), torch.full((4, CLASSES), 0.5).double()
    sgd = {"momentum": 0.9, "weight_decay": 5e-4}
    step: dict[str, Any] = {"optimizer": {"name": "sgd", **sgd}, "learning_rate": 0.1}
    erm_ktp.reference_training(model, {"full": [batches]}, mask=mask, masked_remainder=1, **step)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1, **sgd)
    for x, y in batches:
        optimizer.zero_grad()
        nn.functional.cross_entropy(twin(x), y).backward()
        optimizer.step()
    torch.testing.assert_close(model.state_dict(), twin.state_dict())
    torch.testing.assert_close(mask, torch.ones_like(mask))
