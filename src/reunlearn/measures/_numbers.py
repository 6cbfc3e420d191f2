"""What the numbers of `evaluation` and `comparison` mean: words alone, so no change of them makes anything again."""

from __future__ import annotations

from reunlearn.study.cards import NumberCard

_LOWER = "lower is closer to Retrain"
_FLOOR = "the noise floor's value: two retrained models differ, too"
_NATS = "nats, 0 to ln 2 = 0.693"


def _distance(title: str, compares: str, source: str, unit: str = "nats") -> NumberCard:
    return NumberCard(
        title=title,
        compares=compares,
        unit=unit,
        direction=_LOWER,
        ideal=_FLOOR,
        source=source,
        table="distances",
    )


COMPARISON: dict[str, NumberCard] = {
    "d_kl": _distance(
        "D_KL",
        "mean over the forget set of KL(p_Retrain‖p_model) = Σ p (ln(p + 1e-20) − ln(q + 1e-20)), without "
        "augmentation; Retrain's own row is its distance from the second retrained model",
        "SFR-on 'D_KL'; kl_forget in the results",
    ),
    "kl_test": _distance("KL, test", "as D_KL, over the test set", "as D_KL"),
    "js_forget": _distance(
        "JS, forget",
        "mean over the forget set of ½ KL(p‖m) + ½ KL(q‖m), m = (p + q) / 2, of model and Retrain",
        "Jensen–Shannon divergence",
        _NATS,
    ),
    "js_test": _distance(
        "JS, test", "as JS on forget, over the test set", "Jensen–Shannon divergence", _NATS
    ),
    "entropy_distance_forget": _distance(
        "Entropies, forget",
        "Wasserstein distance between the distributions of output entropy over the forget set, model against "
        "Retrain",
        "the numbers behind PGU's figure 1",
    ),
    "klom_forget": NumberCard(
        table="distances",
        title="KLoM",
        compares="per forget sample, KL between the histograms of the margin (log-odds of the right class) over "
        "models that forgot by this row's method and over retrained models; the mean over the forget set",
        unit="nats",
        direction=_LOWER,
        ideal="klom_floor_forget in the results: one half of the retrained models against the other",
        source="Georgiev et al. 2024; only where a study trains the pools unlearned and without_forget; with few "
        "models far above 0",
    ),
    "relative_weight_distance_original": NumberCard(
        table="distances",
        title="Weights, to original",
        compares="‖θ − θ_original‖ / ‖θ_original‖ over all weights, BatchNorm's averages left out",
        unit="× ‖θ_original‖",
        direction="how far the method went; neither way is better",
        ideal="Retrain's value, where it started from the original's initial weights (a plain number in `seeds`)",
        source="Euclidean; absolute in the results as weight_distance_original",
    ),
    "relative_weight_distance_retrain": NumberCard(
        table="distances",
        title="Weights, to Retrain",
        compares="‖θ − θ_Retrain‖ / ‖θ_Retrain‖ over all weights, BatchNorm's averages left out",
        unit="× ‖θ_Retrain‖",
        direction="lower is closer, but two networks that compute the same may lie far apart",
        ideal="above 0: the noise floor started from other initial weights and lies far above a method, whose "
        "original may share Retrain's",
        source="Euclidean; absolute in the results as weight_distance_retrain",
    ),
}


_CLOSER = "closer to Retrain is better"
_RETRAIN = "Retrain's value"


def _closer(
    title: str,
    compares: str,
    *,
    unit: str = "%",
    ideal: str = _RETRAIN,
    source: str = "",
    table: str = "accuracies",
) -> NumberCard:
    return NumberCard(
        title=title, compares=compares, unit=unit, direction=_CLOSER, ideal=ideal, source=source, table=table
    )


def _told_apart(title: str, what: str) -> NumberCard:
    return _closer(
        f"{title}, AUC",
        f"chance that a forget sample has the lower {what} of a forget and a test sample, ties one half",
        unit="0 to 1",
        ideal=f"{_RETRAIN}; at 0.5 the two sets cannot be told apart by their {what}",
        source="ours; the AUC of the histograms, there the mean over seeds",
    )


EVALUATION: dict[str, NumberCard] = {
    "zrf": _closer(
        "ZRF",
        "1 − mean JS(p_model, p_untrained) / ln 2 over the forget set; untrained: a freshly initialised network",
        unit="0 to 1",
        ideal=f"{_RETRAIN}; 1 means that the model knows no more than an untrained network",
        source="Chundawat et al. 2023 (BadT), normalised to 0 … 1 by ln 2",
        table="distances",
    ),
    "zrf_released": _closer(
        "ZRF as released",
        "1 − mean [½ KL(m‖p_model) + ½ KL(m‖p_untrained)] / K over the forget set: the arguments are exchanged, and "
        "the mean is over samples and over K classes",
        unit="at most 1",
        source="released code of BadT; not comparable with ZRF",
        table="distances",
    ),
    "accuracy_forget": _closer(
        "Forget accuracy",
        "share of the forget set that the model classifies correctly",
        ideal=f"{_RETRAIN}; 0 only where whole classes are forgotten",
        source="FA, Acc_Df, A_Df; 100 − UA",
    ),
    "accuracy_retain": _closer(
        "Retain accuracy",
        "share of the retain set that the model classifies correctly",
        source="RA, Acc_Dr",
    ),
    "accuracy_test": _closer(
        "Test accuracy",
        "share of the test set that the model classifies correctly; forgotten classes are in it unless the scenario's "
        "`test` leaves them out",
        source="TA, Acc_val of GDR-GMA",
    ),
    "accuracy_forget_augmented": _closer(
        "Forget, augmented",
        "forget accuracy with the recipe's training augmentation on, one seeded draw per image",
        source="GDR-GMA 'Acc_Df': its code leaves the augmentation on",
    ),
    "accuracy_retain_augmented": _closer(
        "Retain, augmented",
        "retain accuracy with the recipe's training augmentation on, one seeded draw per image",
        source="GDR-GMA 'Acc_Dr': its code leaves the augmentation on",
    ),
    "accuracy_validation": _closer("Validation", "accuracy on the samples that are held out to validate"),
    "forget_test_gap": NumberCard(
        title="Forget against test",
        compares="|forget accuracy − test accuracy|",
        unit="%",
        direction="lower: forget looks like unseen samples; 0 is no aim where Retrain's differs from it",
        ideal=_RETRAIN,
        source="∇τ '|A_Df − A_Dt|', Figure 2",
        table="accuracies",
    ),
    "accuracy_test_retained": _closer(
        "Test, retained classes", "accuracy on the test samples whose (sub-)class is not forgotten"
    ),
    "accuracy_retain_masked": _closer(
        "Retain, masked",
        "retain accuracy where the outputs of forgotten classes are removed: the largest of the others is answered",
        source="PGU: 100 − 'err_Dr' where classes are forgotten",
    ),
    "accuracy_test_retained_masked": _closer(
        "Test, retained classes, masked",
        "accuracy on the test samples of the other classes, where the outputs of forgotten classes are removed",
        source="PGU: 100 − 'err_retain_test'",
    ),
    "accuracy_test_forgotten": _closer(
        "Test, forgotten classes",
        "accuracy on the test samples of the forgotten (sub-)classes",
        ideal=f"{_RETRAIN}; 0 where whole classes are forgotten",
    ),
    "accuracy_forget_taught": NumberCard(
        title="Wrong labels",
        compares="share of the forget set that the model still gives the wrong label that it was taught",
        unit="%",
        direction="lower is better",
        ideal=_RETRAIN,
        source="label_flip only",
        table="accuracies",
    ),
    "accuracy_earlier": _closer(
        "Earlier steps", "accuracy on what was forgotten in earlier steps", source="incremental chains only"
    ),
    "entropy_forget": _closer(
        "Entropy, forget", "mean entropy of the outputs over the forget set", unit="nats"
    ),
    "entropy_forget_masked": _closer(
        "Entropy, forget, masked",
        "mean entropy over the forget set of the outputs that remain where those of forgotten classes are removed",
        unit="nats",
        source="PGU, Figure 3",
    ),
    "entropy_test": _closer("Entropy, test", "mean entropy of the outputs over the test set", unit="nats"),
    "loss_auc": _told_apart("Loss", "loss"),
    "entropy_auc": _told_apart("Entropy", "entropy"),
}
