"""Entropy attack: a logistic regression on output entropy, trained on retain and test and applied to forget.

Fitted on the evaluated model's own entropies, {retain: member, test: not}, balanced class weights; the number
is the share of the forget set that is classified as members. The released multinomial fit with two classes penalises
each of two opposite weight vectors, which equals a binary fit with C = 2. No set is augmented, as in SFR-on; GDR-GMA's
released code keeps the training augmentation on for retain and forget.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import separation

CARD = AttackCard(
    name="entropy_logistic",
    title="MIA entropy",
    compares="a classifier of output entropy, trained on retain against test and applied to forget; "
    "its AUC compares forget with test samples of the same classes",
    unit="% of the forget set called member",
    direction="higher is more leakage",
    ideal="Retrain's value, not 50: unseen samples can look like members to this classifier",
    column_of="GDR-GMA 'MIA', SFR-on 'MIA'",
    source="Chundawat et al. 2023 (bad teaching), used by GDR-GMA and SFR-on",
    cost="one logistic regression of one number per sample: below a second",
    headline=True,
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    retain_N, test_N, forget_N = (entropy(outputs.logits[name]) for name in ("retain", "test", "forget"))
    x = np.concatenate([retain_N, test_N])[:, None]
    y = np.repeat([1, 0], [len(retain_N), len(test_N)])
    classifier = LogisticRegression(C=2.0, class_weight="balanced", max_iter=1000).fit(x, y)
    predicted_N = classifier.predict(forget_N[:, None])
    member, other = -forget_N, -test_N[outputs.comparable("test")]
    return AttackResult(100.0 * float(predicted_N.mean()), member, other, separation(member, other))
