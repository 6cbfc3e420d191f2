"""What every attack keeps; a new file in attacks/ joins by being there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks.registry import AttackResult, Outputs, Shadows, get
from reunlearn.study.catalogue import plugin_names
from tests.attacks.synthetic import CLASSES, noisy

ATTACKS = plugin_names("attacks")
SETS = ("forget", "retain", "test")


def shadows_of(outputs: Outputs) -> Shadows:
    """Return pools of 4 + 4 noisy models and a reference on the forget set of `outputs`."""
    rng = np.random.default_rng(7)
    towards = np.eye(CLASSES)[outputs.labels["forget"]]
    inside, outside = (rng.normal(size=(4, *towards.shape)) + shift * towards for shift in (2.0, 0.5))
    return Shadows(inside, outside, rng.normal(size=towards.shape) + 0.5 * towards)


def attack(name: str, outputs: Outputs, shadows: Shadows, seed: int = 0) -> AttackResult:
    """Run an attack with what its card says it needs."""
    module = get(name)
    return module.run(outputs, shadows if module.CARD.shadows else None, seed)


def reorder(outputs: Outputs, shadows: Shadows, name: str, order: np.ndarray) -> tuple[Outputs, Shadows]:
    """Put the samples of one set in another order, everywhere they occur."""
    logits = {**outputs.logits, name: outputs.logits[name][order]}
    moved = replace(outputs, logits=logits, labels={**outputs.labels, name: outputs.labels[name][order]})
    if name == "forget":
        shadows = Shadows(shadows.inside[:, order], shadows.outside[:, order], shadows.reference[order])
    return moved, shadows


@pytest.mark.parametrize("name", ATTACKS)
def test_the_card_is_complete(name: str) -> None:
    card = get(name).CARD
    assert card.name == name
    texts = (card.title, card.compares, card.unit, card.direction, card.ideal, card.column_of, card.source)
    assert all(text.strip() and "\n" not in text for text in texts)
    assert card.direction.startswith(("higher is more leakage", "higher is less leakage"))
    assert set(card.ordered) <= set(SETS)


def test_no_two_attacks_share_a_title() -> None:
    titles = [get(name).CARD.title for name in ATTACKS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_inputs_give_the_same_result(name: str) -> None:
    outputs = noisy(1)
    first, second = (attack(name, outputs, shadows_of(outputs)) for _ in range(2))
    assert (first.value, first.details) == (second.value, second.details)
    np.testing.assert_array_equal(first.member_scores, second.member_scores)
    np.testing.assert_array_equal(first.other_scores, second.other_scores)


@pytest.mark.parametrize("set_name", SETS)
@pytest.mark.parametrize("name", ATTACKS)
def test_the_order_of_samples_matters_only_where_the_card_says_so(name: str, set_name: str) -> None:
    outputs = noisy(1)
    shadows = shadows_of(outputs)
    order = np.random.default_rng(2).permutation(len(outputs.labels[set_name]))
    ordered = set_name in get(name).CARD.ordered
    # a set whose first samples are taken may be shuffled within what is taken: 240 of each here
    if ordered:
        order = np.concatenate([np.random.default_rng(2).permutation(240), np.arange(240, len(order))])
    before, after = attack(name, outputs, shadows), attack(name, *reorder(outputs, shadows, set_name, order))
    assert after.value == pytest.approx(before.value, abs=1e-9)
    np.testing.assert_allclose(np.sort(after.member_scores), np.sort(before.member_scores), rtol=1e-9)
    np.testing.assert_allclose(np.sort(after.other_scores), np.sort(before.other_scores), rtol=1e-9)


@pytest.mark.parametrize("name", ATTACKS)
def test_numbers_and_scores_are_finite_in_half_precision_too(name: str) -> None:
    exact = noisy(1)
    outputs = replace(exact, logits={s: (300 * z).astype(np.float16) for s, z in exact.logits.items()})
    for given in (exact, outputs):
        result = attack(name, given, shadows_of(given))
        assert np.isfinite(result.value)
        assert np.isfinite(result.member_scores).all()
        assert np.isfinite(result.other_scores).all()
        assert len(result.member_scores) == len(given.labels["forget"])
        assert len(result.other_scores) > 0
        assert all(np.isfinite(v) for v in result.details.values())


@pytest.mark.parametrize("name", ATTACKS)
def test_the_inputs_are_left_alone(name: str) -> None:
    outputs = noisy(1)
    shadows = shadows_of(outputs)
    for arrays in (outputs.logits, outputs.labels, vars(shadows)):
        for array in arrays.values():
            array.setflags(write=False)
    attack(name, outputs, shadows)


@pytest.mark.parametrize("name", ATTACKS)
def test_more_leakage_moves_the_scores_up(name: str) -> None:
    """Every attack's scores tell a memorised forget set from one that was never seen."""
    seen = noisy(1)
    shift = 4 * np.eye(CLASSES)[seen.labels["forget"]]
    shadows = shadows_of(seen)
    leaking = replace(seen, logits={**seen.logits, "forget": seen.logits["forget"] + shift})
    assert attack(name, leaking, shadows).details["auc"] > attack(name, seen, shadows).details["auc"] + 0.1
