"""Scissorhands against a plain loop with an independent solution of the quadratic program."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from scipy.optimize import nnls
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import (
    CLASSES,
    NETWORKS,
    PLAIN,
    Recorder,
    Seen,
    assert_same,
    distance,
    make_sets,
    run,
)

SETTINGS = {"epochs": 6, "sparsity": 0.9, "forget_weight": 0.1, "learning_rate": 0.05}
CASES = {
    "plain": {},
    "two memories": {"memories": 2},
    "every other step": {"project_every": 2},
    "last layer": {"trimmed": "3", "projected": "3"},
    "no projection": {"project": False},
    "two batches to trim": {"trim_batches": 2},
    "frozen statistics": {"bn_mode": "eval", "trim_mode": "eval"},
}
SEED = 1  # with which every case turns some gradient
LAST = {"two_layer": "3", "conv_net": "5"}


def quadratic_program(gradient_P: Tensor, memories: list[Tensor]) -> Tensor:
    """Return g + Mᵀ v by non-negative least squares: with v = ½ + u, ½ vᵀQv + cᵀv is ½|Lᵀu + L⁻¹(c + ½Q1)|²."""
    m = torch.stack(memories)
    if not (m @ gradient_P < 0).any():
        return gradient_P
    q = m @ m.T + 1e-3 * torch.eye(len(m), dtype=m.dtype)
    factor = torch.linalg.cholesky(q)
    c = m @ gradient_P + 0.5 * q.sum(1)
    u, _ = nnls(factor.T.numpy(), -torch.linalg.solve(factor, c).numpy())
    return gradient_P + (0.5 + torch.from_numpy(u)) @ m


class Slow:
    """The released procedure over what the method showed to its objective."""

    def __init__(self, model: nn.Module, seen: list[Seen], case: dict, network: str) -> None:
        self.model, self.queue, self.case = copy.deepcopy(model), iter(seen), case
        self.where = LAST[network] if "projected" in case else ""
        self.generator = torch.Generator()

    def set_mode(self, training: bool, norm: bool) -> None:
        self.model.train(training)
        for module in self.model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.train(norm)

    def trim(self, drawn: dict[str, Tensor]) -> int:
        """Re-initialise with given fresh values; return how many entries."""
        self.set_mode(True, self.case.get("trim_mode") != "eval")
        total: dict[str, Tensor] = {}
        for _ in range(self.case.get("trim_batches", 1)):
            for name, g in gradient(self.model, mean_loss(self.model, next(self.queue))).items():
                total[name] = total.get(name, 0) + g.abs()
        saliency = {n: (p.detach() * total[n]).abs() for n, p in self.model.named_parameters()}
        ordered = sorted(v for s in saliency.values() for v in s.flatten().tolist())
        threshold, count = ordered[int(0.9 * len(ordered)) - 1], 0
        for name, p in self.model.named_parameters():
            if name in drawn:
                chosen = saliency[name] > threshold
                p.data[chosen] = drawn[name][chosen]
                count += int(chosen.sum())
        return count

    def memories(self) -> list[Tensor]:
        if not self.case.get("project", True):
            return []
        self.set_mode(False, False)
        found: list[Tensor] = []
        for _ in range(self.case.get("memories", 1)):
            one = next(self.queue)
            assert not one.training
            g = self.flat(gradient(self.model, -mean_loss(self.model, one)))
            found.append(g + found[-1] if found else g)
        return found

    def flat(self, gradients: dict[str, Tensor]) -> Tensor:
        return torch.cat([g.flatten() for n, g in gradients.items() if n.startswith(self.where)])

    def epoch(self, optimizer: SlowSGD) -> int:
        """Take one pass of repair; return how many gradients were turned."""
        memories, turned = self.memories(), 0
        self.set_mode(True, self.case.get("bn_mode") != "eval")
        for step in (1, 2, 3):  # 9 retain samples and 6 to forget, 4 at a time
            found = gradient(self.model, mean_loss(self.model, next(self.queue)))
            if step < 3:
                forget = gradient(self.model, mean_loss(self.model, next(self.queue)))
                found = {n: g - 0.1 * forget[n] for n, g in found.items()}
            if memories and step < 3 and step % self.case.get("project_every", 1) == 0:
                before = self.flat(found)
                after = quadratic_program(before, memories)
                turned += int(not torch.equal(before, after))
                begin = 0
                for name, g in found.items():
                    if name.startswith(self.where):
                        found[name] = after[begin : begin + g.numel()].view_as(g)
                        begin += g.numel()
            optimizer.step(found, 0.05)
        return turned


def eligible(model: nn.Module, where: str) -> dict[str, nn.Parameter]:
    norms = [n for n, m in model.named_modules() if isinstance(m, nn.BatchNorm2d)]
    return {
        n: p for n, p in model.named_parameters() if n.startswith(where) and n.rsplit(".", 1)[0] not in norms
    }


def fresh_values(model: nn.Module, where: str, state: Tensor) -> dict[str, Tensor]:
    """Return the initial values that a generator in this state gives."""
    generator = torch.Generator()
    generator.set_state(state)
    found = {}
    for name, p in eligible(model, where).items():
        found[name] = torch.zeros_like(p)
        if not name.endswith("bias"):
            limit = math.sqrt(6 / (6 * p[0].numel()))
            found[name] = (2 * torch.rand(p.shape, generator=generator, dtype=p.dtype) - 1) * limit
    return found


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", CASES)
def test_equals_the_loop(network: str, name: str) -> None:
    case = {k: LAST[network] if k in ("trimmed", "projected") else v for k, v in CASES[name].items()}
    model = NETWORKS[network]()
    found, seen = run("scissorhands", model, {**SETTINGS, **case}, SEED)
    generator = torch.Generator().manual_seed(SEED)
    for _ in range(case.get("trim_batches", 1)):
        torch.randperm(6, generator=generator)  # the order of the forget set that trimming drew
    slow = Slow(model, seen, case, network)
    trimmed = slow.trim(fresh_values(model, case.get("trimmed", ""), generator.get_state()))
    assert trimmed > 0
    optimizer = SlowSGD(slow.model, 0.9, 5e-4)
    turned = sum(slow.epoch(optimizer) for _ in range(6))
    assert next(slow.queue, None) is None
    assert (turned > 0) == case.get("project", True), "no gradient was turned"
    assert_same(found, slow.model)


def test_projection_changes_the_result() -> None:
    model = NETWORKS["conv_net"]()
    found = [run("scissorhands", model, {**SETTINGS, "project": on})[0] for on in (True, False)]
    assert distance(*found) > 1e-4


def test_without_repair_only_salient_weights_move() -> None:
    model = NETWORKS["conv_net"]()
    found, _ = run("scissorhands", model, {**SETTINGS, "epochs": 0})
    moved = {
        n: int((p != q).sum()) for (n, p), q in zip(found.named_parameters(), model.parameters(), strict=True)
    }
    total = sum(p.numel() for p in model.parameters())
    assert 0 < sum(moved.values()) <= total - int(0.9 * total)
    assert moved["1.weight"] == moved["1.bias"] == 0, "BatchNorm keeps its scale and shift"
    assert not torch.equal(found[1].running_mean, model[1].running_mean)
    still, _ = run("scissorhands", model, {**SETTINGS, "epochs": 0, "trim_mode": "eval"})
    assert torch.equal(still[1].running_mean, model[1].running_mean)
    named, _ = run("scissorhands", model, {**SETTINGS, "epochs": 0, "sparsity": 0.3, "trimmed": "1"})
    pairs = zip(named.named_parameters(), model.parameters(), strict=True)
    assert {n for (n, p), q in pairs if not torch.equal(p, q)} <= {"1.weight", "1.bias"}


def test_modules_that_do_not_exist_are_named() -> None:
    with pytest.raises(UserError, match="no module 'layer4'"):
        run("scissorhands", NETWORKS["conv_net"](), {"trimmed": "3, layer4"})


@pytest.mark.parametrize(("forget", "retain"), [(25, 9), (9, 25)])
def test_what_is_counted_as_drawn_was_shown_to_the_network(forget: int, retain: int) -> None:
    """Also where the forget set is the longer one: its batches beyond the retain set's are not drawn."""
    objective = Recorder()
    task = Task(make_sets(forget, retain), {"forget", "retain"}, objective, CLASSES, 0)
    make("scissorhands", None, {**PLAIN, **SETTINGS, "epochs": 2}).unlearn(NETWORKS["two_layer"](), task)
    shown = torch.cat([one.batch.index for one in objective.seen])
    assert task.drawn() == {"forget": int((shown < forget).sum()), "retain": int((shown >= forget).sum())}
