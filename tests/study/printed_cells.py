"""A printed number, and an experiment that follows its paper to the letter: what tests of meetings change."""

from __future__ import annotations

from reunlearn.study.catalogue import catalogue
from reunlearn.study.joining import meet, ours_of
from reunlearn.study.meetings import Meeting
from reunlearn.study.papers import papers
from reunlearn.study.reported import PrintedCell
from reunlearn.study.schema import Experiment

CELL = {
    "file": "here.csv",
    "line": 2,
    "paper": "GDR-GMA",
    "table": "Table 2",
    "dataset": "CIFAR-10",
    "model": "ResNet-18",
    "scenario": "random",
    "fraction": "20%",
    "method": "SalUn",
    "metric": "Acc_val",
    "mean": "94.00",
    "std": "0.50",
}
EXPERIMENT = {
    "name": "random-0.2",
    "dataset": {"name": "cifar10"},
    "architecture": {"name": "resnet18"},
    "scenario": {"kind": "random", "fraction": 0.2},
    "recipe": "gdr-gma-cifar10",
    "seeds": [0],
    "methods": ["salun@code"],
    "attacks": ["entropy_logistic", "entropy_logistic_augmented"],
}
PAPERS = {  # what a number of another paper says of its setting, and the experiment that follows that paper
    "LUR": ({"paper": "LUR", "table": "Table 1", "fraction": "10%"}, {"recipe": "lur-cifar10"}),
    "SFR-on": (
        {
            "paper": "SFR-on",
            "table": "random forgetting slide",
            "model": "ResNet-18 (code)",
            "fraction": "10%",
        },
        {"recipe": "sfr-on-cifar10"},
    ),
    "nabla-tau": (
        {"paper": "nabla-tau", "table": "Table 1", "fraction": "15%"},
        {"recipe": "nabla-tau-cifar10", "architecture": {"name": "torchvision_resnet18"}},
    ),
}


def cell(method: str = "SalUn", metric: str = "Acc_val", mean: str = "94.00", **more: str) -> PrintedCell:
    """Return one printed number."""
    return PrintedCell.model_validate({**CELL, "method": method, "metric": metric, "mean": mean, **more})


def experiment(**more: object) -> Experiment:
    """Return the experiment as a study that follows the paper would have it."""
    return Experiment.model_validate({**EXPERIMENT, **more})


def met(*cells: PrintedCell, **more: object) -> list[Meeting]:
    """Return what printed numbers meet in the experiment; `more`: what is changed of it."""
    cards = catalogue()
    return meet(ours_of(experiment(**more), cards, "here"), cells, papers(cards))
