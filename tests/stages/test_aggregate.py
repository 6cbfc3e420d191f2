"""Which class is taken for which, as aggregate writes it, under both evaluation transforms."""

from __future__ import annotations

import numpy as np

from reunlearn.stages.aggregate import _classes


def test_classes_under_both_transforms() -> None:
    labels, said, augmented = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1]), np.array([0, 0, 0, 1])
    arrays = {
        "forget_logits": np.eye(3, dtype=np.float16)[said],
        "forget_labels": labels,
        "forget_augmented_predicted": augmented,
        "test_logits": np.eye(3, dtype=np.float16)[said],
        "test_labels": labels,
    }
    table = _classes(arrays)
    columns = ["label", "predicted", "samples", "of"]
    found = {name: own[columns].to_numpy().tolist() for name, own in table.groupby("set")}
    assert found == {
        "forget": [[0, 0, 1, 2], [0, 2, 1, 2], [1, 1, 2, 2]],  # with what else they are taken for
        "forget_augmented": [[0, 0, 2, 2], [1, 1, 1, 2]],
        "test": [[0, 0, 1, 2], [1, 1, 2, 2]],
    }
