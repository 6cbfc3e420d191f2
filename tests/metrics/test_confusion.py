"""The confusion matrix against scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix

from reunlearn.metrics.confusion import confusion


def test_confusion_against_scikit_learn():
    draw = np.random.default_rng(0)
    predicted, labels = draw.integers(0, 5, 60), draw.integers(0, 4, 60)
    found = confusion(predicted, labels, 5)
    assert (found == confusion_matrix(labels, predicted, labels=range(5))).all()
    assert (found != found.T).any()  # so that exchanged arguments would be seen
    assert found[4].sum() == 0
