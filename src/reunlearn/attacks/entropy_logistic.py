"""Entropy attack: a logistic regression on output entropy, taught with retain and test, asked about forget.

Fitted on the evaluated model's own entropies, {retain: member, test: not}, balanced class weights; the number
is the share of the forget set that it calls members. The released multinomial fit with two classes penalises
each of two opposite weight vectors, which equals a binary fit with C = 2. All sets without augmentation, as
SFR-on has it; GDR-GMA's released code leaves the training augmentation on retain and forget.
"""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression

from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, ShadowPools
from reunlearn.metrics.classification import entropy
from reunlearn.metrics.separation import ranking

CARD = AttackCard(
    name="entropy_logistic",
    title="MIA entropy",
    compares="a classifier of retain against test entropies, asked about the forget set; "
    "its AUC compares forget with test samples of the same classes",
    unit="% of the forget set called member",
    direction="higher is more leakage",
    ideal="Retrain's value, not 50: unseen samples can look like members to this classifier",
    column_of="GDR-GMA 'MIA', SFR-on 'MIA'",
    source="Chundawat et al. 2023 (bad teaching), used by GDR-GMA and SFR-on",
    cost="one logistic regression of one number per sample: below a second",
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    found = {name: entropy(outputs.logits[name]) for name in ("retain", "test", "forget")}
    x = np.concatenate([found["retain"], found["test"]])[:, None]
    y = np.repeat([1, 0], [len(found["retain"]), len(found["test"])])
    model = LogisticRegression(C=2.0, class_weight="balanced", max_iter=1000).fit(x, y)
    called = model.predict(found["forget"][:, None])
    member, other = -found["forget"], -found["test"][outputs.comparable("test")]
    return AttackResult(100.0 * float(called.mean()), member, other, ranking(member, other))
