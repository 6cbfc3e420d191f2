"""A membership-inference attack in the form of a measure: its number, its details, its ROC, each sample's score."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from reunlearn.attacks.registry import ShadowPools
from reunlearn.measures.registry import Measured, MeasureInputs, Table
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.roc_grid import RATES, true_positive_rates

SEED = 0  # of every attack's own draws


def as_measure(name: str) -> Callable[[MeasureInputs], Measured]:
    """Return the measure that runs the attack of this name."""
    attack = importlib.import_module(f"reunlearn.attacks.{name}")

    def run(inputs: MeasureInputs) -> Measured:
        if inputs.outputs is None:
            raise ValueError(f"attack '{name}' needs the model's outputs")
        shadows = None
        if attack.CARD.pools:
            reference = inputs.reference.logits["forget"] if inputs.reference else None
            shadows = ShadowPools(dict(inputs.pools), reference)
        broken = not_finite(inputs.outputs, shadows)
        if broken:
            return Measured({name: None}, tables=tables_of(name, [], []), **broken)
        result = attack.run(inputs.outputs, shadows, SEED)
        numbers = {f"{name}.{k}": v for k, v in result.details.items() if isinstance(v, (int, float))}
        tables = tables_of(name, result.member_scores, result.other_scores)
        return Measured({**numbers, name: result.value}, tables=tables)

    return run


def tables_of(attack: str, member_scores: ArrayLike, other_scores: ArrayLike) -> dict[str, Table]:
    """Return `scores`, of the samples in the attack's final comparison, and `roc`, its curve at fixed rates."""
    members, others = np.asarray(member_scores, dtype=float), np.asarray(other_scores, dtype=float)
    count = len(members) + len(others)
    scores = {
        "attack": np.full(count, attack),
        "member": np.repeat([True, False], [len(members), len(others)]),
        "score": np.concatenate([members, others]).astype(np.float32),
    }
    rates = true_positive_rates(members, others)
    roc = {
        "attack": np.full(len(rates), attack),
        "false_positive_rate": RATES[: len(rates)],
        "true_positive_rate": rates,
    }
    return {"scores": scores, "roc": roc}


def not_finite(outputs: Outputs, shadows: ShadowPools | None) -> dict[str, Any]:
    """Return status and facts where outputs are not finite; nothing if all are finite.

    Nothing can then be said of membership. The run itself has diverged only where its own outputs are not finite.
    """
    if not outputs.finite:
        return {"status": "diverged", "facts": {"not_finite": "the model"}}
    if shadows is None:
        return {}
    others = {} if shadows.reference is None else {"the reference": shadows.reference}
    others |= {f"the pool {kind}": pool.logits for kind, pool in shadows.pools.items()}
    for name, logits in others.items():
        if not np.isfinite(logits).all():
            return {"facts": {"not_finite": name}}
    return {}
