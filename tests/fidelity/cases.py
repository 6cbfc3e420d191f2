"""One call of every reference on the small networks: `CASES[name](model, kind)` returns the model that it leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .batches import (
    FORGET,
    RETAIN,
    draws,
    indexed,
    normal,
    pairs,
    pgu_data,
    relabelled,
    samples,
    scrub_epochs,
    sets,
    singles,
    unsir_epochs,
)
from .networks import CLASSES, fresh_network
from .references import (
    amnesiac,
    amnesiac_relabel,
    bad_teacher,
    boundary_expanding,
    boundary_shrink,
    cf_k,
    erm_ktp,
    eu_k,
    finetune,
    fisher,
    gdr_gma,
    gradient_ascent,
    influence,
    l1_sparse,
    lur,
    nabla_tau,
    neg_grad,
    neg_grad_plus,
    ntk,
    pgu,
    random_labels,
    salun,
    scissorhands,
    scrub,
    sfr_on,
    ssd,
    unrolling_sgd,
    unsir,
    warnecke_first_order,
    warnecke_second_order,
)
from .references._core_gradient_space import full_space
from .references._samples import batches_of

SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 5e-4}
COMMON: dict[str, Any] = {"optimizer": SGD, "learning_rates": 0.05}

Case = Callable[[nn.Module, str], nn.Module]


def run_amnesiac(model: nn.Module, kind: str) -> nn.Module:
    """Take back the last batches of a training, repair under Adam."""
    retain, forget = sets(kind)
    batches = batches_of(retain, 4) + batches_of(forget, 4)
    updates = amnesiac.record(model, batches, optimizer={"name": "sgd", "momentum": 0.9}, learning_rate=0.1)
    indices = [list(range(4 * i, 4 * i + len(y))) for i, (_, y) in enumerate(batches)]
    data = {"updates": updates, "samples": indices, "repair": batches_of(retain, 4)}
    going = range(RETAIN, RETAIN + FORGET)
    return amnesiac.reference(
        model, data, forget_indices=going, optimizer={"name": "adam"}, learning_rate=1e-3
    )


def run_amnesiac_relabel(model: nn.Module, kind: str) -> nn.Module:
    """Relabel under Adam."""
    epochs, wrong = indexed(kind)
    adam: dict[str, Any] = {"optimizer": {"name": "adam"}, "learning_rates": 1e-3}
    return amnesiac_relabel.reference(model, epochs, wrong_labels=wrong, **adam)


def run_bad_teacher(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs, every other sample to be forgotten."""
    steps = [[(x, torch.arange(len(x)) % 2 == 0) for x, _ in e] for e in singles(kind, 300)]
    return bad_teacher.reference(model, steps, bad_teacher=fresh_network(kind, 5), reduction="mean", **COMMON)


def run_boundary_expanding(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs on forget."""
    data = {"forget": batches_of(sets(kind)[1], 4) * 2}
    step: dict[str, Any] = {"optimizer": SGD, "learning_rate": 0.01}
    return boundary_expanding.reference(model, data, last="head", new_row=normal(4), **step)


def run_boundary_shrink(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs on forget."""
    channels = samples(kind, 1, 0)[0].shape[1]
    data = {"forget": batches_of(sets(kind)[1], 4) * 2}
    pixels: dict[str, Any] = {"mean": [0.5] * channels, "std": [0.2] * channels}
    return boundary_shrink.reference(model, data, optimizer=SGD, learning_rate=0.01, **pixels)


def run_erm_ktp_training(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs, the first of them masked."""
    mask = torch.full((4, CLASSES), 0.5, dtype=torch.float64)
    data = {"full": [batches_of(sets(kind)[0], 4)] * 2}
    return erm_ktp.reference_training(model, data, mask=mask, optimizer=SGD, learning_rate=0.1)


def run_erm_ktp(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs; three of four channels are kept."""
    mask = torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0.5, 1]], dtype=torch.float64)
    data = {"retain": [batches_of(sets(kind)[0], 4)] * 2}
    fresh = fresh_network(kind, 5)
    return erm_ktp.reference(
        model, data, fresh=fresh, mask=mask, forgotten=[0], optimizer=SGD, learning_rate=0.1
    )


def run_eu_k(model: nn.Module, kind: str) -> nn.Module:
    """The last layer from another network's weights."""
    other = fresh_network(kind, 9).state_dict()
    fresh = {name: tensor for name, tensor in other.items() if name.startswith("head.")}
    return eu_k.reference(model, singles(kind, 200), k=1, fresh_state=fresh, clip_norm=10.0, **COMMON)


def run_fisher(model: nn.Module, kind: str) -> nn.Module:
    """All labels, sample by sample."""
    rules: dict[str, Any] = {"alpha": 1e-6, "number_of_classes": CLASSES}
    return fisher.reference(model, {"retain": sets(kind)[0]}, noise=draws(model), **rules)


def run_fisher_empirical(model: nn.Module, kind: str) -> nn.Module:
    """The true labels alone."""
    return fisher.reference_empirical(model, {"retain": sets(kind)[0]}, noise=draws(model), alpha=1e-6)


def run_influence(model: nn.Module, kind: str) -> nn.Module:
    """The released recursion."""
    retain, forget = sets(kind)
    return influence.reference(model, {"retain": retain, "forget": forget}, alpha=5.0)


def run_ntk(model: nn.Module, kind: str) -> nn.Module:
    """With the trapezium trick."""
    retain, forget = sets(kind)
    start = {n: 0.1 * d for n, d in draws(model).items()}
    return ntk.reference(model, {"retain": retain, "forget": forget}, lambda_=0.1, initial=start)


def run_pgu_class(model: nn.Module, kind: str) -> nn.Module:
    """Class removal that never reaches chance."""
    chance: dict[str, Any] = {"mode": "class", "random_accuracy": 0.0}
    return pgu.reference(model, pgu_data(kind), gamma={"": 0.7}, extra=1, **chance)


def run_pgu_incremental(model: nn.Module, kind: str) -> nn.Module:
    """Two removals."""
    data, forget = pgu_data(kind), batches_of(sets(kind)[1], 3)
    requests = [data | {"space_forget": [b], "forget": [[b]]} for b in forget]
    space = full_space(model, data["full"])
    return pgu.reference_incremental(model, requests, gamma=0.7, space=space, mode="none")


def run_pgu_depoisoning(model: nn.Module, kind: str) -> nn.Module:
    """A trust region of one direction."""
    limits: dict[str, Any] = {"trust_size": 1, "guard_drop": 1.0}
    return pgu.reference_depoisoning(model, pgu_data(kind), last="head", gamma=0.9, **limits)


def run_scissorhands(model: nn.Module, kind: str) -> nn.Module:
    """Two epochs with two memories, in the last layer."""
    retain, forget = (batches_of(s, 4) for s in sets(kind))
    data = {
        "snip": forget[:1],
        "memory": [forget[:1], forget[1:]],
        "retain": [retain, retain],
        "forget": [forget[:2], forget[:2]],
    }
    head = ["head.weight", "head.bias"]
    parts: dict[str, Any] = {"fresh": draws(model), "reinitialised": head, "projected": head}
    step: dict[str, Any] = {"optimizer": SGD, "learning_rate": 0.05}
    return scissorhands.reference(model, data, sparsity=0.7, lambda_=0.05, **parts, **step)


def run_ssd(model: nn.Module, kind: str) -> nn.Module:
    """Batches of four."""
    retain, forget = sets(kind)
    data = {"full": batches_of(retain, 4) + batches_of(forget, 4), "forget": batches_of(forget, 4)}
    return ssd.reference(model, data, alpha=1.0)


def run_unsir(model: nn.Module, kind: str) -> nn.Module:
    """Three rows of noise for class 1."""
    noise: dict[str, Any] = {"noise": samples(kind, 3, 500)[0], "noise_labels": torch.tensor([1, 1, 1])}
    return unsir.reference(model, unsir_epochs(kind), noise_mode="eval", noise_steps=3, **noise, **COMMON)


def run_warnecke_second_order(model: nn.Module, kind: str) -> nn.Module:
    """Two Hessian batches, which end by patience."""
    retain, _ = sets(kind)
    data = {"training": retain, "hessian": batches_of(retain, 6)}
    lissa: dict[str, Any] = {"scale": 1e3, "damping": 1e-2, "iterations": 50}
    return warnecke_second_order.reference(model, data, tensors=4, **lissa)


ADAMW: dict[str, Any] = {"optimizer": {"name": "adamw"}, "learning_rates": 1e-3}
LUR: dict[str, Any] = {"alpha": 0.1, "forget_loss": "random_label", "outer_moves_buffers": True, **COMMON}
SALUN: dict[str, Any] = {"fraction": 0.5, "wrong_only": True, **COMMON}
SCRUB: dict[str, Any] = {"msteps": 2, "gamma": 0.99, "alpha": 0.1, "temperature": 2.0, **COMMON}
SFR: dict[str, Any] = {"every": 2, "ascent": 3.0, "loss_power": 0.5, "optimizer": SGD, "learning_rate": 0.05}
TAU: dict[str, Any] = {"alpha": 0.4, "optimizer": {"name": "adamw"}, "learning_rate": 1e-3}

CASES: dict[str, Case] = {
    "amnesiac": run_amnesiac,
    "amnesiac_relabel": run_amnesiac_relabel,
    "bad_teacher": run_bad_teacher,
    "boundary_expanding": run_boundary_expanding,
    "boundary_shrink": run_boundary_shrink,
    "cf_k": lambda m, k: cf_k.reference(m, singles(k, 200), k=1, **COMMON),
    "erm_ktp": run_erm_ktp,
    "erm_ktp: training": run_erm_ktp_training,
    "eu_k": run_eu_k,
    "finetune": lambda m, k: finetune.reference(m, singles(k, 200), **COMMON),
    "fisher": run_fisher,
    "fisher: empirical": run_fisher_empirical,
    "gdr_gma@paper": lambda m, k: gdr_gma.reference_paper(
        m, pairs(k), initial_batches=singles(k, 200)[0], initial_mode="eval", epsilon=0.5, **COMMON
    ),
    "gdr_gma@code": lambda m, k: gdr_gma.reference_code(m, pairs(k), epsilon=1.1, **ADAMW),
    "gradient_ascent": lambda m, k: gradient_ascent.reference(m, singles(k, 100), clip_norm=0.1, **COMMON),
    "influence": run_influence,
    "l1_sparse": lambda m, k: l1_sparse.reference(m, singles(k, 200), alpha=1e-3, **COMMON),
    "lur: exact": lambda m, k: lur.reference(m, pairs(k), exact=True, **LUR),
    "lur: first order": lambda m, k: lur.reference(m, pairs(k), exact=False, **LUR),
    "nabla_tau": lambda m, k: nabla_tau.reference(
        m, pairs(k), validation=[samples(k, 5, 9)], recompute_every=2, decays_end="after_last_step", **TAU
    ),
    "neg_grad": lambda m, k: neg_grad.reference(m, pairs(k), **COMMON),
    "neg_grad_plus": lambda m, k: neg_grad_plus.reference(m, pairs(k), alpha=0.95, **COMMON),
    "ntk": run_ntk,
    "pgu": lambda m, k: pgu.reference(m, pgu_data(k), gamma=0.7, mode="none"),
    "pgu: class": run_pgu_class,
    "pgu: depoisoning": run_pgu_depoisoning,
    "pgu: incremental": run_pgu_incremental,
    "random_labels": lambda m, k: random_labels.reference(m, relabelled(k), wrong_only=True, **COMMON),
    "salun: exact": lambda m, k: salun.reference(
        m, relabelled(k), mask_batches=singles(k, 100)[0], hold="exact", **SALUN
    ),
    "salun: gradient only": lambda m, k: salun.reference(
        m, relabelled(k), mask_batches=singles(k, 100)[0], hold="gradient_only", **SALUN
    ),
    "scissorhands": run_scissorhands,
    "scrub": lambda m, k: scrub.reference(m, scrub_epochs(k), kl_direction="teacher_student", **SCRUB),
    "scrub: rewind": lambda m, k: scrub.reference(
        m,
        scrub_epochs(k),
        kl_direction="student_teacher",
        rewind=(*samples(k, 5, 1), *samples(k, 5, 2)),
        **SCRUB,
    ),
    "sfr_on": lambda m, k: sfr_on.reference(
        m,
        [step for steps in pairs(k) for step in steps],
        mask_forget=singles(k, 100)[0],
        mask_retain=singles(k, 200)[0],
        slow_step=0.5,
        **SFR,
    ),
    "ssd": run_ssd,
    "unrolling_sgd": lambda m, k: unrolling_sgd.reference(
        m, {"forget": batches_of(sets(k)[1], 4)}, epochs=3, learning_rate=0.01
    ),
    "unsir": run_unsir,
    "warnecke_first_order": lambda m, k: warnecke_first_order.reference(
        m, {"training": sets(k)[0]}, tau=1e-2, order=[7, 3, 5, 0, 1]
    ),
    "warnecke_second_order": run_warnecke_second_order,
}
