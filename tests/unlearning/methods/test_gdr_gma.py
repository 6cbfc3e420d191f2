"""GDR-GMA against one slow loop whose switches are the points where paper and code differ, and the ablations."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from reunlearn.unlearning.methods.gdr_gma import scope_length
from reunlearn.unlearning.registry import card
from tests.unlearning.making import make
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

SETTINGS = {"epochs": 2, "learning_rate": 0.01, "batch_size": 5, "gamma": 2.0, "epsilon": 0.5}
FORGET, RETAIN = 23, 31


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
    rectified: bool = True
    bank: str = "kept"  # kept, recomputed or off
    per_sample: bool = False
    fixed: float | None = None
    forget_first: bool = False


PAPER = Reading(True, True, None, True, True, False, True)
CODE = Reading(False, False, 1, False, False, True, False)
READINGS = pytest.mark.parametrize(("reading", "points"), [("paper", PAPER), ("code", CODE)])


def sets() -> dict:
    return {"forget": make_samples(FORGET, seed=1), "retain": make_samples(RETAIN, seed=2)}


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


def rectified(a: list[np.ndarray], d: list[np.ndarray], points: Reading) -> tuple[np.ndarray, np.ndarray]:
    out_a, out_d = [], []
    for x, y in zip(blocks(a, points.whole_vector), blocks(d, points.whole_vector), strict=True):
        new_x, new_y = x, y
        if points.rectified and x @ y < 0:
            new_y = without(y, x)
            new_x = without(x, y) if points.from_original_pair else x - (x @ y) / (y @ y) * new_y
        out_a.append(new_x)
        out_d.append(new_y)
    return np.concatenate(out_a), np.concatenate(out_d)


def entries_of(model, batch, points: Reading, sizes: list[int]) -> list[list[np.ndarray]]:
    """Return what a step adds to the bank: for each entry, its blocks."""
    losses = functional.cross_entropy(model(batch.x), batch.y, reduction="none")
    units = list(losses) if points.per_sample else [losses.mean()]
    count = len(sizes) if points.bank_tensors is None else points.bank_tensors
    found = []
    for unit in units:
        g = torch.autograd.grad(
            -unit if points.negated else unit, list(model.parameters()), retain_graph=True
        )
        tail = [v.numpy().reshape(-1).copy() for v in g][-count:]
        found.append(blocks(tail, points.whole_vector))
    return found


def held_against_bank(
    bank: list[list[np.ndarray]], probe: np.ndarray, target: np.ndarray, points: Reading, widths: list[int]
) -> None:
    """Project the tail of `target`, block by block, in place; each block of the bank drifts by itself."""
    begin = len(probe) - sum(widths)
    for number, width in enumerate(widths):
        part = slice(begin, begin + width)
        entries = [entry[number] for entry in bank]
        direction = probe[part].copy()
        joined_mean(entries, direction, points.drifts)
        joint = joined_mean(entries, direction, points.drifts)
        for entry, value in zip(bank, entries, strict=True):
            entry[number] = value
        if joint is not None and target[part] @ joint < 0:
            target[part] = without(target[part], joint)
        begin += width


def reference(model, task, points: Reading):
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
    covered = sizes if points.bank_tensors is None else sizes[-points.bank_tensors :]
    widths = [sum(covered)] if points.whole_vector else covered
    bank, coming = [], []
    size = FORGET if points.per_sample else -(-FORGET // SETTINGS["batch_size"])
    sign = -1 if points.negated else 1
    for epoch in range(SETTINGS["epochs"]):
        for forget, retain in task.pairs(SETTINGS["batch_size"]):
            losses, gradients = {}, {}
            order = [("retain", retain), ("forget", forget)]
            for kind, batch in reversed(order) if points.forget_first else order:
                losses[kind] = functional.cross_entropy(model(batch.x), batch.y)
                factor = 1 if kind == "retain" else sign
                gradients[kind] = gradient_by_tensor(model, factor * losses[kind])
            a, d = gradients["forget"], gradients["retain"]
            new_a, new_d = rectified(a, d, points)
            usable: list[list[np.ndarray]] = []
            if points.bank == "recomputed":
                for batch in task._sets["forget"].batches(
                    SETTINGS["batch_size"], shuffle=False, augmented=True
                ):
                    usable += entries_of(copy.deepcopy(model), batch, points, sizes)
            elif points.bank == "kept":
                added = entries_of(copy.deepcopy(model), forget, points, sizes)
                if points.previous_epoch:
                    coming += added
                    usable = bank
                else:
                    bank = [*bank, *added][-size:]
                    usable = bank if epoch > 0 else []
            probe = np.concatenate(d) if points.project_retain else new_a.copy()
            held_against_bank(usable, probe, new_d if points.project_retain else new_a, points, widths)
            loss = float(losses["retain"].detach())
            delta = abs(loss - original_loss) if points.deviation else loss
            weight = 1 / (1 + np.exp(gamma * (delta - epsilon))) if points.fixed is None else points.fixed
            step = weight * new_a + (1 - weight) * new_d
            optimizer.step(np.split(step, np.cumsum(sizes)[:-1]), rate)
        if points.previous_epoch:
            bank, coming = coming, []
    return model


def run(model, reading: str, task=None, **settings):
    task = task or make_task("gdr_gma", sets(), {})
    return make("gdr_gma", reading, SETTINGS | settings).unlearn(copy.deepcopy(model), task)


@functools.cache
def plain_run(reading: str):
    return run(conv_net(), reading)


def expected(model, points: Reading):
    return reference(model, make_task("gdr_gma", sets(), {}), points)


@pytest.mark.parametrize("network", NETWORKS)
@READINGS
def test_equals_the_slow_loop(network: str, reading: str, points: Reading) -> None:
    model = NETWORKS[network]()
    assert_same(run(model, reading), expected(model, points))


# switch → (field, its value where the switch is on, its value where it is off)
FIELDS: dict[str, tuple[str, str, str]] = {
    "whole_vector": ("granularity", "all", "tensor"),
    "from_original_pair": ("projection", "exact", "in_turn"),
    "previous_epoch": ("bank", "previous_epoch", "fifo"),
    "project_retain": ("bank_pair", "retain", "forget"),
    "drifts": ("bank_reads", "drifting", "stable"),
    "deviation": ("deviation", "absolute", "raw"),
}


@pytest.mark.parametrize("switch", FIELDS)
@READINGS
def test_every_point_of_difference_is_a_field(reading: str, points: Reading, switch: str) -> None:
    """The other value of one field gives the loop with that switch turned, which ends elsewhere."""
    field, on, off = FIELDS[switch]
    value = not getattr(points, switch)
    turned = replace(points, **{switch: value})
    model = conv_net()
    result = run(model, reading, **{field: on if value else off})
    assert_same(result, expected(model, turned))
    assert distance(result, expected(model, points)) > 1e-6


@pytest.mark.parametrize(("scope", "tensors"), [("last", 1), ("head", 2), ("all", None)])
@READINGS
def test_scope_of_the_bank(reading: str, points: Reading, scope: str, tensors: int | None) -> None:
    model = conv_net()
    assert [scope_length(model, s) for s in ("last", "head", "all")] == [1, 2, 8]
    result = run(model, reading, bank_scope=scope)
    assert_same(result, expected(model, replace(points, bank_tensors=tensors)))
    other = replace(points, bank_tensors=1 if tensors != 1 else 2)
    assert distance(result, expected(model, other)) > 1e-6


ABLATIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"rectify": False}, {"rectified": False}),
    ({"bank": "off"}, {"bank": "off"}),
    ({"bank": "recompute", "bank_reads": "stable"}, {"bank": "recomputed", "drifts": False}),
    (
        {"bank": "recompute", "bank_unit": "sample"},
        {"bank": "recomputed", "drifts": False, "per_sample": True},
    ),
    ({"bank_unit": "sample"}, {"per_sample": True}),
    ({"adapt": False, "fixed_weight": 0.9}, {"fixed": 0.9}),
    ({"forward_order": "forget_first"}, {"forget_first": True}),
]


@pytest.mark.parametrize(("settings", "switches"), ABLATIONS, ids=lambda v: "-".join(map(str, v.values())))
@READINGS
def test_ablations(reading: str, points: Reading, settings: dict, switches: dict) -> None:
    model = conv_net()
    result = run(model, reading, **settings)
    assert_same(result, expected(model, replace(points, **switches)))
    assert distance(result, plain_run(reading)) > 1e-7, "the control: the switch changes something"


@READINGS
def test_the_wrong_sign_of_the_paper_ends_elsewhere(reading: str, points: Reading) -> None:
    model = conv_net()
    assert distance(run(model, reading), expected(model, replace(points, negated=False))) > 1e-6


def test_neg_grad_of_table_1_is_gdr_gma_without_its_parts() -> None:
    plain = {"rectify": False, "bank": "off", "adapt": False, "fixed_weight": 0.3}
    model = conv_net()
    paper, code = (run(model, reading, **plain) for reading in ("paper", "code"))
    assert distance(paper, code) == 0
    other = {"forget_weight": 0.3, "retain_weight": 0.7}
    task = make_task("neg_grad", sets(), {})
    shared = {key: SETTINGS[key] for key in ("epochs", "learning_rate", "batch_size")}
    assert_same(paper, make("neg_grad", None, {**shared, **other}).unlearn(copy.deepcopy(model), task))
    assert distance(paper, run(model, "code", **{**plain, "fixed_weight": 0.4})) > 1e-4


def test_paper_reads_retain_once_more_than_code() -> None:
    drawn = {}
    for reading in ("paper", "code"):
        task = make_task("gdr_gma", sets(), {})
        run(two_layers(), reading, task)
        drawn[reading] = task.drawn()
    assert drawn["code"]["forget"] == drawn["paper"]["forget"] == 2 * FORGET
    assert drawn["paper"]["retain"] - drawn["code"]["retain"] == RETAIN


def test_without_the_bank_the_forget_set_is_read_in_every_step() -> None:
    task = make_task("gdr_gma", sets(), {})
    run(two_layers(), "code", task, bank="recompute")
    assert task.drawn()["forget"] == 2 * FORGET + 2 * 5 * FORGET


def test_the_ledger_is_there() -> None:
    method_card = card("gdr_gma")
    fields_that_differ = [key for key, entry in method_card.hyperparameters.items() if entry.follows_reading]
    assert set(fields_that_differ) == {*(field for field, _, _ in FIELDS.values()), "bank_scope"}
    # and two that no field turns: the sign, which both readings mend, and the unit, which memory forbids
    assert len(method_card.divergences) == len(fields_that_differ) + 2
    assert all(d.paper != d.code for d in method_card.divergences)
