"""Which attack is which paper's column, and what Retrain must have there by construction.

"MIA" is printed by five papers and means five numbers. Two have an ideal that follows from the definition (∇τ: an
accuracy of 50, so |accuracy − 50| = 0; PGU: an AUC of 0.5); the other two definitions have none: Retrain's own value
is the aim, and it is not 50. Retrain is here a model that never saw forget, with Gaussian margins.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks import (
    confidence_svc,
    entropy_logistic,
    entropy_logistic_augmented,
    entropy_logistic_cv,
    loss_logistic_cv,
    shadow_xgboost,
)
from reunlearn.metrics.outputs import Outputs
from reunlearn.study.catalogue import catalogue
from reunlearn.study.paper_columns import with_columns
from tests.attacks.synthetic import leaky

COLUMNS = {
    ("GDR-GMA", "MIA"): entropy_logistic_augmented,
    ("SFR-on", "MIA"): entropy_logistic,
    ("LUR", "MIA"): confidence_svc,
    ("nabla-tau", "|MIA_L-50|"): loss_logistic_cv,
    ("nabla-tau", "|MIA_E-50|"): entropy_logistic_cv,
    ("PGU", "MIA_AUC"): shadow_xgboost,
}
NAMED = [f"{paper}, {column}" for paper, column in COLUMNS]
SIZES = {"forget": 1500, "retain": 1500, "validation": 100, "test": 1500}


def retrain(gap: float, seed: int = 0) -> Outputs:
    """Return a model that never saw forget; the gap is how much surer it is of what it saw."""
    return leaky(seed, gap, seen=False, sizes=SIZES, models=2)[0]


@pytest.mark.parametrize(("paper", "column"), COLUMNS, ids=NAMED)
def test_each_column_belongs_to_exactly_one_attack(paper: str, column: str) -> None:
    attacks = with_columns(catalogue()).attacks
    claimed = [name for name, card in attacks.items() if f"{paper} '{column}'" in card.column_of]
    assert claimed == [COLUMNS[paper, column].CARD.name]


@pytest.mark.parametrize("attack", [loss_logistic_cv, entropy_logistic_cv])
def test_retrain_has_accuracy_50_in_nabla_tau(attack) -> None:
    """Five splits of a tenth of 3,000 each: one accuracy is off by up to 3 points, its mean over models by less."""
    assert attack.CARD.ideal.startswith("0:")
    found = [attack.run(retrain(gap=3.0, seed=seed), None, seed) for seed in range(6)]
    assert np.mean([r.details["accuracy"] for r in found]) == pytest.approx(50, abs=1.5)
    assert all(r.value == pytest.approx(abs(r.details["accuracy"] - 50)) for r in found)
    assert np.mean([r.value for r in found]) < 2.5
    # control: a model that did see forget
    assert attack.run(leaky(0, 3.0, sizes=SIZES, models=2)[0], None, 0).value > 5


def test_retrain_has_an_area_of_one_half_in_pgu() -> None:
    """Exactly one half against itself; about one half against Retrain with another seed."""
    assert shadow_xgboost.CARD.ideal.startswith("0.5:")
    sizes = {**SIZES, "forget": 400}
    outputs, shadows = leaky(0, 3.0, seen=False, sizes=sizes, models=6)
    itself = replace(shadows, reference=outputs.logits["forget"])
    assert shadow_xgboost.run(outputs, itself, 0).value == 0.5
    assert shadow_xgboost.run(outputs, shadows, 0).value == pytest.approx(0.5, abs=4 * (2 / 400 / 12) ** 0.5)
    assert shadow_xgboost.run(*leaky(0, 3.0, sizes=sizes, models=6), 0).value > 0.65  # control: it saw forget


@pytest.mark.parametrize("attack", [entropy_logistic, entropy_logistic_augmented, confidence_svc])
def test_retrain_has_no_fixed_value_in_the_others(attack) -> None:
    """Neither 50 nor any constant: it is what fresh samples get, and goes with how sure the model is of retain."""
    assert attack.CARD.ideal.startswith("Retrain's value")
    found = {}
    for gap in (0.5, 4.0):
        outputs = retrain(gap)
        found[gap] = attack.run(outputs, None, 0).value
        # test samples in forget's place get the same: both are fresh
        fresh, labels = retrain(gap, seed=1), retrain(gap).labels
        test = {**outputs.logits, "forget": fresh.logits["forget"]}
        swapped = replace(outputs, logits=test, labels={**labels, "forget": fresh.labels["forget"]})
        assert attack.run(swapped, None, 0).value == pytest.approx(found[gap], abs=6)
    assert abs(found[4.0] - 50) > 10
    assert abs(found[4.0] - found[0.5]) > 10


def test_the_two_without_a_fixed_value_point_in_opposite_directions() -> None:
    """GDR-GMA and SFR-on count members, LUR non-members: a model that saw forget moves them apart."""
    seen, unseen = leaky(0, 4.0, sizes=SIZES, models=2)[0], retrain(4.0)
    assert entropy_logistic.run(seen, None, 0).value > entropy_logistic.run(unseen, None, 0).value + 10
    assert confidence_svc.run(seen, None, 0).value < confidence_svc.run(unseen, None, 0).value - 10
    assert entropy_logistic.CARD.direction.startswith("higher is more leakage")
    assert confidence_svc.CARD.direction.startswith("higher is less leakage")
