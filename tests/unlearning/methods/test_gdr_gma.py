"""GDR-GMA, both fidelities, against one slow loop whose switches are the points where they differ."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from reunlearn.unlearning.methods.gdr_gma import scope_length
from reunlearn.unlearning.registry import card, make
from tests.unlearning.methods.double_precision import (
    NETWORKS,
    ByHandAdamW,
    assert_same,
    conv_net,
    distance,
    gradient_by_tensor,
    make_samples,
    make_task,
    two_layers,
)

SETTINGS = {"epochs": 3, "learning_rate": 0.01, "batch_size": 5, "gamma": 2.0, "epsilon": 0.5}


@dataclass(frozen=True)
class Reading:
    """One way to read GDR-GMA."""

    whole_vector: bool
    from_original_pair: bool
    bank_tensors: int | None  # None is all
    previous_epoch: bool
    project_retain: bool
    drifts: bool
    deviation: bool
    negated: bool = True


PAPER = Reading(True, True, None, True, True, False, True)
CODE = Reading(False, False, 1, False, False, True, False)


def sets() -> dict:
    return {"forget": make_samples(23, seed=1), "retain": make_samples(31, seed=2)}


def blocks(vectors: list[np.ndarray], whole: bool) -> list[np.ndarray]:
    return [np.concatenate(vectors)] if whole else [v.copy() for v in vectors]


def joined_mean(bank: list[np.ndarray], probe: np.ndarray, drifts: bool) -> np.ndarray | None:
    chosen = [i for i, entry in enumerate(bank) if float(entry @ probe) < 0]
    if not chosen:
        return None
    total = np.zeros_like(probe)
    for i in chosen:
        total = total + bank[i]
    if drifts and len(chosen) > 1:
        bank[chosen[0]] = total.copy()
    return total / len(chosen)


def without(v: np.ndarray, w: np.ndarray) -> np.ndarray:
    return v - (v @ w) / (w @ w) * w


def rectified(a: list[np.ndarray], d: list[np.ndarray], reading: Reading) -> tuple[np.ndarray, np.ndarray]:
    out_a, out_d = [], []
    for x, y in zip(blocks(a, reading.whole_vector), blocks(d, reading.whole_vector), strict=True):
        new_x, new_y = x, y
        if x @ y < 0:
            new_y = without(y, x)
            new_x = without(x, y) if reading.from_original_pair else x - (x @ y) / (y @ y) * new_y
        out_a.append(new_x)
        out_d.append(new_y)
    return np.concatenate(out_a), np.concatenate(out_d)


def reference(model, task, reading: Reading):
    """Return the unlearned model by plain loops."""
    model = copy.deepcopy(model)
    rate, gamma, epsilon = SETTINGS["learning_rate"], SETTINGS["gamma"], SETTINGS["epsilon"]
    optimizer = ByHandAdamW(model, weight_decay=0.01)
    model.eval()
    with torch.no_grad():
        everything = task._sets["retain"]._samples.take(slice(None))
        original_loss = float(functional.cross_entropy(model(everything.x), everything.y))
    model.train()
    sizes = [p.numel() for p in model.parameters()]
    tail = sum(sizes if reading.bank_tensors is None else sizes[-reading.bank_tensors :])
    bank, coming, size = [], [], -(-23 // SETTINGS["batch_size"])
    for epoch in range(SETTINGS["epochs"]):
        for forget, retain in task.pairs(SETTINGS["batch_size"]):
            retain_loss = functional.cross_entropy(model(retain.x), retain.y)
            d = gradient_by_tensor(model, retain_loss)
            sign = -1 if reading.negated else 1
            a = gradient_by_tensor(model, sign * functional.cross_entropy(model(forget.x), forget.y))
            new_a, new_d = rectified(a, d, reading)
            entry = np.concatenate(a)[-tail:]
            if reading.previous_epoch:
                coming.append(entry)
            else:
                bank = [*bank, entry][-size:]
            usable = bank if reading.previous_epoch or epoch > 0 else []
            probe = np.concatenate(d)[-tail:] if reading.project_retain else new_a[-tail:].copy()
            if reading.drifts:
                joined_mean(usable, probe, True)
            joint = joined_mean(usable, probe, reading.drifts)
            target = new_d if reading.project_retain else new_a
            if joint is not None and target[-tail:] @ joint < 0:
                target[-tail:] = without(target[-tail:], joint)
            loss = float(retain_loss.detach())
            delta = abs(loss - original_loss) if reading.deviation else loss
            weight = 1 / (1 + np.exp(gamma * (delta - epsilon)))
            step = weight * new_a + (1 - weight) * new_d
            optimizer.step(np.split(step, np.cumsum(sizes)[:-1]), rate)
        if reading.previous_epoch:
            bank, coming = coming, []
    return model


def run(model, fidelity: str, task=None, **settings):
    task = task or make_task("gdr_gma", sets(), {})
    return make("gdr_gma", fidelity, SETTINGS | settings).unlearn(copy.deepcopy(model), task)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("fidelity", "reading"), [("paper", PAPER), ("code", CODE)])
def test_equals_the_slow_loop(network: str, fidelity: str, reading: Reading) -> None:
    model = NETWORKS[network]()
    assert_same(run(model, fidelity), reference(model, make_task("gdr_gma", sets(), {}), reading))


SWITCHES = [f.name for f in fields(Reading)]


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(("fidelity", "reading"), [("paper", PAPER), ("code", CODE)])
def test_every_point_of_difference_shows(fidelity: str, reading: Reading, switch: str) -> None:
    """The control of the comparison above: one switch the other way, and the reference ends elsewhere."""
    other = {"bank_tensors": 2} if switch == "bank_tensors" else {switch: not getattr(reading, switch)}
    model = conv_net()
    result = run(model, fidelity)
    assert (
        distance(result, reference(model, make_task("gdr_gma", sets(), {}), replace(reading, **other))) > 1e-6
    )


def test_paper_reads_retain_once_more_than_code() -> None:
    drawn = {}
    for fidelity in ("paper", "code"):
        task = make_task("gdr_gma", sets(), {})
        run(two_layers(), fidelity, task)
        drawn[fidelity] = task.drawn()
    assert drawn["code"]["forget"] == drawn["paper"]["forget"] == 3 * 23
    assert drawn["paper"]["retain"] - drawn["code"]["retain"] == 31


@pytest.mark.parametrize("fidelity", ["paper", "code"])
def test_scope_of_the_bank(fidelity: str) -> None:
    model = conv_net()
    assert [scope_length(model, s, "all") for s in ("last", "head", "all", "fidelity")] == [1, 2, 8, 8]
    results = {scope: run(model, fidelity, bank_scope=scope) for scope in ("fidelity", "last", "head", "all")}
    own, other = ("all", "last") if fidelity == "paper" else ("last", "all")
    assert distance(results["fidelity"], results[own]) == 0
    assert distance(results["fidelity"], results[other]) > 1e-6
    assert distance(results["head"], results["last"]) > 1e-6


def test_the_weight_follows_the_drift_of_the_retain_loss() -> None:
    method = make("gdr_gma", "paper", {})
    at, original = (torch.tensor(v, dtype=torch.float64) for v in (0.12, 0.10))
    assert float(method.forget_weight(at, original)) == pytest.approx(0.5)
    assert float(method.forget_weight(2 * original - at, original)) == pytest.approx(0.5)  # |Δ|
    assert float(method.forget_weight(at, None)) == pytest.approx(1 / (1 + np.exp(100 * 0.10)))
    assert float(method.forget_weight(original, original)) == pytest.approx(1 / (1 + np.exp(-2)))


def test_the_ledger_names_every_switch() -> None:
    about = card("gdr_gma")
    assert len(about["divergences"]) == len(SWITCHES)
    assert all(d["paper"] != d["code"] for d in about["divergences"])
