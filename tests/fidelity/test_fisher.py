"""Fisher forgetting: ours equals the references; the Fisher information and the noise are known in closed form."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch

from .batches import normal
from .closed_forms import ONE_HOT, WEIGHT, X, Y, probabilities
from .harness import Run, assert_equal, run
from .networks import CLASSES, NETS, fresh_network, linear
from .references import fisher
from .references._weights import Tensors


def drawn_noise(ours: Run) -> Tensors:
    """Return the standard-normal draws by parameter."""
    names = [name for name, _ in ours.before.named_parameters()]
    return dict(zip(names, ours.draws("randn"), strict=True))


def compare_all_labels(
    kind: str, estimator: str = "notebook", scenario: dict[str, Any] | None = None
) -> None:
    """Sample by sample whatever the batch, or squares of batch means, the last batch short."""
    settings = {"alpha": 1e-6, "estimator": estimator, "batch_size": 4}
    task_fields = {} if scenario is None else {"scenario": scenario}
    ours = run("fisher", kind, settings, **task_fields)
    expected = fisher.reference(
        ours.original(),
        {"retain": ours.whole("retain")},
        noise=drawn_noise(ours),
        alpha=1e-6,
        number_of_classes=CLASSES,
        classes_to_forget=(scenario or {}).get("classes", ()),
        batch_size=1 if estimator == "notebook" else 4,
    )
    assert_equal(ours, expected)


def compare_empirical(kind: str) -> None:
    """The true label alone; the cap comes before the factor for the last dimension."""
    alpha = 1e-8
    ours = run("fisher", kind, {"alpha": alpha, "estimator": "empirical", "batch_size": 4})
    data = {"retain": ours.whole("retain")}
    information = fisher.empirical_fisher(ours.original(), data)
    capped = torch.cat([((alpha / f).sqrt() > 1e-3).reshape(-1) for f in information.values()])
    assert 0 < capped.sum() < len(capped)
    expected = fisher.reference_empirical(
        ours.original(), data, noise=drawn_noise(ours), alpha=alpha, factor_last_dimension=CLASSES
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "fisher": compare_all_labels,
    "fisher: a class": partial(compare_all_labels, scenario={"kind": "class", "classes": [1]}),
    "fisher: batch means": partial(compare_all_labels, estimator="batch_means"),
    "fisher: empirical": compare_empirical,
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_all_labels_of_a_linear_model() -> None:
    """E over labels of (p_c − 1[y=c])² x_j² is p_c (1 − p_c) x_j²; then the noise rules, worked out."""
    p = probabilities()
    expected = torch.stack([(p[:, c] * (1 - p[:, c])) @ X**2 for c in range(CLASSES)]) / len(X)
    model, draws = linear(WEIGHT), {"weight": normal(CLASSES, 2, seed=9)}
    information = fisher.all_label_fisher(model, {"retain": (X, Y)})
    torch.testing.assert_close(information["weight"], expected)
    rules: dict[str, Any] = {"alpha": 1e-3, "number_of_classes": CLASSES, "classes_to_forget": [1]}
    fisher.reference(model, {"retain": (X, Y)}, noise=draws, **rules)
    for c in range(CLASSES):
        variance = sum(1e-3 * min(1 / (float(f) + 1e-8), 1e2) for f in expected[c]) / 2 * 10
        row = WEIGHT[c] + math.sqrt(variance) * draws["weight"][c]
        if c == 1:
            row = math.sqrt(1e-4 * 10) * draws["weight"][c]
        torch.testing.assert_close(model.weight.detach()[c], row)


def test_caps_and_factors() -> None:
    """Zero Fisher: the caps show; vectors get one ×10, the last bias one ×10, kernels none."""
    model = fresh_network("small_conv")
    nothing = {n: torch.zeros_like(p) for n, p in model.named_parameters()}
    _, variance = fisher.mean_and_variance(model, nothing, alpha=1.0, number_of_classes=4)
    values = {n: sorted({float(x) for x in v.reshape(-1)}) for n, v in variance.items()}
    expected = {"body.0.weight": 1e3, "body.1.bias": 1e4, "body.3.weight": 1e3, "body.4.bias": 1e3}
    for name, value in {**expected, "head.bias": 1e4}.items():
        assert values[name] == [value]


def test_true_labels_of_a_linear_model() -> None:
    score = (ONE_HOT - probabilities())[:, :, None] * X[:, None, :]
    expected = ((score + 1e-8) ** 2).mean(0)
    draws = {"weight": normal(CLASSES, 2, seed=9)}
    model = fisher.reference_empirical(linear(WEIGHT), {"retain": (X, Y)}, noise=draws, alpha=1e-8)
    deviation = torch.clamp((1e-8 / expected).sqrt(), max=1e-3)
    torch.testing.assert_close(model.weight.detach(), WEIGHT + deviation * draws["weight"])
