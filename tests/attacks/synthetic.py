"""Outputs of models that never were: what they leak is known by construction."""

from __future__ import annotations

import numpy as np

from reunlearn.attacks.registry import ShadowPools
from reunlearn.metrics.outputs import Outputs, Pool

CLASSES = 10
SIZES = {"forget": 60, "retain": 240, "test": 599, "validation": 200}


def logits_of(p_true_N: np.ndarray, labels_N: np.ndarray, classes: int = CLASSES) -> np.ndarray:
    """Return logits [N, K] that give the true class this probability and share the rest evenly."""
    rest_N1 = ((1.0 - p_true_N) / (classes - 1))[:, None]
    p_NK = np.repeat(rest_N1, classes, axis=1)
    p_NK[np.arange(len(labels_N)), labels_N] = p_true_N
    return np.log(p_NK)


def numbered(labels: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return official numbers: test counts for itself, the other sets share the training set, each sorted."""
    training = [name for name in labels if name != "test"]
    ends = np.cumsum([len(labels[name]) for name in training])
    drawn = np.split(np.random.default_rng(11).permutation(ends[-1] if training else 0), ends[:-1])
    found = {name: np.sort(part) for name, part in zip(training, drawn, strict=True)}
    return {name: found.get(name, np.arange(len(labels[name]))) for name in labels}


def outputs_from(p_true: dict[str, np.ndarray], labels: dict[str, np.ndarray] | None = None) -> Outputs:
    """Return outputs with these probabilities of the true class; labels go round if none are given."""
    labels = labels or {name: np.arange(len(p)) % CLASSES for name, p in p_true.items()}
    logits = {name: logits_of(p, labels[name]) for name, p in p_true.items()}
    return Outputs(logits, labels, numbered(labels))


def even(low: float, high: float, n: int) -> np.ndarray:
    """Return n probabilities spread evenly."""
    return np.linspace(low, high, n)


def memorised(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model sure of what it saw (forget, retain), unsure of the rest, without overlap."""
    return _sure_of(("forget", "retain"), sizes)


def never_saw(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model sure of retain only: forget looks like test."""
    return _sure_of(("retain",), sizes)


def _sure_of(seen: tuple[str, ...], sizes: dict[str, int]) -> Outputs:
    return outputs_from(
        {name: even(0.95, 0.99, n) if name in seen else even(0.3, 0.6, n) for name, n in sizes.items()}
    )


def half_seen(sizes: dict[str, int] = SIZES) -> Outputs:
    """A model that remembers every other forget sample."""
    p = np.where(np.arange(sizes["forget"]) % 2 == 0, 0.97, 0.45)
    full = never_saw(sizes)
    labels = full.labels["forget"]
    return Outputs({**full.logits, "forget": logits_of(p, labels)}, full.labels, full.index)


def noisy(seed: int, sizes: dict[str, int] = SIZES) -> Outputs:
    """Overlapping Gaussian logits, retain shifted towards the label by 2, forget by 1."""
    rng = np.random.default_rng(seed)
    shift = {"forget": 1.0, "retain": 2.0}
    labels = {name: rng.integers(CLASSES, size=n) for name, n in sizes.items()}
    logits = {
        name: rng.normal(size=(n, CLASSES)) + shift.get(name, 0.0) * np.eye(CLASSES)[labels[name]]
        for name, n in sizes.items()
    }
    return Outputs(logits, labels, numbered(labels))


def pools(outputs: Outputs, p_inside: float, p_outside: float, models: int = 8, seed: int = 0) -> ShadowPools:
    """Return pools on forget whose probability of the true class lies around these values (±0.02)."""
    rng = np.random.default_rng(seed)
    labels_N = outputs.labels["forget"]

    def pool(p: float, count: int, member: bool) -> Pool:
        spread = rng.uniform(-0.02, 0.02, size=(count, len(labels_N)))
        logits_MNK = np.stack([logits_of(p + row, labels_N) for row in spread])
        return Pool(logits_MNK, np.full(spread.shape, member), outputs.index["forget"], labels_N)

    found = {"with_forget": pool(p_inside, models, True), "without_forget": pool(p_outside, models, False)}
    return ShadowPools(found, pool(p_outside, 1, False).logits[0])


def all_pools(outputs: Outputs, models: int = 8, seed: int = 7) -> ShadowPools:
    """Return pools of every kind on forget, retain and validation: Gaussian logits, members shifted by 2, others 0.5.

    Unlearned models lie between: they are shifted by 1.2 on forget.
    """
    rng = np.random.default_rng(seed)
    names = [name for name in ("forget", "retain", "validation") if name in outputs.labels]
    index_N = np.concatenate([outputs.index[name] for name in names])
    order = np.argsort(index_N)
    set_N = np.repeat(np.arange(len(names)), [len(outputs.index[name]) for name in names])[order]
    label_N = np.concatenate([outputs.labels[name] for name in names])[order]
    forget_N, trained_N = set_N == names.index("forget"), set_N <= names.index("retain")
    half = rng.permuted(np.tile(np.arange(models) % 2 == 0, (len(label_N), 1)), axis=1).T
    members = {
        "with_forget": np.tile(trained_N, (models, 1)),
        "without_forget": np.tile(trained_N & ~forget_N, (models, 1)),
        "halves": half,
        "unlearned": np.tile(trained_N, (models, 1)),
    }

    def pool(kind: str, member_MN: np.ndarray) -> Pool:
        shift_MN = np.where(member_MN, 2.0, 0.5)
        if kind == "unlearned":
            shift_MN[:, forget_N] = 1.2
        towards_MNK = shift_MN[..., None] * np.eye(CLASSES)[label_N]
        logits = (rng.normal(size=towards_MNK.shape) + towards_MNK).astype(np.float16)
        return Pool(logits, member_MN, index_N[order], label_N)

    forget_NK = np.eye(CLASSES)[outputs.labels["forget"]]
    reference = rng.normal(size=forget_NK.shape) + 0.5 * forget_NK
    return ShadowPools({kind: pool(kind, member) for kind, member in members.items()}, reference)


def leaky(
    seed: int,
    gap: float = 1.5,
    seen: bool = True,
    sizes: dict[str, int] = SIZES,
    models: int = 16,
) -> tuple[Outputs, ShadowPools]:
    """Return an evaluated model, and pools of every kind, whose margins are Gaussian by construction.

    Every sample has a difficulty d ~ N(0, 2²), the same for all models. A model that was not trained with it has the
    margin N(d, 1), one that was has N(d + gap, 1), one that unlearned it has N(d + gap/2, 1). The evaluated model was
    trained with retain, and with forget if `seen`; the reference was not trained with forget.
    """
    rng = np.random.default_rng(seed)
    labels = {name: rng.integers(CLASSES, size=n) for name, n in sizes.items()}
    index = numbered(labels)
    difficulty = {name: rng.normal(0, 2, n) for name, n in sizes.items()}

    def logits(margin_N: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
        return logits_of(1 / (1 + np.exp(-margin_N)), labels_N)

    trained = {"forget": seen, "retain": True}
    target = {s: rng.normal(difficulty[s] + gap * trained.get(s, False)) for s in sizes}
    names = [name for name in sizes if name != "test"]
    order = np.argsort(np.concatenate([index[name] for name in names]))
    label_N, difficulty_N, index_N = (
        np.concatenate([found[name] for name in names])[order] for found in (labels, difficulty, index)
    )
    set_N = np.repeat(names, [sizes[name] for name in names])[order]
    inside_N, forget_N = np.isin(set_N, ("forget", "retain")), set_N == "forget"
    half = rng.permuted(np.tile(np.arange(models) % 2 == 0, (len(label_N), 1)), axis=1).T
    members = {
        "with_forget": inside_N,
        "without_forget": inside_N & ~forget_N,
        "halves": half,
        "unlearned": inside_N,
    }

    def pool(kind: str) -> Pool:
        member_MN = np.broadcast_to(members[kind], (models, len(label_N)))
        lift_MN = gap * np.where((kind == "unlearned") & forget_N, 0.5, member_MN)
        margin_MN = rng.normal(difficulty_N + lift_MN)
        logits_MNK = np.stack([logits(margin_N, label_N) for margin_N in margin_MN]).astype(np.float16)
        return Pool(logits_MNK, member_MN, index_N, label_N)

    outputs = Outputs({s: logits(target[s], labels[s]) for s in sizes}, labels, index)
    reference = logits(rng.normal(difficulty["forget"]), labels["forget"])
    return outputs, ShadowPools({kind: pool(kind) for kind in members}, reference)
