"""The classifier behind the SVC attacks, and its features other than p(true class), on outputs of known leakage."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest
from sklearn.svm import SVC

from reunlearn.attacks import (
    _svc,
    confidence_svc,
    svc_correctness,
    svc_entropy,
    svc_modified_entropy,
    svc_modified_entropy_released,
    svc_probability,
)
from reunlearn.metrics.classification import entropy, softmax
from reunlearn.metrics.confidence import modified_entropy, modified_entropy_released
from tests.attacks.synthetic import CLASSES, SIZES, half_seen, logits_of, memorised, never_saw, noisy

GRADED = (svc_entropy, svc_modified_entropy, svc_modified_entropy_released, svc_probability)


@pytest.mark.parametrize("attack", GRADED)
def test_none_half_and_all_are_called_non_members(attack: ModuleType) -> None:
    sizes = {**SIZES, "retain": SIZES["test"]}  # else the first test samples, a part of their range, teach
    found = [attack.run(make(sizes), None, 0).value for make in (memorised, half_seen, never_saw)]
    assert found == [0.0, 50.0, 100.0]


def right_of(share: dict[str, float]) -> object:
    """Return outputs of which this share of each set is right, spread evenly."""
    base = memorised()
    logits = {}
    for name, labels in base.labels.items():
        right = np.arange(len(labels)) % 10 < 10 * share[name]
        logits[name] = logits_of(np.where(right, 0.9, 0.05), labels)
    return replace(base, logits=logits)


def test_correctness_calls_wrong_samples_non_members() -> None:
    share = {"retain": 1.0, "test": 0.4, "validation": 0.4}
    for forget in (1.0, 0.5, 0.0):
        result = svc_correctness.run(right_of({**share, "forget": forget}), None, 0)
        assert result.value == pytest.approx(100 * (1 - forget))
        # ties: right ones win against wrong ones, and are level with right ones
        assert result.details["auc"] == pytest.approx(0.5 + (forget - 0.4) / 2, abs=0.01)


def test_rows_alike_given_once_are_the_same_problem() -> None:
    """With rounding that makes most rows alike: the same answers as scikit-learn on every row."""
    outputs = noisy(3)

    def rounded(logits_NK: np.ndarray, labels_N: np.ndarray) -> np.ndarray:
        return np.exp(logits_NK[np.arange(len(labels_N)), labels_N]).round(1)

    found = _svc.features(outputs, rounded, ("forget", "retain", "test"))
    assert len(np.unique(found["retain"])) < 0.7 * len(found["retain"])
    model, rows = _svc.fit(found)
    x = np.concatenate([found["retain"], found["test"][:240]])
    plain = SVC(C=3.0, gamma="auto").fit(x, np.repeat([1, 0], 240))
    grid = np.linspace(x.min(), x.max(), 200)[:, None]
    np.testing.assert_allclose(model.decision_function(grid), plain.decision_function(grid), atol=0.02)
    found_N = _svc.decisions(model, found["forget"])
    assert _svc.non_members(found_N) == 100 * (1 - plain.predict(found["forget"]).mean())
    assert rows == {"rows": 480, "rows_left_out_by_cap": 0}


@pytest.mark.parametrize("feature", [lambda z, y: entropy(z), lambda z, y: softmax(z)])
def test_answers_are_those_of_scikit_learn(feature: _svc.Feature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_svc, "BLOCK", 100)  # the last block is smaller
    found = _svc.features(noisy(1), feature, ("forget", "retain", "test"))
    model, _ = _svc.fit(found)
    decisions = _svc.decisions(model, found["forget"])
    np.testing.assert_allclose(decisions, model.decision_function(found["forget"]), atol=1e-9)
    np.testing.assert_array_equal(decisions >= 0, model.predict(found["forget"]) == 1)
    assert 0 < (decisions >= 0).mean() < 1


def test_the_right_and_the_released_modified_entropy_are_two_attacks() -> None:
    outputs = noisy(0)
    right, released = (a.run(outputs, None, 0) for a in (svc_modified_entropy, svc_modified_entropy_released))
    labels, logits = outputs.labels["forget"], outputs.logits["forget"]
    np.testing.assert_array_equal(right.member_scores, -modified_entropy(logits, labels))
    np.testing.assert_array_equal(released.member_scores, modified_entropy_released(logits, labels))
    assert right.value != released.value
    assert svc_modified_entropy.CARD.title != svc_modified_entropy_released.CARD.title


def test_probability_scores_are_the_classifier_on_samples_it_never_saw() -> None:
    outputs = noisy(0)
    found = _svc.features(outputs, lambda z, y: softmax(z), ("retain", "test", "validation"))
    x = np.concatenate([found["retain"], found["test"][:240]])
    assert x.shape == (480, CLASSES)
    plain = SVC(C=3.0, gamma="auto").fit(x, np.repeat([1, 0], 240))
    result = svc_probability.run(outputs, None, 0)
    alike = found["validation"][outputs.comparable("validation")]
    np.testing.assert_allclose(result.other_scores, plain.decision_function(alike), atol=0.01)
    assert svc_probability.run(memorised(), None, 0).details["auc"] == 1.0


@pytest.mark.parametrize("attack", [confidence_svc, svc_correctness, *GRADED])
def test_the_cap_is_told_and_stands_in_the_card(attack: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    assert str(_svc.MAX_ROWS) in attack.CARD.cost
    monkeypatch.setattr(_svc, "MAX_ROWS", 100)
    details = attack.run(noisy(0), None, 0).details
    assert (details["rows"], details["rows_left_out_by_cap"]) == (100, 380)
