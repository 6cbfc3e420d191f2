"""CPU seconds of every attack on one run's outputs, and SVC attacks against scikit-learn as released code calls it.

10,000 forget, 40,000 retain, 10,000 test samples, 10 classes, one core. Pools: 16 models each of which saw a random
half, of forget and 10,000 validation samples; 8 + 8 models trained with and without forget; 8 that unlearned it.
Margins are Gaussian, so that the SVC attacks have as many support vectors as on a network of 80 % accuracy. The target
is the sum of all attacks but those with an SVC, which are listed apart with their cap on rows: their fits grow with the
square of it.

Released code fits scikit-learn's SVC to one feature of retain and test and asks it for forget. The ratio is that of the
same number by our calls, sides in turn; what AUC, TPR and their intervals from a thousand resamples add, which released
code does not give, stands beside it.

    python benchmarks/attacks.py [--quick]
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and the tree libraries count the cores

import time
from collections.abc import Sequence

import numpy as np
from history import Row, options, publish
from sklearn.svm import SVC
from turns import cpu_seconds

from reunlearn.attacks import _svc, confidence_svc, svc_entropy, svc_probability
from reunlearn.attacks.registry import ShadowPools, get
from reunlearn.metrics.classification import cross_entropy, entropy, softmax
from reunlearn.metrics.outputs import Outputs, Pool
from reunlearn.study.catalogue import plugin_names

CLASSES = 10
SIZES = {"forget": 10_000, "retain": 40_000, "validation": 10_000, "test": 10_000}
SVC_ROWS, TURNS = (1_000, 3_000), 3  # of each half of a fit
RELEASED = {  # the feature of an attack, as released code computes it from logits and labels
    confidence_svc: lambda z_NK, y_N: np.exp(-cross_entropy(z_NK, y_N)),
    svc_entropy: lambda z_NK, y_N: entropy(z_NK),
    svc_probability: lambda z_NK, y_N: softmax(z_NK),
}
HALF, SIDE = 16, 8  # models
TARGET = 20.0  # seconds
LIFT = 1.5  # margin that training adds


def logits(rng: np.random.Generator, margin_N: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return half-precision logits [N, K] with these margins; the wrong classes share the rest at random."""
    z_NK = rng.normal(size=(len(labels_N), CLASSES))
    right_NK = np.arange(CLASSES) == labels_N[:, None]
    others_N = np.log(np.where(right_NK, 0.0, np.exp(z_NK)).sum(axis=1))
    return np.where(right_NK, (margin_N + others_N)[:, None], z_NK).astype(np.float16)


def inputs(seed: int, divided: int = 1) -> tuple[Outputs, ShadowPools]:
    """Return an evaluated model's outputs and pools of every kind; sets are a share of SIZES."""
    rng = np.random.default_rng(seed)
    sizes = {name: n // divided for name, n in SIZES.items()}
    labels = {name: rng.integers(CLASSES, size=n) for name, n in sizes.items()}
    hard = {name: rng.normal(1.5, 2.0, n) for name, n in sizes.items()}
    count = sum(sizes[name] for name in ("forget", "retain", "validation"))
    numbers = np.split(rng.permutation(count), np.cumsum([sizes["forget"], sizes["retain"]]))
    index = {s: np.sort(part) for s, part in zip(("forget", "retain", "validation"), numbers, strict=True)}
    index["test"] = np.arange(sizes["test"])
    trained = {"forget": LIFT, "retain": LIFT}
    said = {s: logits(rng, rng.normal(hard[s] + trained.get(s, 0.0)), labels[s]) for s in sizes}
    asked = ("forget", "validation")
    order = np.argsort(np.concatenate([index[s] for s in asked]))
    index_N, label_N, hard_N = (
        np.concatenate([found[s] for s in asked])[order] for found in (index, labels, hard)
    )
    forget_N = np.isin(index_N, index["forget"])

    def pool(member_MN: np.ndarray, lift: float = LIFT) -> Pool:
        margins_MN = rng.normal(hard_N + lift * member_MN)
        return Pool(np.stack([logits(rng, m, label_N) for m in margins_MN]), member_MN, index_N, label_N)

    half_MN = rng.permuted(np.tile(np.arange(HALF) % 2 == 0, (len(index_N), 1)), axis=1).T
    with_MN = np.tile(forget_N, (SIDE, 1))
    pools = {
        "halves": pool(half_MN),
        "with_forget": pool(with_MN),
        "without_forget": pool(np.zeros_like(with_MN)),
        "unlearned": pool(with_MN, LIFT / 2),
    }
    reference = logits(rng, rng.normal(hard["forget"]), labels["forget"])
    return Outputs(said, labels, index), ShadowPools(pools, reference)


def released(feature: _svc.Feature, outputs: Outputs) -> float:
    """Return the share of forget that is called non-member, in per cent, with scikit-learn's calls alone."""
    x = _svc.features(outputs, feature, ("forget", "retain", "test"))
    n = min(len(x["retain"]), len(x["test"]))
    classifier = SVC(C=3, gamma="auto", kernel="rbf")
    classifier.fit(np.concatenate([x["retain"][:n], x["test"][:n]]), np.repeat([1, 0], n))
    return 100.0 * (1.0 - float(classifier.predict(x["forget"]).mean()))


def number_alone(feature: _svc.Feature, outputs: Outputs) -> float:
    """Return the same by our calls."""
    x = _svc.features(outputs, feature, ("forget", "retain", "test"))
    return _svc.non_members(_svc.decisions(_svc.fit(x)[0], x["forget"]))


def against_released(outputs: Outputs, turns: int) -> list[Row]:
    """Return how many times as fast our SVC attacks are on the first rows of the sets."""
    rows = []
    for attack, feature in RELEASED.items():
        ours, theirs = attack.run(outputs, None, 0).value, released(feature, outputs)
        works = {
            "ours": lambda f=feature: number_alone(f, outputs),
            "released": lambda f=feature: released(f, outputs),
            "whole": lambda a=attack: a.run(outputs, None, 0),
        }
        found = cpu_seconds(works, turns)
        details = {"ours s": found.median("ours"), "released s": found.median("released")}
        details["with intervals s"] = found.median("whole")
        values = {"ours %": ours, "released %": theirs}
        name = f"{attack.CARD.name}, {len(outputs.logits['test']):,} rows a half, against scikit-learn"
        rows.append(Row(name, found.ratio("released", "ours"), wanted=1.0, details={**details, **values}))
    return rows


def first(outputs: Outputs, count: int) -> Outputs:
    """Return the first samples of each set."""
    parts = (outputs.logits, outputs.labels, outputs.index)
    return Outputs(*({name: of[name][:count] for name in of} for of in parts))


def each(outputs: Outputs, shadows: ShadowPools) -> list[Row]:
    """Return the seconds of every attack, and of those together that fit no SVC."""
    total, rows = 0.0, []
    for name in plugin_names("attacks"):
        module = get(name)
        begin = time.process_time()
        result = module.run(outputs, shadows if module.CARD.pools else None, 0)
        seconds = time.process_time() - begin
        slow = hasattr(module, "_svc")
        total += 0.0 if slow else seconds
        details: dict[str, float | str] = {"value": result.value, "AUC": result.details["auc"]}
        if slow:
            details["rows at most"] = _svc.MAX_ROWS
        rows.append(Row(name, seconds, "CPU s", details=details))
    return [*rows, Row("all without an SVC", total, "CPU s", wanted=TARGET, at_most=True)]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    outputs, shadows = inputs(0, 50 if asked.quick else 1)
    sizes, turns = ((100,), 1) if asked.quick else (SVC_ROWS, TURNS)
    rows = [row for size in sizes for row in against_released(first(outputs, size), turns)]
    publish("attacks", rows + each(outputs, shadows), asked.quick)


if __name__ == "__main__":
    main()
