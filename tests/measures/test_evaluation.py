"""What an evaluation measures beyond accuracy: both transforms, ZRF, entropies; with outputs that are not finite."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.measures import evaluation
from reunlearn.measures._logits import logits
from reunlearn.measures.registry import Measured, MeasureInputs, Network, Table
from reunlearn.metrics.classification import accuracy, entropy
from reunlearn.metrics.divergence import zrf, zrf_released
from reunlearn.metrics.histograms import BINS, counts_of
from reunlearn.metrics.outputs import LEFT_OUT, Outputs
from reunlearn.objectives.classification import make
from reunlearn.study.recipes import Recipe

CLASSES = 3
NOTHING = np.array([], dtype=np.int64)
PLAIN_SPLIT = dict.fromkeys(("test_forgotten", "forgotten_classes", "taught_index", "taught_label"), NOTHING)


def samples(begin: int, end: int, names: tuple[str, ...] = ()) -> ImageSamples:
    """Return noise images with these numbers; class k holds each third of them."""
    rows = np.arange(begin, end)
    x = np.random.default_rng(0).integers(0, 256, (60, 1, 4, 4)).astype(np.uint8)[rows]
    augmentation = Augmentation(names, crop_padding=2)
    return ImageSamples(x, rows % CLASSES, rows, (0.5,), (0.25,), augmentation=augmentation)


def random_model(seed: int) -> nn.Module:
    """Return a linear network whose weights are the seed's."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layer = nn.Linear(16, CLASSES)
        nn.init.normal_(layer.weight)
    return nn.Sequential(nn.Flatten(), layer)


def measured(
    names: tuple[str, ...] = (),
    bad: float = 0.0,
    split: dict[str, np.ndarray] = PLAIN_SPLIT,
    more: dict[str, ImageSamples] | None = None,
) -> Measured:
    """Evaluate a network under a recipe with these augmentations; `bad` is added to its last logit; `more`: sets."""
    model = random_model(1)
    model[1].bias.data[-1] += bad
    network = Network(
        model=model,
        sets={
            "forget": samples(0, 15, names),
            "retain": samples(15, 40, names),
            "test": samples(40, 60, names),
            **(more or {}),
        },
        objective=make(CLASSES, 0.0),
        training_objective=make(CLASSES, 0.0),
        recipe=Recipe(epochs=1, batch_size=1, learning_rate=1.0, augmentation=names),
        split=split,
        samples=no_samples,
        random_model=random_model,
    )
    return evaluation.run(MeasureInputs(network=network))


def no_samples(index: np.ndarray) -> Any:
    raise AssertionError("an evaluation looks at the sets alone")


def test_augmented_accuracies_only_where_the_recipe_augments() -> None:
    without = measured()
    plain = without.numbers
    assert not [name for name in (*plain, *without.arrays) if "augmented" in name]
    both = measured(("crop",))
    assert {n for n in both.numbers if n.endswith("_augmented")} == {
        f"accuracy_{s}_augmented" for s in ("forget", "retain")
    }
    assert both.numbers["accuracy_retain"] == plain["accuracy_retain"]  # measured as before
    assert both.numbers["accuracy_retain_augmented"] != both.numbers["accuracy_retain"]
    generator = torch.Generator().manual_seed(evaluation.AUGMENTATION_SEED)
    batches = samples(15, 40, ("crop",)).batches(250, generator, augmented=True)
    with torch.inference_mode():
        expected_NK = random_model(1)(torch.cat([batch.x for batch in batches])).numpy()
    assert both.numbers["accuracy_retain_augmented"] == accuracy(expected_NK, np.arange(15, 40) % CLASSES)
    assert (both.arrays["retain_augmented_predicted"] == expected_NK.argmax(axis=1)).all()
    np.testing.assert_allclose(
        both.arrays["retain_augmented_entropy"], entropy(expected_NK.astype(np.float16)), rtol=1e-3
    )


def test_zrf_is_against_an_untrained_network_on_forget() -> None:
    result = measured()
    untrained_NK = logits(random_model(evaluation.INCOMPETENT_SEED), samples(0, 15), make(CLASSES, 0.0))
    assert result.numbers["zrf"] == zrf(result.arrays["forget_logits"], untrained_NK)
    assert result.numbers["zrf_released"] == zrf_released(result.arrays["forget_logits"], untrained_NK)
    assert result.numbers["zrf"] < 0.999
    expected = entropy(result.arrays["test_logits"]).mean()
    assert result.numbers["entropy_test"] == pytest.approx(expected)
    assert result.status == "finished"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_outputs_that_are_not_finite_are_a_result(bad: float) -> None:
    """One class's logit is bad for every sample."""
    result = measured(("crop",), bad)
    assert result.status == "diverged"
    assert math.isnan(result.numbers["entropy_forget"])
    accuracies = {name: value for name, value in result.numbers.items() if name.startswith("accuracy_")}
    assert len(accuracies) == 5
    assert all(math.isnan(value) for value in accuracies.values())
    assert not [name for name in result.arrays if name.endswith("_predicted")]
    assert set(map(len, result.tables["classes"].values())) == {0}
    whole = measured(("crop",)).tables["classes"]  # the control
    assert {k: v.dtype.kind for k, v in result.tables["classes"].items()} == {
        k: v.dtype.kind for k, v in whole.items()
    }
    assert set(whole["set"]) == {"forget", "retain", "test", "forget_augmented", "retain_augmented"}
    np.testing.assert_array_equal(result.arrays["test_logits"][:, -1], np.full(20, bad))
    assert np.isfinite(result.arrays["test_logits"][:, :-1]).all()


def test_a_set_that_is_finite_keeps_its_accuracy_beside_one_that_is_not() -> None:
    outputs = Outputs(
        logits={"forget": np.eye(3), "test": np.where(np.eye(3), np.nan, 0.0)},
        labels={"forget": np.arange(3), "test": np.arange(3)},
        index={"forget": np.arange(3), "test": np.arange(3)},
    )
    assert set(evaluation.table_of_classes(outputs, {})["set"]) == {"forget"}
    assert accuracy(outputs.logits["forget"], np.arange(3)) == 100
    assert math.isnan(accuracy(outputs.logits["test"], np.arange(3)))


def test_what_only_half_precision_cannot_hold_is_finished() -> None:
    """The control of the test above: a finite logit beyond the largest float16 is clipped to it."""
    result = measured(bad=1e6)
    assert result.status == "finished"
    assert (result.arrays["test_logits"][:, -1] == np.finfo(np.float16).max).all()
    assert result.numbers["entropy_forget"] == 0


def test_how_far_forget_and_test_accuracy_are_apart() -> None:
    numbers = measured().numbers
    assert numbers["forget_test_gap"] == abs(numbers["accuracy_forget"] - numbers["accuracy_test"]) > 0


def test_the_outputs_of_forgotten_classes_are_removed() -> None:
    """Class 2 always wins; without its output the others are answered as before."""
    split = {**PLAIN_SPLIT, "forgotten_classes": np.array([2])}
    result, plain = measured(bad=1e4, split=split), measured(split=split)
    names = ("accuracy_retain_masked", "accuracy_test_retained_masked", "entropy_forget_masked")
    assert [result.numbers[n] for n in names] == [plain.numbers[n] for n in names]
    assert result.numbers["accuracy_retain"] != result.numbers["accuracy_retain_masked"]
    counted = result.tables["histograms"]
    lines = counted["quantity"] == "entropy_masked"
    assert set(counted["set"][lines]) == {"forget"} and counted["count"][lines].sum() == 15
    without = measured()  # no class is forgotten
    assert not [n for n in without.numbers if n.endswith("_masked")]
    assert "entropy_masked" not in without.tables["histograms"]["quantity"]


def test_test_samples_that_are_left_out_are_measured_apart() -> None:
    test, left_out = samples(40, 55), samples(55, 60)
    result = measured(more={"test": test, LEFT_OUT: left_out})
    numbers = result.numbers
    assert (numbers["size_test"], numbers["size_test_forgotten"]) == (15, 5)
    assert numbers["accuracy_test_retained"] == numbers["accuracy_test"]
    expected = accuracy(result.arrays["test_forgotten_logits"], left_out.y.numpy())
    assert numbers["accuracy_test_forgotten"] == expected
    assert set(Outputs.of_arrays(result.arrays).logits) == {"forget", "retain", "test", LEFT_OUT}


def test_forgotten_and_retained_classes_of_test_are_told_apart() -> None:
    """A network that always answers class 2: all of the test samples of class 2 are right, no others."""
    gone = np.flatnonzero(np.arange(40, 60) % CLASSES == 2) + 40
    numbers = measured(bad=1e6, split={**PLAIN_SPLIT, "test_forgotten": gone}).numbers
    assert (numbers["accuracy_test_forgotten"], numbers["accuracy_test_retained"]) == (100, 0)
    assert not [name for name in measured().numbers if name.startswith("accuracy_test_")]


def test_what_was_taught_wrongly_is_measured_beside_the_truth() -> None:
    """Every forget sample was taught class 2, which the network always answers."""
    taught = {"taught_index": np.arange(15), "taught_label": np.full(15, 2)}
    numbers = measured(bad=1e6, split={**PLAIN_SPLIT, **taught}).numbers
    assert numbers["accuracy_forget_taught"] == 100
    assert numbers["accuracy_forget"] == pytest.approx(100 / 3)
    assert "accuracy_forget_taught" not in measured().numbers


def test_every_forget_and_test_sample_has_a_line() -> None:
    result = measured()
    table = result.tables["samples"]
    assert table["set"].tolist() == ["forget"] * 15 + ["test"] * 20
    np.testing.assert_array_equal(table["index"], np.r_[np.arange(15), np.arange(40, 60)])
    for name in ("forget", "test"):
        lines = table["set"] == name
        assert table["loss"][lines].mean() == pytest.approx(result.numbers[f"loss_{name}"], rel=1e-5)
        assert table["entropy"][lines].mean() == pytest.approx(result.numbers[f"entropy_{name}"], rel=1e-5)


def test_the_histograms_count_every_sample_once() -> None:
    tables = measured().tables
    for quantity in ("loss", "entropy"):
        for name in ("forget", "test"):
            values = tables["samples"][quantity][tables["samples"]["set"] == name]
            bins = tables["histograms"]
            lines = (bins["quantity"] == quantity) & (bins["set"] == name)
            counts = np.bincount(bins["bin"][lines], bins["count"][lines], minlength=BINS)
            assert counts.sum() == len(values) > 0
            assert np.abs(counts - counts_of(values)).sum() <= 2  # float32 may cross an edge
    assert set(map(len, measured(bad=math.nan).tables["histograms"].values())) == {0}


def test_how_well_loss_and_entropy_tell_forget_from_test() -> None:
    result = measured()
    table, forget = result.tables["samples"], result.tables["samples"]["set"] == "forget"
    for quantity in ("loss", "entropy"):
        pairs = table[quantity][forget][:, None] - table[quantity][~forget]
        slow = (pairs < 0).mean() + 0.5 * (pairs == 0).mean()
        assert result.numbers[f"{quantity}_auc"] == pytest.approx(slow, abs=0.01)
        assert math.isnan(measured(bad=math.nan).numbers[f"{quantity}_auc"])


def by_set(table: Table) -> dict[str, list[list[int]]]:
    """Return {set: its lines (true_class, predicted, samples, of)}."""
    lines = np.stack([table[name] for name in ("true_class", "predicted", "samples", "of")], axis=1)
    return {str(name): lines[table["set"] == name].tolist() for name in np.unique(table["set"])}


def test_classes_under_both_transforms() -> None:
    labels_N, predicted_N = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 1])
    logits_NK = np.eye(3, dtype=np.float16)[predicted_N]
    outputs = Outputs(
        logits={"forget": logits_NK, "test": logits_NK},
        labels={"forget": labels_N, "test": labels_N},
        index={"forget": np.arange(4), "test": np.arange(4)},
    )
    table = evaluation.table_of_classes(outputs, {"forget": np.array([0, 0, 0, 1])})
    assert by_set(table) == {
        "forget": [[0, 0, 1, 2], [0, 2, 1, 2], [1, 1, 2, 2]],  # with what else they are taken for
        "forget_augmented": [[0, 0, 2, 2], [1, 1, 1, 2]],
        "test": [[0, 0, 1, 2], [1, 1, 2, 2]],
    }
