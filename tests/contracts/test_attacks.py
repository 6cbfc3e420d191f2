"""What every attack keeps; a new file in attacks/ joins by being there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reunlearn.attacks.registry import AttackResult, ShadowPools, get
from reunlearn.metrics.outputs import Outputs
from reunlearn.metrics.separation import METRICS
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.shadows import Shadows
from tests.attacks.synthetic import CLASSES, all_pools, leaky, noisy

ATTACKS = plugin_names("attacks")
SETS = ("forget", "retain", "validation", "test")


def attack(name: str, outputs: Outputs, shadows: ShadowPools, seed: int = 0) -> AttackResult:
    """Run an attack with what its card says it needs."""
    module = get(name)
    return module.run(outputs, shadows if module.CARD.pools else None, seed)


def reorder(
    outputs: Outputs, shadows: ShadowPools, name: str, order: np.ndarray
) -> tuple[Outputs, ShadowPools]:
    """Put the samples of one set in another order, everywhere they occur."""
    moved = Outputs(
        *(
            {set_: array[order] if set_ == name else array for set_, array in arrays.items()}
            for arrays in vars(outputs).values()
        )
    )
    if name == "forget":
        shadows = replace(shadows, reference=shadows.reference[order])
    return moved, shadows


@pytest.mark.parametrize("name", ATTACKS)
def test_the_card_is_complete(name: str) -> None:
    card = get(name).CARD
    assert card.name == name
    texts = [value for value in vars(card).values() if isinstance(value, str)]
    assert len(texts) == 8
    assert all(text.strip() and "\n" not in text for text in texts)
    assert card.direction.startswith(("higher is more leakage", "higher is less leakage"))
    assert set(card.ordered) <= set(SETS)
    assert set(card.pools) <= set(Shadows.model_fields)
    assert ("pool" in card.cost) == bool(card.pools)


def test_no_two_attacks_share_a_title() -> None:
    titles = [get(name).CARD.title for name in ATTACKS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_same_inputs_give_the_same_result(name: str) -> None:
    outputs = noisy(1)
    first, second = (attack(name, outputs, all_pools(outputs)) for _ in range(2))
    assert (first.value, first.details) == (second.value, second.details)
    np.testing.assert_array_equal(first.member_scores, second.member_scores)
    np.testing.assert_array_equal(first.other_scores, second.other_scores)


@pytest.mark.parametrize("set_name", SETS)
@pytest.mark.parametrize("name", ATTACKS)
def test_the_order_of_samples_matters_only_where_the_card_says_so(name: str, set_name: str) -> None:
    outputs = noisy(1)
    shadows = all_pools(outputs)
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
        result = attack(name, given, all_pools(given))
        assert np.isfinite(result.value)
        assert np.isfinite(result.member_scores).all()
        assert np.isfinite(result.other_scores).all()
        assert len(result.member_scores) == len(given.labels["forget"])
        assert len(result.other_scores) > 0
        assert all(np.isfinite(v) for v in result.details.values())


@pytest.mark.parametrize("name", ATTACKS)
def test_the_inputs_are_left_alone(name: str) -> None:
    outputs = noisy(1)
    shadows = all_pools(outputs)
    pools = [vars(pool) for pool in shadows.pools.values()]
    for arrays in (*vars(outputs).values(), *pools, {"reference": shadows.reference}):
        for array in arrays.values():
            array.setflags(write=False)
    attack(name, outputs, shadows)


@pytest.mark.parametrize("name", ATTACKS)
def test_more_leakage_moves_the_scores_up(name: str) -> None:
    """Every attack's scores tell a memorised forget set from one that was never seen."""
    unseen, seen = (attack(name, *leaky(1, gap=4.0, seen=s)).details["auc"] for s in (False, True))
    assert unseen == pytest.approx(0.5, abs=0.15)
    assert seen > unseen + 0.05


@pytest.mark.parametrize("name", ATTACKS)
def test_other_names_for_the_classes_change_nothing(name: str) -> None:
    """Classes renumbered in labels and logits alike; trees see columns in another order and may break ties anew."""
    outputs = noisy(1)
    shadows = all_pools(outputs)
    new_of_old = np.random.default_rng(5).permutation(CLASSES)
    old_of_new = np.argsort(new_of_old)
    labels = {s: new_of_old[y] for s, y in outputs.labels.items()}
    renamed = replace(
        outputs, logits={s: z[..., old_of_new] for s, z in outputs.logits.items()}, labels=labels
    )
    pools = {
        kind: replace(pool, logits=pool.logits[..., old_of_new], label=new_of_old[pool.label])
        for kind, pool in shadows.pools.items()
    }
    before = attack(name, outputs, shadows)
    after = attack(name, renamed, ShadowPools(pools, shadows.reference[:, old_of_new]))
    near = {"abs": 0.1} if name == "shadow_xgboost" else {"rel": 1e-6, "abs": 1e-6}
    assert after.value == pytest.approx(before.value, **near)
    assert after.details["auc"] == pytest.approx(before.details["auc"], **near)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_metric_comes_with_its_interval(name: str) -> None:
    outputs = noisy(1)
    details = attack(name, outputs, all_pools(outputs)).details
    for metric in METRICS:
        assert 0 <= details[f"{metric}_low"] <= details[f"{metric}_high"] <= 1
        assert details[f"{metric}_low"] - 0.05 <= details[metric] <= details[f"{metric}_high"] + 0.05
    assert details["auc_low"] < details["auc"] < details["auc_high"]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_reads_validation_if_and_only_if_its_card_says_so(name: str) -> None:
    outputs = noisy(1)
    shadows = all_pools(outputs)
    without = Outputs(
        *({s: a for s, a in arrays.items() if s != "validation"} for arrays in vars(outputs).values())
    )
    if "validation" in get(name).CARD.sets:
        with pytest.raises(KeyError, match="validation"):
            attack(name, without, shadows)
    else:
        assert attack(name, without, shadows).value == attack(name, outputs, shadows).value
