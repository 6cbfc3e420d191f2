"""Shadow attack: boosted trees learn, from other models, how outputs on seen samples differ from unseen ones.

Every row is one forget sample as one model sees it: softmax outputs ‖ one-hot label. Training rows come from
shadow models trained with the forget set (member) and without it (other). Target rows are the evaluated
model's outputs (member) against a retrained model's (other); the number is the AUC over these.
Paper: 40 + 40 training models, boosting tuned by hand on further ones, several target models pooled. Here all
shadow models train, its tuned settings are taken as they are, and each evaluated model is one target.
"""

from __future__ import annotations

import numpy as np
from xgboost import XGBClassifier

from reunlearn.attacks.registry import AttackCard, AttackResult, Outputs, Shadows
from reunlearn.metrics.classification import log_softmax
from reunlearn.metrics.ranking import ranking

SETTINGS = {
    "learning_rate": 0.2,
    "max_depth": 10,
    "subsample": 0.8,
    "reg_lambda": 10.0,
    "min_child_weight": 0.1,
    "n_estimators": 100,
}

CARD = AttackCard(
    name="shadow_xgboost",
    title="MIA shadow AUC",
    compares="outputs on forget with a retrained model's, scored by trees that shadow models taught",
    unit="area under the ROC curve, 0 to 1",
    direction="higher is more leakage; below 0.5 the model hides forget more than a retrained one",
    ideal="0.5: the outputs cannot be told from a retrained model's",
    column_of="PGU 'AUC'",
    source="PGU, section on membership inference, with released code's settings",
    shadows=True,
)


def run(outputs: Outputs, shadows: Shadows | None, seed: int) -> AttackResult:
    """Attack one model."""
    if shadows is None:
        raise ValueError("shadow_xgboost needs outputs of shadow models; add 'shadows' to the experiment")
    labels_N = outputs.labels["forget"]
    inside, outside = (_rows(pool, labels_N) for pool in (shadows.inside, shadows.outside))
    x = np.concatenate([inside, outside])
    y = np.repeat([1, 0], [len(inside), len(outside)])
    # subsampling goes by row number: in a canonical order, the order of samples and models is nothing to it
    order = np.lexsort(np.column_stack([y, x]).T)
    trees = XGBClassifier(**SETTINGS, tree_method="hist", n_jobs=1, random_state=seed)
    trees.fit(x[order], y[order])
    member = trees.predict_proba(_rows(outputs.logits["forget"][None], labels_N))[:, 1]
    other = trees.predict_proba(_rows(shadows.reference[None], labels_N))[:, 1]
    details = ranking(member, other) | {"training_rows": len(y), "training_models": _models(shadows)}
    return AttackResult(details["auc"], member, other, details)


def _rows(logits_MNK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return features [M·N, 2K]: softmax outputs ‖ one-hot label."""
    models, _, classes = logits_MNK.shape
    one_hot_MNK = np.tile(np.eye(classes)[labels_N], (models, 1, 1))
    features = np.concatenate([np.exp(log_softmax(logits_MNK)), one_hot_MNK], axis=-1)
    return features.reshape(-1, 2 * classes).astype(np.float32)


def _models(shadows: Shadows) -> int:
    return len(shadows.inside) + len(shadows.outside)
