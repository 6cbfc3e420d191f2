"""What the columns of the further tables mean, each as (name, title, compares, unit, direction, ideal, source)."""

from __future__ import annotations

Row = tuple[str, str, str, str, str, str, str]

_LOWER = "lower is closer to Retrain"
_CLOSER = "closer to Retrain is better"
_FLOOR = "the noise floor's: two retrained models differ too"
_RETRAIN = "Retrain's value"

DISTANCES: tuple[Row, ...] = (
    (
        "d_kl",
        "D_KL",
        "mean over the forget set of KL(p_Retrain‖p_model) = Σ p (ln(p + 1e-20) − ln(q + 1e-20)), without "
        "augmentation; Retrain's own line is its distance from the second retrained model",
        "nats",
        _LOWER,
        _FLOOR,
        "SFR-on 'D_KL'; kl_forget in the results",
    ),
    (
        "kl_test",
        "KL, test",
        "as D_KL, over the official test set",
        "nats",
        _LOWER,
        _FLOOR,
        "as D_KL",
    ),
    (
        "js_forget",
        "JS, forget",
        "mean over the forget set of ½ KL(p‖m) + ½ KL(q‖m), m = (p + q) / 2, of model and Retrain",
        "nats, 0 to ln 2 = 0.693",
        _LOWER,
        _FLOOR,
        "Jensen–Shannon divergence",
    ),
    (
        "js_test",
        "JS, test",
        "as JS on forget, over the official test set",
        "nats, 0 to ln 2 = 0.693",
        _LOWER,
        _FLOOR,
        "Jensen–Shannon divergence",
    ),
    (
        "entropy_distance_forget",
        "Entropies, forget",
        "Wasserstein distance between the distributions of output entropy over the forget set, model against "
        "Retrain",
        "nats",
        _LOWER,
        _FLOOR,
        "the numbers behind PGU's figure 1",
    ),
    (
        "klom_forget",
        "KLoM",
        "per forget sample, KL between the histograms of the margin (log-odds of the right class) over models that "
        "forgot by this row's method and over retrained models; the mean over the forget set",
        "nats",
        _LOWER,
        "klom_floor_forget in the results: one half of the retrained models against the other",
        "Georgiev et al. 2024; only where a study trains the pools unlearned and without_forget; with few models far "
        "above 0",
    ),
    (
        "zrf",
        "ZRF",
        "1 − mean JS(p_model, p_untrained) / ln 2 over the forget set; untrained: a freshly initialised network",
        "0 to 1",
        _CLOSER,
        f"{_RETRAIN}; 1 says that the model knows no more than an untrained network",
        "Chundawat et al. 2023 (BadT), normalised to 0 … 1 by ln 2",
    ),
    (
        "zrf_released",
        "ZRF as released",
        "1 − mean [½ KL(m‖p_model) + ½ KL(m‖p_untrained)] / K over the forget set: the arguments are exchanged, and "
        "the mean runs over samples and K classes alike",
        "at most 1",
        _CLOSER,
        _RETRAIN,
        "released code of BadT; not comparable with ZRF",
    ),
    (
        "relative_weight_distance_original",
        "Weights, to original",
        "‖θ − θ_original‖ / ‖θ_original‖ over all weights, BatchNorm's averages left out",
        "× ‖θ_original‖",
        "how far the method went; neither way is better",
        "Retrain's value, where it started from the original's initial weights (a plain number in `seeds`)",
        "Euclidean; absolute in the results as weight_distance_original",
    ),
    (
        "relative_weight_distance_retrain",
        "Weights, to Retrain",
        "‖θ − θ_Retrain‖ / ‖θ_Retrain‖ over all weights, BatchNorm's averages left out",
        "× ‖θ_Retrain‖",
        "lower is closer, but networks that compute alike may lie far apart",
        "above 0: the noise floor's is that of other initial weights, far above a method's, whose original may "
        "share Retrain's",
        "Euclidean; absolute in the results as weight_distance_retrain",
    ),
)

ACCURACIES: tuple[Row, ...] = (
    (
        "accuracy_forget_augmented",
        "Forget, augmented",
        "forget accuracy with the recipe's training augmentation on, one seeded draw per image",
        "%",
        _CLOSER,
        _RETRAIN,
        "GDR-GMA 'Acc_Df': its code leaves the augmentation on",
    ),
    (
        "accuracy_retain_augmented",
        "Retain, augmented",
        "retain accuracy with the recipe's training augmentation on, one seeded draw per image",
        "%",
        _CLOSER,
        _RETRAIN,
        "GDR-GMA 'Acc_Dr': its code leaves the augmentation on",
    ),
    (
        "accuracy_validation",
        "Validation",
        "accuracy on the held-out part of the official training set",
        "%",
        _CLOSER,
        _RETRAIN,
        "",
    ),
    (
        "accuracy_test_retained",
        "Test, retained classes",
        "accuracy on the test samples whose (sub-)class is not forgotten",
        "%",
        _CLOSER,
        _RETRAIN,
        "PGU: 100 − 'err_retain_test'",
    ),
    (
        "accuracy_test_forgotten",
        "Test, forgotten classes",
        "accuracy on the test samples of the forgotten (sub-)classes",
        "%",
        _CLOSER,
        f"{_RETRAIN}; 0 where whole classes are forgotten",
        "",
    ),
    (
        "accuracy_forget_taught",
        "Wrong labels",
        "share of the forget set of which the model still says the wrong label that it was taught",
        "%",
        "lower is better",
        _RETRAIN,
        "label_flip only",
    ),
    (
        "accuracy_earlier",
        "Earlier steps",
        "accuracy on what was forgotten in earlier steps",
        "%",
        _CLOSER,
        _RETRAIN,
        "incremental chains only",
    ),
    (
        "entropy_forget",
        "Entropy, forget",
        "mean entropy of the outputs over the forget set",
        "nats",
        _CLOSER,
        _RETRAIN,
        "",
    ),
    (
        "entropy_test",
        "Entropy, test",
        "mean entropy of the outputs over the test set",
        "nats",
        _CLOSER,
        _RETRAIN,
        "",
    ),
)
