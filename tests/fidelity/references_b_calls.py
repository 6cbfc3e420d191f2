"""One call of every reference of the second group, with small settings: ``METHODS[name](model, kind)``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from .references import (
    amnesiac,
    boundary_expanding,
    boundary_shrink,
    erm_ktp,
    fisher,
    influence,
    ntk,
    pgu,
    pgu_depoisoning,
    scissorhands,
    ssd,
    unrolling_sgd,
    warnecke_first_order,
    warnecke_second_order,
)
from .references.pgu_space import full_space
from .references.plain_parts import batches_of
from .references_b_nets import CLASSES, built, normal, samples

RETAIN, FORGET = 12, 6
METHODS: dict[str, Callable] = {}


def _method(function: Callable) -> Callable:
    """Enter a function (model, kind) -> model under its name."""
    METHODS[function.__name__[1:]] = function
    return function


def _sets(kind: str) -> tuple:
    return samples(kind, RETAIN, 1), samples(kind, FORGET, 2)


def _draws(model: nn.Module) -> dict:
    return {n: normal(*p.shape, seed=i) for i, (n, p) in enumerate(model.named_parameters())}


@_method
def _fisher(model: nn.Module, kind: str) -> nn.Module:
    retain, _ = _sets(kind)
    return fisher.reference(
        model, {"retain": retain}, noise=_draws(model), alpha=1e-6, number_of_classes=CLASSES
    )


@_method
def _fisher_empirical(model: nn.Module, kind: str) -> nn.Module:
    return fisher.reference_empirical(model, {"retain": _sets(kind)[0]}, noise=_draws(model), alpha=1e-6)


@_method
def _ssd(model: nn.Module, kind: str) -> nn.Module:
    retain, forget = _sets(kind)
    data = {"full": batches_of(retain, 4) + batches_of(forget, 4), "forget": batches_of(forget, 4)}
    return ssd.reference(model, data, alpha=1.0)


@_method
def _influence(model: nn.Module, kind: str) -> nn.Module:
    retain, forget = _sets(kind)
    return influence.reference(model, {"retain": retain, "forget": forget}, alpha=5.0)


@_method
def _ntk(model: nn.Module, kind: str) -> nn.Module:
    retain, forget = _sets(kind)
    start = {n: 0.1 * d for n, d in _draws(model).items()}
    return ntk.reference(model, {"retain": retain, "forget": forget}, lambda_=0.1, initial=start)


@_method
def _scissorhands(model: nn.Module, kind: str) -> nn.Module:
    retain, forget = (batches_of(s, 4) for s in _sets(kind))
    data = {
        "snip": forget[:1],
        "memory": [forget[:1], forget[1:]],
        "retain": [retain, retain],
        "forget": [forget[:2], forget[:2]],
    }
    return scissorhands.reference(
        model,
        data,
        sparsity=0.7,
        lambda_=0.05,
        fresh=_draws(model),
        reinitialised=["head.weight", "head.bias"],
        projected=["head.weight", "head.bias"],
        learning_rate=0.05,
    )


@_method
def _unrolling(model: nn.Module, kind: str) -> nn.Module:
    data = {"forget": batches_of(_sets(kind)[1], 4)}
    return unrolling_sgd.reference(model, data, epochs=3, learning_rate=0.01)


@_method
def _amnesiac(model: nn.Module, kind: str) -> nn.Module:
    retain, forget = _sets(kind)
    batches = batches_of(retain, 4) + batches_of(forget, 4)
    updates = amnesiac.record(model, batches, learning_rate=0.1, momentum=0.9)
    indices = [list(range(4 * i, 4 * i + len(y))) for i, (_, y) in enumerate(batches)]
    data = {"updates": updates, "samples": indices, "repair": batches_of(retain, 4)}
    return amnesiac.reference(model, data, forget_indices=range(RETAIN, RETAIN + FORGET))


@_method
def _warnecke_first(model: nn.Module, kind: str) -> nn.Module:
    return warnecke_first_order.reference(
        model, {"training": _sets(kind)[0]}, tau=1e-2, order=[7, 3, 5, 0, 1]
    )


@_method
def _warnecke_second(model: nn.Module, kind: str) -> nn.Module:
    retain, _ = _sets(kind)
    data = {"training": retain, "hessian": batches_of(retain, 6)}
    return warnecke_second_order.reference(model, data, scale=1e3, damping=1e-2, iterations=50, tensors=4)


@_method
def _shrink(model: nn.Module, kind: str) -> nn.Module:
    channels = samples(kind, 1, 0)[0].shape[1]
    data = {"forget": batches_of(_sets(kind)[1], 4) * 2}
    return boundary_shrink.reference(
        model, data, learning_rate=0.01, mean=[0.5] * channels, std=[0.2] * channels
    )


@_method
def _expanding(model: nn.Module, kind: str) -> nn.Module:
    data = {"forget": batches_of(_sets(kind)[1], 4) * 2}
    return boundary_expanding.reference(model, data, last="head", new_row=normal(4), learning_rate=0.01)


@_method
def _erm_training(model: nn.Module, kind: str) -> nn.Module:
    mask = torch.full((4, CLASSES), 0.5, dtype=torch.float64)
    return erm_ktp.reference_training(model, {"full": [batches_of(_sets(kind)[0], 4)] * 2}, mask=mask)


@_method
def _erm(model: nn.Module, kind: str) -> nn.Module:
    mask = torch.tensor([[0.0, 1, 1], [1, 0, 0], [0, 1, 0], [0, 0.5, 1]], dtype=torch.float64)
    data = {"retain": [batches_of(_sets(kind)[0], 4)] * 2}
    return erm_ktp.reference(model, data, fresh=built(kind, 5), mask=mask, forgotten=[0])


def _pgu_data(kind: str) -> dict:
    retain, forget = _sets(kind)
    return {
        "full": batches_of(retain, 4) + batches_of(forget, 4),
        "space_forget": batches_of(forget, 4),
        "forget": [batches_of(forget, 4)] * 3,
        "validation": retain,
        "retain_evaluation": retain,
        "forget_evaluation": (forget[0], forget[1]),
    }


@_method
def _pgu(model: nn.Module, kind: str) -> nn.Module:
    return pgu.reference(model, _pgu_data(kind), gamma=0.7, mode="none")


@_method
def _pgu_class(model: nn.Module, kind: str) -> nn.Module:
    data = _pgu_data(kind)
    return pgu.reference(model, data, gamma={"": 0.7}, extra=1, mode="class", random_accuracy=0.0)


@_method
def _pgu_incremental(model: nn.Module, kind: str) -> nn.Module:
    data, forget = _pgu_data(kind), batches_of(_sets(kind)[1], 3)
    requests = [data | {"space_forget": [b], "forget": [[b]]} for b in forget]
    space = full_space(model, data["full"])
    return pgu.reference_incremental(model, requests, gamma=0.7, space=space, mode="none")


@_method
def _depoisoning(model: nn.Module, kind: str) -> nn.Module:
    data = {"clean": _pgu_data(kind)["full"], "forget": _pgu_data(kind)["forget"], "guard": _sets(kind)[0]}
    return pgu_depoisoning.reference(model, data, last="head", gamma=0.9, trust_size=1, guard_drop=1.0)
