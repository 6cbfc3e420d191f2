"""PGU in its modes equals its references, from the moments that were kept in training."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from torch import Tensor, nn

from reunlearn.training.state import layer_inputs
from reunlearn.unlearning.methods import pgu as our_pgu

from .fitted import fitted
from .harness import NETS, assert_equal
from .mutations import Mutation
from .pgu_runs import (
    CHANCE,
    ENERGY,
    EPOCHS,
    SIZES,
    SPACES,
    best_before_the_fall,
    data_of,
    first_not_behind,
    passes,
    pgu_run,
    told,
    two_steps,
    write_state,
)
from .references import pgu, pgu_depoisoning
from .references.pgu_space import core_bases, full_space, projections, retain_space, second_moments

METHOD = "reunlearn.unlearning.methods.pgu"


def original(kind: str) -> nn.Module:
    """Return a network that knows what it has seen better than what it has not."""
    return fitted(kind, SIZES, steps=150)


def compare_removal(kind: str, reading: str) -> None:
    """Data removal, which ends by the gap between validation and forget."""
    ours, full = pgu_run(kind, reading, original(kind), {})
    data = data_of(ours, full)
    given = {"gamma": ENERGY[reading], **SPACES[reading], **told(kind)}
    before = copy.deepcopy(ours.before)

    def removed(epochs: int) -> nn.Module:
        shorter = data | {"forget": data["forget"][:epochs]}
        return pgu.reference(copy.deepcopy(before), shorter, mode="none", **given)

    if reading == "paper":
        expected = first_not_behind(data, removed)
    else:
        assert 1 < len(ours.logged) < EPOCHS, "the rule decides nothing"
        expected = pgu.reference(before, data, mode="data", tie="previous", **given)
    assert_equal(ours, expected)


def compare_class(kind: str, reading: str) -> None:
    """Class removal: ends at chance, shuffled batches, C_f on augmented images."""
    as_released = {"mode": "class", "stop": "chance", "shuffle": True, "moments_augmented": True}
    as_released |= {"energy": 0.4, "energy_by_layer": "head=0.3"}
    labels = {"forget": [1] * SIZES["forget"]}
    model = fitted(kind, SIZES, labels, steps=150)
    ours, full = pgu_run(kind, reading, model, as_released, labels)
    given = {"gamma": {"": 0.4, "head": 0.3}, "extra": 1, **SPACES[reading], **told(kind), **CHANCE}
    expected = pgu.reference(copy.deepcopy(ours.before), data_of(ours, full), **given)
    assert 1 < len(ours.logged) < EPOCHS, "the rule decides nothing"
    assert_equal(ours, expected)


def compare_steps(kind: str, reading: str) -> None:
    """Two removals, one after the other."""
    ours, expected = two_steps(kind, reading, original(kind))
    assert_equal(ours, expected)


def compare_depoisoning(kind: str, reading: str, scaled: int | None = None) -> None:
    """Wrong labels go; the space is that of the clean samples, the last layer has a trust region."""
    chosen = {"mode": "depoisoning", "stop": "best", "space": "retain", "augmented": True, "energy": 0.95}
    kept = our_pgu.SCALED
    try:
        our_pgu.SCALED = scaled or kept
        ours, _ = pgu_run(kind, reading, original(kind), chosen)
    finally:
        our_pgu.SCALED = kept
    _, epochs = passes(ours)
    clean = ours.of("retain")
    assert [d.augmented for d in clean] == [False]
    given = told(kind) | {
        "gamma": 0.95,
        "rule": reading,
        "other_classes": reading == "code",
        "trust_size": scaled,
    }

    def mended(count: int) -> nn.Module:
        assert count <= len(epochs), "ours ended too early"
        data = {"clean": [(d.x, d.y) for d in clean], "forget": epochs[:count]}
        return pgu_depoisoning.reference(copy.deepcopy(ours.before), data, last="head", **given)

    assert_equal(ours, best_before_the_fall(ours.all("validation"), mended))


def compare_space(kind: str, reading: str) -> None:
    """The moments of the state, and the projections of the method from them."""
    model = original(kind)
    with tempfile.TemporaryDirectory() as folder:
        full = write_state(kind, model, Path(folder))
        found = layer_inputs.read(Path(folder))
    expected = second_moments(model, full)
    assert_close(found, expected)
    ours, full = pgu_run(kind, reading, model, {})
    forget = [passes(ours)[0]]
    space = retain_space(
        full_space(model, full), second_moments(model, forget), SPACES[reading]["indefinite"]
    )
    matrices = projections(core_bases(space, ENERGY[reading], rule=SPACES[reading]["rule"]))
    assert ours.task is not None
    ranks = {name: round(float(p.trace())) for name, p in matrices.items()}
    assert any(0 < rank < len(matrices[name]) for name, rank in ranks.items())
    with tempfile.TemporaryDirectory() as folder:
        write_state(kind, model, Path(folder))
        ours.task.state = {"layer_inputs": Path(folder)}
        bases = ours.method.bases(copy.deepcopy(model), ours.task)
    assert_close({name: m_DK @ m_DK.T for name, m_DK in bases.items()}, matrices)


def assert_close(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    """Refuse matrices that differ by more than 1e-9 of their largest entry."""
    assert list(found) == list(expected)
    for name, matrix in expected.items():
        assert float((found[name] - matrix).abs().max()) <= 1e-9 * max(1.0, float(matrix.abs().max())), name


COMPARISONS: dict[str, Callable[[str], None]] = {}
for reading in ("paper", "code"):
    COMPARISONS |= {
        f"pgu@{reading}": partial(compare_removal, reading=reading),
        f"pgu@{reading}:class": partial(compare_class, reading=reading),
        f"pgu@{reading}:steps": partial(compare_steps, reading=reading),
        f"pgu@{reading}:depoisoning": partial(compare_depoisoning, reading=reading),
        f"pgu@{reading}:space": partial(compare_space, reading=reading),
    }
COMPARISONS["pgu@code:depoisoning, few scaled"] = partial(compare_depoisoning, reading="code", scaled=1)

MUTATIONS: dict[str, Mutation] = {
    "pgu@paper": (METHOD, "(reverse_B - self.entropy", "(reverse_B + self.entropy"),
    "pgu@code": (METHOD, "epoch / self.epochs", "(epoch - 1) / self.epochs"),
    "pgu@code:class": (
        METHOD,
        'self.reading == "paper" or self.mode == "class"',
        'self.reading == "paper"',
    ),
    "pgu@paper:depoisoning": (
        "reunlearn.gradients.trust_region",
        "self.scale_KK - scale_rate",
        "self.scale_KK + scale_rate",
    ),
    "pgu@code:depoisoning": (METHOD, "(reverse_B + self.entropy", "(reverse_B - self.entropy"),
    "pgu@code:depoisoning, few scaled": (METHOD, "scaled_DK[:, -SCALED:]", "scaled_DK[:, :SCALED]"),
    "pgu@code:steps": (METHOD, "definite(m, indefinite)", "m"),
    "pgu@code:space": ("reunlearn.gradients.subspace", "order[:rank]", "order.flip(0)[:rank]"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)
