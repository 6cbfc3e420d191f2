"""SWAP test: can anybody tell forget from never seen, if forget and never seen also change places?

World s has the forget set F and as many held-out samples H; world s′ has the same retain set, F′ = H and H′ = F. In
each world models learn retain and its forget set, and then forget. An adversary is given a model and samples and says
for each 'forgotten' or 'never seen'. Its advantage is

    Adv = ½ |P(F, m_s) + P(H, m_s′) − P(H, m_s) − P(F, m_s′)|        P(X, m): share of X that it calls forgotten

Retrain gives 0 for every adversary: both worlds have the same retain set, so the same model, and the terms cancel. So
what F and H differ in by themselves does not count, as it does in other attacks. The paper's quality is 1 − Adv.

Ours: the adversaries are all thresholds of the margin ln p_y / (1 − p_y), the same threshold for all models, and the
number is the advantage of the best of them (a Kolmogorov–Smirnov distance); the paper takes the best of a few attacks.
Models are pairs of equal seed of the pools `unlearned` and `swapped`; of Retrain both pools are the same models. A best
threshold is found on the samples that it is judged by: a method that forgets perfectly, but with other random numbers
than Retrain's, is a little above 0, the more so the fewer samples and pairs there are.
"""

from __future__ import annotations

import numpy as np

from reunlearn.data.swapping import partners
from reunlearn.measures.registry import Measured, MeasureInputs
from reunlearn.metrics.margins import margins
from reunlearn.study.cards import NumberCard

CARD: dict[str, object] = {
    "title": "SWAP test",
    "compares": "forget with as many held-out samples, as models see them that forgot; and the same where the two "
    "changed places",
    "unit": "0 to 1",
    "direction": "lower is better forgotten",
    "ideal": "0: Retrain has it by construction",
    "source": "Tu, Hu and Ma, 'Towards Reliable Empirical Machine Unlearning Evaluation: A Cryptographic Game "
    "Perspective'",
    "reads": ("outputs",),
    "capabilities": ("outputs",),
    "pools": ("unlearned", "swapped"),
    "sets": ("validation",),
    "scenarios": ("random", "random_per_class", "first", "indices", "memorised", "worst_case"),
    "cost": "a pool of originals, each unlearned with the row's method, and one of models that learned held-out "
    "samples in place of forget and then forget these",
    "numbers": {
        "swap_advantage": NumberCard(
            title="SWAP advantage",
            compares="forget with as many held-out samples, in a world and in the one where the two changed places: "
            "the advantage of the best threshold of the margin",
            unit="0 to 1",
            direction="lower is better forgotten",
            ideal="0: Retrain has it by construction; the paper's quality is 1 minus this",
            source="Tu, Hu and Ma, the SWAP test; over all thresholds of the margin instead of a few attacks",
        )
    },
}


def run(inputs: MeasureInputs) -> Measured:
    """Return swap_advantage and swap_pairs; no advantage where outputs are not finite."""
    assert inputs.outputs is not None
    forget = inputs.outputs.index["forget"]
    held_out = partners(forget, inputs.outputs.index["validation"])
    unlearned, swapped = (inputs.pools[kind] for kind in ("unlearned", "swapped"))
    pairs = min(len(unlearned.logits), len(swapped.logits))
    sides = []
    for members, others, pool in ((forget, held_out, unlearned), (held_out, forget, swapped)):
        both = []
        for index in (members, others):
            logits_PnK = pool.of(index)[0][:pairs]
            if not np.isfinite(logits_PnK).all():
                return Measured({"swap_advantage": None}, facts={"not_finite": "a pool"})
            both.append(margins(logits_PnK, pool.label[np.searchsorted(pool.index, index)]))
        sides.append(both)
    member, other = (np.concatenate([side[place].ravel() for side in sides]) for place in (0, 1))
    return Measured({"swap_advantage": advantage(member, other), "swap_pairs": float(pairs)})


def advantage(member_N: np.ndarray, other_M: np.ndarray) -> float:
    """Return the largest difference between the shares of two sides above a threshold, over all thresholds."""
    thresholds_T = np.union1d(member_N, other_M)
    below = [
        np.searchsorted(np.sort(side), thresholds_T, "right") / len(side) for side in (member_N, other_M)
    ]
    return float(np.abs(below[0] - below[1]).max())
