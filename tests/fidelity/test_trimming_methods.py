"""Scissorhands equals its reference."""

from __future__ import annotations

import copy
from functools import partial

import pytest
from torch import nn

from .harness import NETS, Run, assert_equal, run
from .mutations import Mutation
from .references import scissorhands as scissorhands_reference
from .references.plain_parts import Batch, Tensors, parameters_of

METHOD, GRADIENTS = "reunlearn.unlearning.methods.", "reunlearn.gradients."
EPOCHS, TRIMMED, MEMORIES, SIZE, RATE = 2, 2, 2, 4, 0.05


def fresh_values(ours: Run, names: list[str]) -> Tensors:
    """Return the values that weights are re-initialised with: drawn for weights, 0 for biases."""
    drawn = iter(ours.randoms("uniform_"))
    parameters = parameters_of(ours.before, names)
    return {n: 0 * p.detach() if n.endswith("bias") else next(drawn) for n, p in parameters.items()}


def stages(ours: Run) -> dict[str, list]:
    """Return the batches of trimming, and per epoch those of memories, forget and retain."""
    forget = [(d.x, d.y) for d in ours.of("forget")]
    retain = [(d.x, d.y) for d in ours.of("retain")]
    rest, per_forget, per_retain = forget[TRIMMED:], MEMORIES + 2, 3
    assert len(rest) == EPOCHS * per_forget and len(retain) == EPOCHS * per_retain
    cut: list[list[Batch]] = [rest[e * per_forget : (e + 1) * per_forget] for e in range(EPOCHS)]
    return {
        "snip": forget[:TRIMMED],
        "memory": [c[:MEMORIES] for c in cut],
        "forget": [c[MEMORIES:] for c in cut],
        "retain": [retain[e * per_retain : (e + 1) * per_retain] for e in range(EPOCHS)],
    }


def inside(model: nn.Module, parts: str) -> list[str]:
    """Return the parameters of the last layer, or of the whole network."""
    return [name for name, _ in model.named_parameters() if name.startswith(parts)]


def compare(kind: str, parts: str = "", every: int = 1, sparsity: float = 0.6) -> None:
    """Two batches for trimming and two memories; the forget set is through before the retain set is."""
    settings = {"epochs": EPOCHS, "batch_size": SIZE, "learning_rate": RATE, "sparsity": sparsity}
    settings |= {"forget_weight": 0.9, "trim_batches": TRIMMED, "memories": MEMORIES, "project_every": every}
    ours = run("scissorhands", kind, {**settings, "trimmed": parts, "projected": parts})
    norms = [n for n, m in ours.before.named_modules() if isinstance(m, nn.BatchNorm2d)]
    names = inside(ours.before, parts)
    eligible = [n for n in names if n.rpartition(".")[0] not in norms]
    expected = scissorhands_reference.reference(
        copy.deepcopy(ours.before),
        stages(ours),
        sparsity=sparsity,
        lambda_=0.9,
        fresh=fresh_values(ours, eligible),
        reinitialised=eligible,
        projected=names,
        learning_rate=RATE,
        project_every=every,
        memory_at="current",
        memory_train_mode=False,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "scissorhands": compare,
    "scissorhands@last layer": partial(compare, parts="head", every=2),
}

MUTATIONS: dict[str, Mutation] = {
    "scissorhands": (GRADIENTS + "reinitialisation", "s > threshold", "s < threshold"),
    "scissorhands@last layer": (METHOD + "scissorhands", "-task.loss(still", "task.loss(still"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
