"""On models that never saw forget, the false-positive rates are what they claim, within binomial error.

Forget, validation and test come from one law, so forget samples are fresh non-members: what an attack calls member at
a false-positive rate, set by its own non-members, it calls so at that rate. The control is the same on models that
saw it.
"""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.attacks.registry import get
from reunlearn.study.catalogue import plugin_names
from tests.attacks.synthetic import leaky

WORLDS = 6
SIZES = {"forget": 500, "retain": 300, "validation": 1000, "test": 500}
RATES = {"tpr_at_fpr_1": 0.01, "tpr_at_fpr_0_1": 0.001}
TIED = ("svc_correctness", "rmia")  # scores with ties at the top: a rate may not be reached, never passed
GAP = 4.0


@pytest.fixture(scope="module")
def worlds() -> dict[bool, list]:
    """Evaluated models with pools, that did and did not see forget."""
    return {
        seen: [leaky(seed, GAP, seen, SIZES, models=6) for seed in range(WORLDS)] for seen in (False, True)
    }


def readings(name: str, worlds: list) -> dict[str, tuple[float, int]]:
    """Return each reading's mean over worlds, and the number of non-members that set the threshold."""
    module = get(name)
    results = [module.run(outputs, shadows, 0) for outputs, shadows in worlds]
    return {
        key: (float(np.mean([r.details[key] for r in results])), len(results[0].other_scores))
        for key in (*RATES, "auc", "balanced_accuracy")
    }


@pytest.mark.parametrize("name", plugin_names("attacks"))
def test_rates_are_what_they_claim(name: str, worlds: dict[bool, list]) -> None:
    unseen, seen = (readings(name, worlds[s]) for s in (False, True))
    for key, rate in RATES.items():
        found, others = unseen[key]
        # at most ⌊rate · others⌋ false positives: the next fresh sample passes with (that + 1) / (others + 1) at most
        claimed = (np.floor(rate * others) + 1) / (others + 1)
        error = np.sqrt(claimed * (1 - claimed) / WORLDS * (1 / SIZES["forget"] + 1 / others))
        assert found < claimed + 4 * error
        if name not in TIED:
            assert found > claimed - 4 * error
    error = np.sqrt((1 / SIZES["forget"] + 1 / others) / 12 / WORLDS)
    assert unseen["auc"][0] == pytest.approx(0.5, abs=4 * error)
    assert unseen["balanced_accuracy"][0] == pytest.approx(0.5, abs=4 * error * 3**0.5)
    # control: the same bounds fail on models that saw forget
    assert seen["auc"][0] > 0.5 + 8 * error
    if name != "svc_correctness":
        assert seen["tpr_at_fpr_1"][0] > 0.02
