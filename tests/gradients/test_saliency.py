from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from reunlearn.gradients.saliency import ratio_mask, summed_gradients, top_fraction

SCORES = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=6), min_size=1, max_size=4)


@given(SCORES, st.floats(0, 1))
def test_top_fraction_keeps_the_highest_of_all(scores: list[list[int]], fraction: float) -> None:
    tensors = [torch.tensor(s, dtype=torch.float64) for s in scores]
    masks = top_fraction(tensors, fraction)
    values = [v for s in scores for v in s]
    kept = [v for s, m in zip(scores, masks, strict=True) for v, k in zip(s, m.tolist(), strict=True) if k]
    assert [m.shape for m in masks] == [t.shape for t in tensors]
    assert sorted(kept, reverse=True) == sorted(values, reverse=True)[: int(fraction * len(values))]


NUMBERS = st.one_of(
    st.integers(0, 3).map(float), st.sampled_from([float("nan"), float("inf"), -float("inf")])
)


@given(st.lists(NUMBERS, min_size=1, max_size=12), st.floats(0, 1))
def test_top_fraction_takes_the_first_of_equals_as_a_stable_sort_does(
    scores: list[float], fraction: float
) -> None:
    score_P = torch.tensor(scores)
    order = score_P.argsort(descending=True, stable=True)[: int(fraction * len(scores))]
    (mask_P,) = top_fraction([score_P], fraction)
    assert mask_P.nonzero()[:, 0].tolist() == sorted(order.tolist())


def test_ratio_mask_of_zeros_is_one() -> None:
    numerators = [torch.tensor([0.0, 0.0, 2.0, 1.0])]
    denominators = [torch.tensor([0.0, 1.0, 1.0, 2.0])]
    assert ratio_mask(numerators, denominators, 1.0)[0].tolist() == [True, False, True, False]


def test_summed_gradients_add_up_signs() -> None:
    w = torch.tensor([1.0, 1.0], requires_grad=True)
    (total,) = summed_gradients((w @ torch.tensor(x) for x in ([1.0, 2.0], [-1.0, 3.0])), [w])
    assert total.tolist() == [0.0, 5.0]
