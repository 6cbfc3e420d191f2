"""Conflicts and cosines against gradients of single samples, one backward pass each."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from reunlearn.gradients.flat import flatten, gradients, trainable
from reunlearn.objectives.classification import Classification
from reunlearn.unlearning.probes import GradientProbe, measured
from tests.unlearning.methods.small import CLASSES, NETWORKS, make_sets

OBJECTIVE = Classification(CLASSES)


def ascents(model: nn.Module, probe: GradientProbe) -> list[Tensor]:
    """Return a_k [P] of every forget sample."""
    model = copy.deepcopy(model).eval()
    losses = OBJECTIVE.per_sample_loss(model, probe.batch, probe.batch.y)
    return [flatten(gradients(-loss, trainable(model), retain_graph=True)) for loss in losses]


def pair_of(model: nn.Module, seed: int) -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in trainable(model)] for _ in range(2)
    )


@pytest.mark.parametrize("network", NETWORKS)
def test_conflicts_equal_a_count_of_cosines_below_zero(network: str) -> None:
    model, forget = NETWORKS[network](), make_sets()["forget"]
    probe = GradientProbe(forget, OBJECTIVE, model, ["conflicts"])
    shares = {"retain": [], "forget": [], "pair": []}
    for seed, rows in enumerate((torch.tensor([0, 1]), torch.tensor([2, 3, 4, 5]))):
        a, d = pair_of(model, seed)
        batch = forget.take(rows, None)
        probe.directions(model, batch, (a, d))
        others = [g for k, g in enumerate(ascents(model, probe)) if k not in rows.tolist()]
        shares["retain"] += [bool(flatten(d) @ g < 0) for g in others]
        shares["forget"] += [bool(flatten(a) @ g < 0) for g in others]
        shares["pair"] += [bool(flatten(a) @ flatten(d) < 0)] * len(rows)
    found = probe.end_epoch(model)
    for name, key in (("retain_others", "retain"), ("forget_others", "forget"), ("forget_retain", "pair")):
        assert found[f"conflict_{name}"] == pytest.approx(100 * sum(shares[key]) / len(shares[key]))
    assert 0 < found["conflict_retain_others"] < 100
    assert probe.end_epoch(model) == {}


def test_a_pair_that_is_orthogonal_has_no_conflict_and_an_opposite_one_has() -> None:
    model, forget = NETWORKS["two_layer"](), make_sets()["forget"]
    probe = GradientProbe(forget, OBJECTIVE, model, ["conflicts"])
    a, other = pair_of(model, 0)
    along = flatten(a) @ flatten(other) / flatten(a).square().sum()
    orthogonal = [(y - along * x).float() for x, y in zip(a, other, strict=True)]
    rounded = [-2e-7 * x.float() for x in a]
    noisy = [
        x + y for x, y in zip(orthogonal, rounded, strict=True)
    ]  # as a projection in single precision leaves it
    assert flatten(a) @ flatten(noisy).double() < 0
    zero = [torch.zeros_like(x) for x in a]
    for d, share in ((zero, 0.0), (noisy, 0.0), ([-x for x in a], 100.0)):
        probe.directions(model, forget.take(torch.arange(6), None), lambda d=d: (a, d))
        # the batch is the whole forget set: there are no others
        assert probe.end_epoch(model) == {"conflict_forget_retain": share}


def test_cosines_compare_with_the_epoch_before() -> None:
    model, forget = NETWORKS["conv_net"](), make_sets()["forget"]
    probe = GradientProbe(forget, OBJECTIVE, model, ["cosines"])
    assert probe.end_epoch(model)["cosine"] == pytest.approx(1.0)
    before = ascents(model, probe)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.5 * torch.randn(p.shape, generator=torch.Generator().manual_seed(3), dtype=p.dtype))
    pairs = zip(before, ascents(model, probe), strict=True)
    expected = torch.stack([nn.functional.cosine_similarity(g, h, dim=0) for g, h in pairs])
    found = probe.end_epoch(model)
    assert found["cosine"] == pytest.approx(expected.mean().item(), abs=1e-5)
    assert found["cosine_low"] <= found["cosine"] <= found["cosine_high"] < 0.999
    assert probe.end_epoch(model)["cosine"] == pytest.approx(1.0)


def test_the_model_stays_as_it_is() -> None:
    model = NETWORKS["conv_net"]().train()
    model[1].eval()
    modes, state = [m.training for m in model.modules()], copy.deepcopy(model.state_dict())
    probe = GradientProbe(make_sets()["forget"], OBJECTIVE, model, ["conflicts", "cosines"])
    probe.directions(model, probe.batch, pair_of(model, 0))
    probe.end_epoch(model)
    with measured(model):
        assert not any(m.training for m in model.modules())
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert probe.seconds > 0
