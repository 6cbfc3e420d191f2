"""Networks side by side compute what each computes alone; what cannot stand side by side is named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.grouped import LARGEST, disagreement, group, separate, side_by_side, why_alone
from tests.training.tied import Tied

SHAPE, CLASSES = (3, 8, 8), 5
FITTING = [("small_cnn", {"width": 4}), ("all_cnn", {"width": 4}), ("resnet18", {"width": 4})]
FITTING += [("small_vgg", {"width": 4, "dropout": 0.0})]


def networks(name: str, settings: dict[str, object], count: int = 3) -> list[nn.Module]:
    models = [
        build(ArchitectureSpec(name=name, settings=settings), SHAPE, CLASSES, seed).double()
        for seed in range(count)
    ]
    for model in models:
        model.train()(torch.randn(16, *SHAPE, dtype=torch.float64))  # BatchNorm has seen something
    return models


def inputs(count: int = 3) -> list[Tensor]:
    return list(
        torch.randn(count, 6, *SHAPE, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    )


@pytest.mark.parametrize(("name", "settings"), FITTING)
@pytest.mark.parametrize("training", [True, False])
def test_a_group_says_what_its_networks_say(name: str, settings: dict[str, object], training: bool) -> None:
    models, x = networks(name, settings), inputs()
    assert why_alone(models[0]) is None
    assert disagreement(models, group(models), x) is None
    together = group(models).train(training)(side_by_side(x)).chunk(3, dim=1)
    for model, mine, said in zip(models, x, together, strict=True):
        torch.testing.assert_close(said, model.train(training)(mine), rtol=0, atol=1e-10)


def test_what_one_network_sees_is_nothing_to_the_others() -> None:
    models, x = networks(*FITTING[0]), inputs()
    before = group(models)(side_by_side(x)).chunk(3, dim=1)
    x[1] = x[1] + torch.randn_like(x[1])
    after = group(models)(side_by_side(x)).chunk(3, dim=1)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert not torch.equal(before[1], after[1])


def test_weights_and_statistics_come_back() -> None:
    models, others = networks("resnet18", {"width": 4}), networks("resnet18", {"width": 4})
    for number, other in enumerate(others):
        for tensor in other.state_dict().values():
            tensor.zero_()
        separate(group(models), others, number)
    for model, other in zip(models, others, strict=True):
        for name, tensor in model.state_dict().items():
            assert torch.equal(tensor, other.state_dict()[name]), name


class Odd(nn.Module):
    """A convolution, and a forward that does something of its own with what it says."""

    def __init__(self, last: Callable[[Tensor, nn.Module], Tensor]) -> None:
        super().__init__()
        self.layer, self.last = nn.Conv2d(3, CLASSES, 3), last

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.layer(x).mean(dim=(2, 3)), self)


def plain(y: Tensor, model: nn.Module) -> Tensor:
    return y


def mixing(y: Tensor, model: nn.Module) -> Tensor:
    return y - y.mean(dim=1, keepdim=True)


def drawing(y: Tensor, model: nn.Module) -> Tensor:
    return functional.dropout(y, 0.1, model.training)


@pytest.mark.parametrize(
    ("last", "reason"), [(plain, None), (mixing, "channels apart"), (drawing, "random numbers")]
)
def test_a_forward_that_mixes_or_draws_is_found_out(
    last: Callable[[Tensor, nn.Module], Tensor], reason: str | None
) -> None:
    models = [Odd(last).double() for _ in range(3)]
    assert why_alone(models[0]) is None  # its layers alone would do
    found = disagreement(models, group(models), inputs())
    assert found is None if reason is None else reason in str(found)


def test_the_trial_leaves_models_and_random_state_alone() -> None:
    models, x = networks(*FITTING[0]), inputs()
    state = torch.get_rng_state()
    before = [{k: v.clone() for k, v in m.state_dict().items()} for m in models]
    disagreement(models, group(models), x)
    assert torch.equal(state, torch.get_rng_state())
    for model, kept in zip(models, before, strict=True):
        assert all(torch.equal(v, kept[k]) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(4, 2)), "Dropout"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.LayerNorm(4)), "LayerNorm"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4)), "GroupNorm"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)), "BatchNorm2d"),
        (nn.Sequential(nn.Embedding(4, 2), nn.Linear(2, 2)), "Embedding"),
        (nn.Sequential(nn.Flatten(), nn.Linear(1000, LARGEST // 1000 + 1)), "above"),
        (Tied(), "second.weight is tied to first.weight"),
    ],
)
def test_networks_that_cannot_be_grouped_are_named(model: nn.Module, reason: str) -> None:
    assert reason in str(why_alone(model))
