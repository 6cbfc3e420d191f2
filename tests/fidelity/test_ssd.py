"""Selective synaptic dampening: ours equals the reference; the importances of a linear model are worked out."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from .closed_forms import ONE_HOT, WEIGHT, X, Y, probabilities
from .harness import assert_equal, run
from .networks import NETS, linear
from .references import ssd
from .references._samples import batches_of, joined

SETTINGS = {"selection": 1.2, "dampening": 0.9, "batch_size": 4}


def compare_in_order(kind: str) -> None:
    """Retain, then forget, in order; one batch holds the border of both."""
    ours = run("ssd", kind, SETTINGS)
    everything = joined([ours.whole("retain"), ours.whole("forget")])
    data = {"full": batches_of(everything, 4), "forget": batches_of(ours.whole("forget"), 4)}
    assert_equal(ours, ssd.reference(ours.original(), data, alpha=1.2, lambda_=0.9))


def compare_shuffled(kind: str) -> None:
    """Both sets mixed: each batch is taken from retain, then from forget."""
    ours = run("ssd", kind, {**SETTINGS, "shuffle": True})
    taken = ours.drawn[2:]
    assert [batch.set for batch in taken] == ["retain", "forget"] * 5
    parts = [(batch.x, batch.y) for batch in taken]
    full = [joined([parts[i], parts[i + 1]]) for i in range(0, len(parts), 2)]
    data = {"full": full, "forget": ours.batches("forget")[:2]}
    assert_equal(ours, ssd.reference(ours.original(), data, alpha=1.2, lambda_=0.9))


COMPARISONS = {"ssd": compare_in_order, "ssd: shuffled": compare_shuffled}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_linear_model_is_dampened_where_it_is_selected() -> None:
    """Importances are squares of batch means; only entries above α F_D are dampened."""
    model = linear(WEIGHT)
    full, forget = batches_of((X, Y), 4), batches_of((X, Y), 3)[:1]
    p = probabilities()

    def importance(parts: list[slice]) -> Tensor:
        return sum(((p - ONE_HOT)[s].T @ X[s] / len(X[s])) ** 2 for s in parts) / len(parts)

    f_full, f_forget = importance([slice(0, 4), slice(4, 7)]), importance([slice(0, 3)])
    ssd.reference(model, {"full": full, "forget": forget}, alpha=1.5, lambda_=0.8)
    dampened = (0.8 * f_full / f_forget).clamp(max=1)
    factor = torch.where(f_forget > 1.5 * f_full, dampened, torch.ones(3, 2).double())
    assert 0 < int((factor < 1).sum()) < factor.numel()
    torch.testing.assert_close(model.weight.detach(), WEIGHT * factor)
