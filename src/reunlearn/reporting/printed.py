"""The papers' own words for what is measured here: their columns, methods, datasets and networks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey


@dataclass(frozen=True)
class Counterpart:
    """What a printed column is here: the metrics that it takes, and how a run's number follows from them."""

    metrics: tuple[str, ...]
    of: Callable[[pd.DataFrame], pd.Series]


def _same(metric: str) -> Counterpart:
    return Counterpart((metric,), lambda runs: runs[metric])


def _error(metric: str) -> Counterpart:
    return Counterpart((metric,), lambda runs: 100.0 - runs[metric])


_FORGET_TEST = Counterpart(
    ("accuracy_forget", "accuracy_test"), lambda runs: (runs["accuracy_forget"] - runs["accuracy_test"]).abs()
)
_ACCURACIES = {"FA": _same("accuracy_forget"), "RA": _same("accuracy_retain"), "TA": _same("accuracy_test")}

COUNTERPARTS: dict[str, dict[str, Counterpart]] = {
    "GDR-GMA": {  # with augmentation: `augmented` below
        "Acc_Df": _same("accuracy_forget"),
        "Acc_Dr": _same("accuracy_retain"),
        "Acc_val": _same("accuracy_test"),
        "MIA": _same("entropy_logistic"),
    },
    "LUR": {**_ACCURACIES, "UA": _error("accuracy_forget"), "MIA": _same("confidence_svc")},
    "SFR-on": {**_ACCURACIES, "MIA": _same("entropy_logistic"), "D_KL": _same("d_kl")},
    "nabla-tau": {
        "A_Dr": _same("accuracy_retain"),
        "A_Df": _same("accuracy_forget"),
        "A_Dt": _same("accuracy_test"),
        "|A_Df-A_Dt|": _FORGET_TEST,
        "|MIA_L-50|": _same("loss_logistic_cv"),
        "|MIA_E-50|": _same("entropy_logistic_cv"),
    },
    "PGU": {
        "err_Dr": _error("accuracy_retain"),
        "err_Df": _error("accuracy_forget"),
        "err_test": _error("accuracy_test"),
        "err_retain_test": _error("accuracy_test_retained"),
        "test_acc": _same("accuracy_test"),
        "MIA_AUC": _same("shadow_xgboost"),
    },
}
AVERAGES = {
    ("GDR-GMA", "Avg_Gap"): "avg_gap_gdr_gma",
    ("LUR", "Avg_Gap"): "avg_gap_lur",
    ("SFR-on", "Avg_D"): "avg_d_sfr_on",
}
ELSEWHERE = {
    "RTE": "a run time on another machine",
    "time": "a run time on another machine",
    "FID": "measured on generated images",
}
RECIPES = {"GDR-GMA": "gdr-gma", "LUR": "lur", "SFR-on": "sfr-on", "nabla-tau": "nabla-tau", "PGU": "pgu"}

_METHODS = {
    RETRAIN.method: ("Retrain", "Retrained", "Retraining", "RT"),
    ORIGINAL.method: ("Original", "Original (before unlearning)", "Poisoned"),
    "finetune": ("Fine-tune", "Fine-tuning", "FT"),
    "gradient_ascent": ("GA",),
    "neg_grad": ("NegGrad",),
    "random_labels": ("Random Labels", "RL"),
    "bad_teacher": ("BadT", "BT"),
    "boundary_shrink": ("BS",),
    "boundary_expanding": ("BE",),
    "erm_ktp": ("ERM-KTP",),
    "fisher": ("Fisher",),
    "influence": ("IU",),
    "l1_sparse": ("L1-sparse", "L1 -sparse"),
    "scissorhands": ("SHs",),
    "salun": ("SalUn",),
    "ssd": ("SSD",),
    "scrub": ("SCRUB",),
    "unrolling_sgd": ("Unrolling",),
    "amnesiac_relabel": ("Amnesiac",),
    "eu_k": ("EUk",),
    "ntk": ("NTK",),
    "warnecke_first_order": ("1st Order (Warnecke)",),
    "warnecke_second_order": ("2nd Order (Warnecke)",),
    "gdr_gma": ("GDR-GMA", "w__Bank"),
    "sfr_on": ("SFR-on", "SFR-on (S+F+R+on)"),
    "nabla_tau": ("nabla-tau",),
    "pgu": ("PGU",),
    "lur": ("LUR",),
}
METHODS = {printed: method for method, names in _METHODS.items() for printed in names}

_SAME = {
    "celebahqfir": "celebahqidentity",
    "vittinyvit5mincode": "tinyvit5m",
    "torchvisionresnet18": "resnet18",
    "torchvisionresnet34": "resnet34",
}


def key(name: str) -> str:
    """Return a dataset's or network's name without case and punctuation, the same for both spellings of one thing."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain not in _SAME:
        plain = re.sub(r"[^a-z0-9]", "", name.partition("(")[0].lower())
    return _SAME.get(plain, plain)


def rows_of(printed_method: str, rows: Iterable[RowKey]) -> list[RowKey]:
    """Return the rows that are a printed method: both readings, where a study runs both; of Retrain the floor, too."""
    method = METHODS.get(printed_method)
    return [row for row in rows if row.method == method or (row == FLOOR and method == RETRAIN.method)]


def augmented(paper: str, metric: str, measured: set[str]) -> str:
    """Return the metric as a paper measures it: GDR-GMA leaves the augmentation on, where a recipe has any."""
    candidate = f"{metric}_augmented"
    return candidate if paper == "GDR-GMA" and candidate in measured else metric
