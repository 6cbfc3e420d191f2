"""Influence unlearning against the recursion as released: one sample, one whole vector at a time."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.base.errors import UserError
from reunlearn.data.batches import Batch
from reunlearn.unlearning.methods import influence
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, make_sets, run

SETTINGS = {"alpha": 30.0, "recursion_size": 3}


def flat_gradient(model: nn.Module, batch: Batch) -> Tensor:
    model.zero_grad()
    functional.cross_entropy(model(batch.x), batch.y).backward()
    return torch.cat([p.grad.flatten() for p in model.parameters()])


def reference(model: nn.Module, samples: int, size: int = 3, alpha: float = 30.0) -> nn.Module:
    model = copy.deepcopy(model).eval()
    sets = make_sets()
    gradients = {name: [flat_gradient(model, b) for b in s.batches(1)] for name, s in sets.items()}
    forget, retain = sum(gradients["forget"]), sum(gradients["retain"])
    k = (forget - 6 / 9 * retain) / 15
    o = gradients["retain"][0].clone()
    for g in gradients["retain"][1:samples]:
        t = torch.dot(o, g)
        k = k - torch.dot(k, g) / (size + t) * o
        o = o - t / (size + t) * o
    step, begin = alpha * k, 0
    for p in model.parameters():
        p.data += step[begin : begin + p.numel()].view_as(p)
        begin += p.numel()
    return model


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("batch_size", [1, 4, 256])
@pytest.mark.parametrize("samples", [1, 5, 1002])
def test_equals_the_recursion(network: str, batch_size: int, samples: int) -> None:
    model = NETWORKS[network]().eval()
    found, _ = run(
        "influence", model, {**SETTINGS, "batch_size": batch_size, "samples": samples}, reading="code"
    )
    assert_same(found, reference(model, samples))
    assert distance(found, model) > 1e-2


@pytest.mark.parametrize("network", NETWORKS)
def test_size_and_number_of_samples_count(network: str) -> None:
    model = NETWORKS[network]().eval()
    found, _ = run("influence", model, SETTINGS, reading="code")
    assert distance(found, reference(model, 9, size=1000)) > 1e-6
    assert distance(found, reference(model, 5)) > 1e-6
    other, _ = run("influence", model, {**SETTINGS, "recursion_size": 1000}, reading="code")
    assert_same(other, reference(model, 9, size=1000))


@pytest.mark.parametrize("network", NETWORKS)
def test_the_paper_s_reading_is_the_inverse(network: str) -> None:
    model = NETWORKS[network]().eval()
    rows = torch.stack([flat_gradient(model, batch) for batch in make_sets()["retain"].batches(1)])
    v = (sum(flat_gradient(model, b) for b in make_sets()["forget"].batches(1)) - 6 / 9 * rows.sum(0)) / 15
    step = 30.0 * torch.linalg.solve(torch.eye(len(v), dtype=v.dtype) + rows.T @ rows / 3, v)
    paper, code = (run("influence", model, SETTINGS, reading=f)[0] for f in ("paper", "code"))
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    found = torch.cat([p.detach().flatten() for p in paper.parameters()])
    torch.testing.assert_close(found, before + step, rtol=0, atol=1e-9)
    assert distance(paper, code) > 1e-3
    assert_same(paper, run("influence", model, {**SETTINGS, "recursion": "exact"}, reading="code")[0])
    assert_same(code, run("influence", model, {**SETTINGS, "recursion": "released"})[0])


def test_the_exact_recursion_is_refused_beyond_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    model = NETWORKS["two_layer"]().eval()
    monkeypatch.setattr(influence, "MIB", 100)
    weights = sum(p.numel() for p in model.parameters())
    least = max(3 * 9 * 9 * 8, 9 * 9 * 8 + 3 * weights * 4)  # of 9 retain samples
    settings = {**SETTINGS, "recursion": "exact"}
    enough = -(-least // 100)
    with pytest.raises(UserError, match=rf"9 samples .* take {enough} MiB; memory_mib allows {enough - 1}"):
        run("influence", model, {**settings, "memory_mib": enough - 1})
    tight, _ = run("influence", model, {**settings, "memory_mib": enough})
    ample, _ = run("influence", model, {**settings, "memory_mib": 2000})
    assert_same(tight, ample)
    assert distance(tight, reference(model, 9)) > 1e-3, "the released recursion is another"


def test_a_small_step_raises_the_forget_loss() -> None:
    model = NETWORKS["conv_net"]().eval()
    found, _ = run("influence", model, {"alpha": 0.05})
    batch = make_sets()["forget"].take(slice(None))
    before, after = (float(functional.cross_entropy(m(batch.x), batch.y).detach()) for m in (model, found))
    assert after > before
    assert torch.equal(found[1].running_mean, model[1].running_mean)
