"""Confidence attack: an SVC on p(true class), taught with retain and test, asked about forget.

Fitted on the evaluated model's own outputs, {first n of retain: member, first n of test: not}: an SVC with
C = 3, RBF kernel, γ = 1/features. The released code's n is |test|; where retain is smaller, n = |retain|
keeps the halves even, as they are in the papers. The fit grows with the square of the rows (20,000 of them
take about 20 s), so n is capped and the details say so. The number is the share of forget NOT called a member.
"""

from __future__ import annotations

import numpy as np
from sklearn.svm import SVC

from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, Shadows
from reunlearn.metrics.classification import cross_entropy
from reunlearn.metrics.ranking import ranking

MAX_ROWS = 20_000  # of both halves together

CARD = AttackCard(
    name="confidence_svc",
    title="MIA confidence",
    compares="a classifier of p(true class) on retain against test (the first samples of each, evenly many), "
    "asked about the forget set; its AUC compares forget with test samples of the same classes",
    unit="% of the forget set called non-member",
    direction="higher is less leakage",
    ideal="Retrain's value: 100 only where whole classes are forgotten",
    column_of="LUR 'MIA', SalUn 'MIA'",
    source="Fan et al. 2024 (SalUn), after Song and Mittal 2021; used by LUR",
    ordered=("retain", "test"),
)


def run(outputs: Outputs, shadows: Shadows | None, seed: int) -> AttackResult:
    """Attack one model."""
    found = {
        s: np.exp(-cross_entropy(outputs.logits[s], outputs.labels[s])) for s in ("retain", "test", "forget")
    }
    even = min(len(found["retain"]), len(found["test"]))
    n = min(even, MAX_ROWS // 2)
    x = np.concatenate([found["retain"][:n], found["test"][:n]])[:, None]
    model = SVC(C=3.0, kernel="rbf", gamma="auto").fit(x, np.repeat([1, 0], n))
    called = model.predict(found["forget"][:, None])
    member, other = found["forget"], found["test"][outputs.comparable_test()]
    details = {"rows": 2 * n, "rows_left_out_by_cap": 2 * (even - n), **ranking(member, other)}
    return AttackResult(100.0 * (1.0 - float(called.mean())), member, other, details)
