"""Relearn time: counted by hand with a network of one weight that grows by a known step."""

from __future__ import annotations

import numpy as np
from torch import nn

from reunlearn.data.images import ImageSamples
from reunlearn.measures import relearn_time
from reunlearn.measures.registry import Measured, MeasureInputs, Network
from reunlearn.metrics.outputs import Outputs
from reunlearn.objectives.classification import make
from reunlearn.study.recipes import Recipe

COUNT = 24
FORGET = np.arange(1, COUNT, 4)  # all of class 1


def samples(index: np.ndarray) -> ImageSamples:
    """Return samples of two classes told by brightness."""
    x = np.zeros((COUNT, 1, 2, 2), dtype=np.uint8)
    x[1::2] = 255
    return ImageSamples(x[index], index % 2, index, (0.5,), (0.5,))


def model() -> nn.Module:
    """Return a network that calls everything class 0 at first."""
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.1), nn.Linear(4, 2))
    nn.init.zeros_(network[2].weight)
    network[2].bias.data[:] = network[2].bias.data.new_tensor([1.0, -1.0])
    return network


def original(target: float) -> Outputs:
    """Return what an original answers on forget that is right on `target` per cent of two hundred samples."""
    right_N = np.arange(200) < 2 * target
    logits_NK = np.eye(2)[right_N.astype(int)] + 0 * target
    return Outputs({"forget": logits_NK}, {"forget": np.ones(200, dtype=int)}, {})


def measured(target: float, cap: int = 8, rate: float = 0.05, bias: float = 0.0) -> Measured:
    """Measure; `target`: the original's forget accuracy, NaN for outputs of NaN; `bias`: added to all logits."""
    subject = model()
    subject[2].bias.data += bias
    network = Network(
        model=subject,
        sets={"forget": samples(FORGET)},
        objective=make(2, 0.0),
        training_objective=make(2, 0.0),
        recipe=Recipe(epochs=2, batch_size=6, learning_rate=rate, schedule="cosine"),
        split={"forget": FORGET, "retain": np.setdiff1d(np.arange(COUNT), FORGET)},
        samples=samples,
        random_model=lambda seed: model(),
    )
    return relearn_time.run(MeasureInputs(settings={"cap": cap}, network=network, original=original(target)))


def accuracies(result: Measured) -> list[float]:
    """Return the forget accuracy before the first epoch and after each."""
    table = result.tables["relearning"]
    np.testing.assert_array_equal(table["epoch"], np.arange(len(table["epoch"])))
    return table["accuracy_forget"].tolist()


def test_what_is_still_known_takes_no_epoch() -> None:
    result = measured(target=0.0)
    assert result.numbers == {"relearn_epochs": 0, "relearn_reached": 1}
    assert accuracies(result) == [0]


def test_epochs_are_counted_until_the_accuracy_is_back() -> None:
    result = measured(target=100.0)
    history = accuracies(result)
    assert history[-1] == 100
    assert all(accuracy < 100 for accuracy in history[:-1])
    assert result.numbers == {"relearn_epochs": len(history) - 1, "relearn_reached": 1}
    assert result.numbers["relearn_epochs"] > 0
    slower = measured(target=100.0, cap=200, rate=0.005)
    assert slower.numbers["relearn_epochs"] > result.numbers["relearn_epochs"]


def test_an_accuracy_that_never_comes_back_is_capped() -> None:
    result = measured(target=100.0, cap=3, rate=1e-9)
    assert result.numbers == {"relearn_epochs": 3, "relearn_reached": 0}
    assert len(accuracies(result)) == 4
    diverged = measured(target=100.0, cap=3, rate=1e38)
    assert diverged.numbers == {"relearn_epochs": 3, "relearn_reached": 0}


def test_outputs_that_are_not_finite_have_no_relearn_time() -> None:
    nothing = {"relearn_epochs": None, "relearn_reached": None}
    broken = measured(target=100.0, bias=float("nan"))
    assert (broken.numbers, broken.status) == (nothing, "diverged")
    unknown = measured(target=float("nan"))
    assert (unknown.numbers, unknown.status) == (nothing, "finished")
    assert len(accuracies(unknown)) == 1  # nothing was trained
