"""One call of every reference on the small networks."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .reference_batches import batch, indexed, network, pairs, relabelled, scrub_steps, singles, unsir_steps
from .references import (
    amnesiac_relabel,
    bad_teacher,
    cf_k,
    eu_k,
    finetune,
    gdr_gma,
    gradient_ascent,
    l1_sparse,
    lur,
    nabla_tau,
    neg_grad,
    neg_grad_plus,
    random_labels,
    salun,
    scrub,
    sfr_on,
    unsir,
)

SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-4}
COMMON: dict[str, Any] = {"optimizer": SGD, "learning_rates": 0.05}


def run_amnesiac(model: nn.Module, kind: str) -> nn.Module:
    """Amnesiac relabelling under Adam."""
    epochs, wrong = indexed(kind)
    settings: dict[str, Any] = {"optimizer": {"name": "adam"}, "learning_rates": 1e-3}
    return amnesiac_relabel.reference(model, epochs, wrong_labels=wrong, **settings)


def run_eu_k(model: nn.Module, kind: str) -> nn.Module:
    """The last layer from another network's weights."""
    last = str(len(list(model.children())) - 1)
    other = network(kind, seed=9).state_dict()
    fresh = {name: tensor for name, tensor in other.items() if name.startswith(f"{last}.")}
    return eu_k.reference(model, singles(kind, 200), k=1, fresh_state=fresh, clip_norm=10.0, **COMMON)


def run_unsir(model: nn.Module, kind: str) -> nn.Module:
    """Three rows of noise for class 1."""
    noise, labels = batch(kind, 500, 3)[0], torch.tensor([1, 1, 1])
    settings: dict[str, Any] = {
        "noise": noise,
        "noise_labels": labels,
        "noise_mode": "eval",
        "noise_steps": 3,
    }
    return unsir.reference(model, unsir_steps(kind), **settings, **COMMON)


def run_bad_teacher(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs, every other sample to be forgotten."""
    steps = [[(x, torch.arange(len(x)) % 2 == 0) for x, _ in e] for e in singles(kind, 300)]
    return bad_teacher.reference(model, steps, bad_teacher=network(kind, 5), reduction="mean", **COMMON)


LUR: dict[str, Any] = {"alpha": 0.1, "forget_loss": "random_label", "outer_moves_buffers": True}
SFR: dict[str, Any] = {"every": 2, "ascent": 3.0, "loss_power": 0.5, "optimizer": SGD, "learning_rate": 0.05}
TAU: dict[str, Any] = {"alpha": 0.4, "optimizer": {"name": "adamw"}, "learning_rate": 1e-3}
SALUN: dict[str, Any] = {"fraction": 0.5, "wrong_only": True}
SCRUB: dict[str, Any] = {"msteps": 2, "gamma": 0.99, "alpha": 0.1, "temperature": 2.0}
ADAMW: dict[str, Any] = {"optimizer": {"name": "adamw"}, "learning_rates": 1e-3, "bank_entry": "raw"}
PAPER: dict[str, Any] = {"initial_mode": "eval", "epsilon": 0.5, **COMMON}

CALLS: dict[str, Callable[[nn.Module, str], nn.Module]] = {
    "finetune": lambda m, k: finetune.reference(m, singles(k, 200), **COMMON),
    "gradient_ascent": lambda m, k: gradient_ascent.reference(m, singles(k, 100), clip_norm=0.1, **COMMON),
    "neg_grad": lambda m, k: neg_grad.reference(m, pairs(k), **COMMON),
    "neg_grad_plus": lambda m, k: neg_grad_plus.reference(m, pairs(k), alpha=0.95, **COMMON),
    "random_labels": lambda m, k: random_labels.reference(m, relabelled(k), wrong_only=True, **COMMON),
    "l1_sparse": lambda m, k: l1_sparse.reference(m, singles(k, 200), alpha=1e-3, **COMMON),
    "salun_exact": lambda m, k: salun.reference(
        m, relabelled(k), mask_batches=singles(k, 100)[0], hold="exact", **SALUN, **COMMON
    ),
    "salun_drift": lambda m, k: salun.reference(
        m, relabelled(k), mask_batches=singles(k, 100)[0], hold="gradient_only", **SALUN, **COMMON
    ),
    "scrub": lambda m, k: scrub.reference(
        m, scrub_steps(k), kl_direction="teacher_student", **SCRUB, **COMMON
    ),
    "scrub_rewind": lambda m, k: scrub.reference(
        m,
        scrub_steps(k),
        kl_direction="student_teacher",
        rewind=(*batch(k, 1), *batch(k, 2)),
        **SCRUB,
        **COMMON,
    ),
    "bad_teacher": run_bad_teacher,
    "amnesiac_relabel": run_amnesiac,
    "cf_k": lambda m, k: cf_k.reference(m, singles(k, 200), k=1, **COMMON),
    "eu_k": run_eu_k,
    "unsir": run_unsir,
    "gdr_gma_paper": lambda m, k: gdr_gma.reference_paper(
        m, pairs(k), initial_batches=singles(k, 200)[0], **PAPER
    ),
    "gdr_gma_code": lambda m, k: gdr_gma.reference_code(m, pairs(k), epsilon=1.1, **ADAMW),
    "sfr_on": lambda m, k: sfr_on.reference(
        m, pairs(k), mask_forget=singles(k, 100)[0], mask_retain=singles(k, 200)[0], slow_step=0.5, **SFR
    ),
    "nabla_tau": lambda m, k: nabla_tau.reference(
        m, pairs(k), validation=[batch(k, 9)], recompute_every=2, decays_end="after_last_step", **TAU
    ),
    "lur_exact": lambda m, k: lur.reference_exact(m, pairs(k), **LUR, **COMMON),
    "lur_first_order": lambda m, k: lur.reference_first_order(m, pairs(k), **LUR, **COMMON),
}


def run(name: str, kind: str) -> tuple[nn.Module, nn.Module]:
    """The network as it was and as the reference left it."""
    before = network(kind)
    return before, CALLS[name](copy.deepcopy(before), kind)
