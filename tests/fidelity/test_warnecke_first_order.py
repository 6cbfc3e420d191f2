"""The first-order correction of labels: ours equals the reference, whose step is known in closed form."""

from __future__ import annotations

import pytest
import torch

from .closed_forms import WEIGHT, X, Y, misclassified
from .harness import assert_equal
from .label_correction_runs import clean_labels, correction, order_of_points, training_data
from .networks import NETS, linear
from .references import warnecke_first_order
from .references._label_points import last_tensors
from .references._losses import cross_entropy_sum
from .references._weights import add_to, gradients
from .sets import SIZES


def compare_misclassified(kind: str) -> None:
    """Flipped labels: four of the misclassified samples, the last six tensors."""
    ours = correction("warnecke_first_order", kind, tau=0.02, largest=4)
    expected = warnecke_first_order.reference(
        ours.original(),
        {"training": training_data(ours)},
        tau=0.02,
        order=order_of_points(ours, 4),
        maximum=4,
    )
    assert_equal(ours, expected)


def compare_forget(kind: str) -> None:
    """The forget set instead: taught wrong, it gets the true label; taught right, it goes."""
    ours = correction("warnecke_first_order", kind, tau=0.02, points="forget", last_tensors=3)
    (x, taught), clean = ours.whole("forget"), clean_labels()[: SIZES["forget"]]
    right = taught == clean
    assert 0 < right.sum() < len(right)
    expected = warnecke_first_order.reference(
        ours.original(), {"training": (x, clean)}, tau=0.02, tensors=3, labels_of_z=taught
    )
    start = ours.original().eval()
    lost = gradients(cross_entropy_sum(start(x[right]), taught[right]), last_tensors(start, 3))
    add_to(last_tensors(expected, 3), lost, 0.02)
    assert_equal(ours, expected)


COMPARISONS = {
    "warnecke_first_order": compare_misclassified,
    "warnecke_first_order: forget": compare_forget,
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_step_in_closed_form() -> None:
    """∇CE(x, clean) − ∇CE(x, predicted) = (e_predicted − e_clean) xᵀ."""
    wrong, swap = misclassified()
    assert 2 <= int(wrong.sum()) < len(X)
    model = warnecke_first_order.reference(linear(WEIGHT), {"training": (X, Y)}, tau=0.01)
    torch.testing.assert_close(model.weight.detach(), WEIGHT - 0.01 * swap[wrong].T @ X[wrong])
