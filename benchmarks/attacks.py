"""CPU seconds of every attack on one run's outputs: 10,000 forget, 40,000 retain, 10,000 test, 10 classes, one core.

Pools: 16 models each of which saw a random half, of forget and 10,000 validation samples; 8 + 8 models trained with and
without forget; 8 that unlearned it. Margins are Gaussian, so that the SVC attacks have as many support vectors as on a
network of 80 % accuracy. The target is the sum of all attacks but those with an SVC, which are listed apart with their
cap on rows: their fits grow with the square of it.

    python benchmarks/attacks.py
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and the tree libraries count the cores

import argparse
import sys
import time

import numpy as np

from reunlearn.attacks import _svc
from reunlearn.attacks.registry import ShadowPools, get
from reunlearn.metrics.outputs import Outputs, Pool
from reunlearn.study.catalogue import plugin_names

CLASSES = 10
SIZES = {"forget": 10_000, "retain": 40_000, "validation": 10_000, "test": 10_000}
HALF, SIDE = 16, 8  # models
TARGET = 20.0  # seconds
LIFT = 1.5  # margin that training adds


def logits(rng: np.random.Generator, margin_N: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
    """Return half-precision logits [N, K] with these margins; the wrong classes share the rest at random."""
    z_NK = rng.normal(size=(len(labels_N), CLASSES))
    right_NK = np.arange(CLASSES) == labels_N[:, None]
    others_N = np.log(np.where(right_NK, 0.0, np.exp(z_NK)).sum(axis=1))
    return np.where(right_NK, (margin_N + others_N)[:, None], z_NK).astype(np.float16)


def inputs(seed: int) -> tuple[Outputs, ShadowPools]:
    """Return an evaluated model's outputs and pools of every kind."""
    rng = np.random.default_rng(seed)
    labels = {name: rng.integers(CLASSES, size=n) for name, n in SIZES.items()}
    hard = {name: rng.normal(1.5, 2.0, n) for name, n in SIZES.items()}
    numbers = np.split(rng.permutation(60_000), np.cumsum([SIZES["forget"], SIZES["retain"]]))
    index = {s: np.sort(part) for s, part in zip(("forget", "retain", "validation"), numbers, strict=True)}
    index["test"] = np.arange(SIZES["test"])
    trained = {"forget": LIFT, "retain": LIFT}
    said = {s: logits(rng, rng.normal(hard[s] + trained.get(s, 0.0)), labels[s]) for s in SIZES}
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


def main() -> int:
    """Measure and print; exit 1 if the target is missed."""
    parser = argparse.ArgumentParser(description="Seconds per attack on 60,000 × 10 outputs, one core")
    parser.add_argument("--without-svc", action="store_true", help="leave out what has no target")
    options = parser.parse_args()
    outputs, shadows = inputs(0)
    spent: dict[str, float] = {}
    print(f"{'attack':<32} CPU s    value     AUC [95 % interval]")
    for name in plugin_names("attacks"):
        module = get(name)
        slow = hasattr(module, "_svc")
        if slow and options.without_svc:
            continue
        begin = time.process_time()
        result = module.run(outputs, shadows if module.CARD.pools else None, 0)
        seconds = time.process_time() - begin
        if not slow:
            spent[name] = seconds
        area = " ".join(f"{result.details[k]:.3f}" for k in ("auc", "auc_low", "auc_high"))
        note = f"   SVC, at most {_svc.MAX_ROWS:,} rows" if slow else ""
        print(f"{name:<32} {seconds:5.1f} {result.value:8.2f}     {area}{note}")
    total = sum(spent.values())
    print(f"\n{len(spent)} attacks without an SVC: {total:.1f} s of at most {TARGET:.0f} s")
    return int(total > TARGET)


if __name__ == "__main__":
    sys.exit(main())
