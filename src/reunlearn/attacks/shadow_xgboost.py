"""Shadow attack: boosted trees learn, from other models, how outputs on seen samples differ from unseen ones.

Every row is one forget sample as one model sees it: softmax outputs ‖ one-hot label. Training rows come from shadow
models trained with the forget set (member) and without it (other). Target rows are the evaluated model's outputs
(member) against a retrained model's (other); the number is the AUC over these. In the paper, 40 + 40 of 50 + 50 models
are for training, 5 + 5 for tuning the boosting (by hand, F1), and the last 5 + 5 are the targets, pooled. Here, with
10 + 10 models or more, eight tenths of each side are for training, one tenth chooses among DEPTHS by F1, and the last
tenth measures the attack on originals and retrained models that it never saw; the models are in the order of their
seeds. With fewer models all are for training, with the paper's settings. Each evaluated model is one target.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import f1_score
from xgboost import XGBClassifier

from reunlearn.attacks import _shadow_margins
from reunlearn.attacks.registry import AttackCard, AttackResult, ShadowPools
from reunlearn.metrics.classification import softmax
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import auc, separation

SETTINGS = {
    "learning_rate": 0.2,
    "subsample": 0.8,
    "reg_lambda": 10.0,
    "min_child_weight": 0.1,
    "n_estimators": 100,
}
DEPTHS = (10, 6, 3)  # the paper's depth first: it is chosen in a tie
TENTHS = 10  # with at least so many models on a side, one in ten validates and one in ten is held out

CARD = AttackCard(
    name="shadow_xgboost",
    title="MIA shadow AUC",
    compares="outputs on forget with a retrained model's, scored by trees trained on shadow models",
    unit="area under the ROC curve, 0 to 1",
    direction="higher is more leakage; below 0.5 the model hides forget more than a retrained one",
    ideal="0.5: the outputs are like a retrained model's; a model equal to the reference gets exactly 0.5",
    source="PGU, section on membership inference, with its released settings; depth tuned if there are 10 + 10 models",
    pools=("with_forget", "without_forget"),
    cost="a pool of originals, one of retrained models per forget set, both 50 in the paper; 3 fits of 100 trees "
    "on forget samples × models (one fit on all models if there are fewer than 10 + 10)",
)


def run(outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
    """Attack one model."""
    labels_N, index_N = outputs.labels["forget"], outputs.index["forget"]
    pools = [_shadow_margins.answers(shadows, kind, index_N, CARD.name)[0] for kind in CARD.pools]
    assert shadows is not None  # else `answers` would have raised
    tenth = min(map(len, pools)) // TENTHS  # models of each side that validate, and as many that are held out
    train, validation, held_out = (
        _rows([pool[_part(len(pool), tenth, part)] for pool in pools], labels_N) for part in range(3)
    )
    trees, details = _tuned(train, validation, seed)
    if tenth:
        scores, member = trees.predict_proba(held_out[0])[:, 1], held_out[1] == 1
        details["held_out_auc"] = auc(scores[member], scores[~member])
    x, y = _rows([outputs.logits["forget"][None], shadows.retrained(CARD.name)[None]], labels_N)
    scores = trees.predict_proba(x)[:, 1]
    member_N, other_N = scores[y == 1], scores[y == 0]
    details |= {"training_rows": len(train[1]), "training_models": sum(map(len, pools)) - 4 * tenth}
    details |= separation(member_N, other_N)
    return AttackResult(details["auc"], member_N, other_N, details)


def _part(models: int, tenth: int, part: int) -> slice:
    """Return the models for training (part 0), for validation (1), or held out (2)."""
    ends = (0, models - 2 * tenth, models - tenth, models)
    return slice(ends[part], ends[part + 1])


def _tuned(
    train: tuple[np.ndarray, np.ndarray], validation: tuple[np.ndarray, np.ndarray], seed: int
) -> tuple[XGBClassifier, dict[str, float]]:
    """Return the trees of the depth with the best F1 on the validation models; without any, of the paper's depth."""
    # subsampling draws row numbers: sorted rows make the result independent of the order of the samples
    order = np.lexsort(np.column_stack([train[1], train[0]]).T)
    x, y = (rows[order] for rows in train)

    def fitted(depth: int) -> XGBClassifier:
        trees = XGBClassifier(**SETTINGS, max_depth=depth, tree_method="hist", n_jobs=1, random_state=seed)
        return trees.fit(x, y)

    if not len(validation[1]):
        return fitted(DEPTHS[0]), {"max_depth": DEPTHS[0]}
    trees = {depth: fitted(depth) for depth in DEPTHS}
    f1 = {depth: float(f1_score(validation[1], fit.predict(validation[0]))) for depth, fit in trees.items()}
    best = max(DEPTHS, key=f1.__getitem__)
    return trees[best], {"max_depth": best, "validation_f1": f1[best]}


def _rows(sides: list[np.ndarray], labels_N: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features [rows, 2K], softmax ‖ one-hot label, and 1 for the first side's rows, 0 for the second's."""
    logits_MNK = np.concatenate(sides)
    models, samples, classes = logits_MNK.shape
    one_hot_MNK = np.tile(np.eye(classes, dtype=np.float32)[labels_N], (models, 1, 1))
    softmax_MNK = softmax(logits_MNK).astype(np.float32)
    x = np.concatenate([softmax_MNK, one_hot_MNK], axis=-1).reshape(-1, 2 * classes)
    return x, np.repeat([1, 0], [samples * len(side) for side in sides])
