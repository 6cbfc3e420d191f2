"""In what an experiment differs from a printed setting: each fact counts, and the setting itself does not."""

from __future__ import annotations

import pytest

from tests.study.printed_cells import cell, met

CLASS = {
    "paper": "nabla-tau",
    "table": "Table 4",
    "scenario": "class",
    "fraction": "class 1",
    "metric": "A_Dt",
}
NABLA = {"recipe": "nabla-tau-cifar10", "architecture": {"name": "torchvision_resnet18"}}
REMOVAL = {
    "paper": "PGU",
    "table": "Table 1",
    "model": "AllCNN",
    "scenario": "500 samples of class 0",
    "fraction": "500",
}
HALF = {"name": "cifar10", "validation": 5000, "validation_from": "test"}
PGU = {"recipe": "pgu-allcnn-paper", "architecture": {"name": "all_cnn"}, "dataset": HALF}
STEPS = {
    "paper": "PGU",
    "table": "Table 3",
    "model": "SmallVGG",
    "scenario": "incremental random (100/class)",
}
VGG = {"recipe": "pgu-smallvgg-paper", "architecture": {"name": "small_vgg"}, "dataset": HALF}


def obstacle(change, **experiment):
    """Return why Retrain is not compared; empty where it is."""
    words = {"GDR-GMA": "Retrain", "nabla-tau": "Retraining", "PGU": "Retrained"}[
        change.get("paper", "GDR-GMA")
    ]
    metric = {"PGU": "err_test"}.get(change.get("paper", ""), change.get("metric", "Acc_val"))
    options = {"methods": ["finetune"], "noise_floor": False, **experiment}
    (meeting,) = met(cell(**{**change, "method": words, "metric": metric}), **options)
    return meeting.obstacle


@pytest.mark.parametrize(
    ("change", "experiment"),
    [
        ({}, {}),
        (CLASS, {**NABLA, "scenario": {"kind": "class", "classes": [1], "test": "retained"}}),
        (
            CLASS,
            {
                **NABLA,
                "dataset": {"name": "cifar10", "validation": 1000},
                "scenario": {"kind": "class", "classes": [1], "test": "retained"},
            },
        ),
        (REMOVAL, {**PGU, "scenario": {"kind": "first", "count": 500, "classes": [0]}}),
        *(
            (
                {**STEPS, "fraction": "1K-2K"},
                {**VGG, "scenario": {"kind": kind, "count": 400, "steps": 4, "step": 2}},
            )
            for kind in ("random_per_class", "first")
        ),
        (
            {"table": "Table 4", "scenario": "class (not named)", "fraction": "1 of 10 classes"},
            {"scenario": {"kind": "class", "classes": [7]}},
        ),
    ],
)
def test_the_papers_own_setting_is_compared(change, experiment):
    assert obstacle(change, **experiment) == ""


@pytest.mark.parametrize(
    ("change", "experiment", "words"),
    [
        ({}, {"dataset": {"name": "cifar100"}}, "printed for CIFAR-10, ours is cifar100"),
        ({}, {"architecture": {"name": "small_cnn"}}, "printed for ResNet-18, ours is small_cnn"),
        ({}, {"architecture": {"name": "resnet18", "settings": {"width": 8}}}, "ours has width 8"),
        ({}, {"dataset": {"name": "cifar10", "train": 500}}, "ours trains on 500 samples only"),
        (
            {},
            {"dataset": {"name": "cifar10", "validation": 5000}},
            "takes out 5000 training samples to validate, the paper none",
        ),
        (
            {},
            {"scenario": {"kind": "random", "fraction": 0.5}},
            "ours forgets a random 50 % of the training set",
        ),
        ({}, {"scenario": {"kind": "random", "fraction": 0.2, "steps": 2, "step": 1}}, "part 1 of 2"),
        ({}, {"scenario": {"kind": "class", "classes": [1]}}, "printed for random 20%, ours forgets class 1"),
        (
            CLASS,
            {**NABLA, "scenario": {"kind": "class", "classes": [1]}},
            "the paper's test set is without the forgotten classes, ours is whole",
        ),
        (
            REMOVAL,
            {**PGU, "dataset": {"name": "cifar10", "validation": 5000}},
            "ours takes out 5000 training samples to validate, the paper 5000 test samples",
        ),
        ({}, {"recipe": "sfr-on-cifar10"}, "not by the paper's"),
        (
            CLASS,
            {**NABLA, "scenario": {"kind": "class", "classes": [7]}},
            "printed for class 1, ours forgets class 7",
        ),
        (CLASS, {**NABLA, "scenario": {"kind": "class", "classes": [1, 5]}}, "ours forgets classes 1, 5"),
        (
            REMOVAL,
            {**PGU, "scenario": {"kind": "first", "count": 5, "classes": [9]}},
            "the first 5 samples of class 9",
        ),
        (REMOVAL, {**PGU, "scenario": {"kind": "first", "count": 500, "classes": [1]}}, "samples of class 1"),
        (
            {**STEPS, "fraction": "1K-2K"},
            {**VGG, "scenario": {"kind": "first", "count": 400, "steps": 4, "step": 3}},
            "part 3 of 4",
        ),
        (
            {"table": "Table 4", "scenario": "class (not named)", "fraction": "1 of 10 classes"},
            {"scenario": {"kind": "class", "classes": [0, 7]}},
            "ours forgets classes 0, 7",
        ),
    ],
)
def test_every_difference_is_said(change, experiment, words):
    assert words in obstacle(change, **experiment)


def test_several_differences_are_one_sentence():
    found = obstacle({}, dataset={"name": "cifar10", "train": 500}, recipe="cifar10-small")
    assert found == "ours trains on 500 samples only; trained by the recipe cifar10-small, not by the paper's"


def test_weights_that_are_given_count():
    lur = {
        "paper": "LUR",
        "table": "Table 2",
        "dataset": "CelebA-HQ-FIR",
        "model": "ResNet-34",
        "scenario": "identities",
        "fraction": "10%",
    }
    ours = {
        "dataset": {"name": "celeba_hq_identity", "folder": "people"},
        "recipe": "lur-celeba",
        "scenario": {"kind": "identities", "count": 30, "test": "retained"},
        "attacks": [],
        "noise_floor": False,
    }
    found = [
        met(
            cell("Retrain", "RA", **lur),
            **ours,
            architecture={"name": "torchvision_resnet34", "settings": settings},
        )[0]
        for settings in ({}, {"pretrained": "cache"})
    ]
    assert [m.obstacle for m in found] == [
        "ours starts from random weights, the paper from official weights",
        "",
    ]
