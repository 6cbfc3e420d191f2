"""Printed numbers beside ours: each paper's words, verdicts, and what makes two numbers incomparable."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from reunlearn.metrics.verdict import NOT_COMPARABLE, OUTSIDE, PAPER
from reunlearn.reporting import printed
from reunlearn.reporting.averages import average_table
from reunlearn.reporting.reported import NOBODY, reported_grid, reported_table
from reunlearn.study.schema import Experiment
from tests.reporting.conftest import report_of

REPORTED = Path(__file__).parents[2] / "config" / "reported"
NAME = "random-0.2"


def printed_row(
    method: str = "SalUn", metric: str = "Acc_Df", mean: str = "94.00", **more: str
) -> dict[str, str]:
    """Return one printed number, for the setting below."""
    setting = {"dataset": "CIFAR-10", "model": "ResNet-18", "scenario": "random", "fraction": "20%"}
    return {"paper": "GDR-GMA", "table": "2", **setting, "method": method, "metric": metric, "mean": mean} | {
        "std": "0.50",
        "note": "",
        **more,
    }


def setting(**more) -> Experiment:
    """Return the experiment as a study that follows the paper would have it."""
    content = {
        "name": NAME,
        "dataset": {"name": "cifar10", "train": None},
        "architecture": {"name": "resnet18", "settings": {}},
        "scenario": {"kind": "random", "fraction": 0.2},
        "recipe": "gdr-gma-cifar10",
        "seeds": [0],
        "methods": ["salun"],
    }
    return Experiment.model_validate({**content, **more})


def judged(made, rows, experiment=None, **tables):
    """Return the table of verdicts."""
    data = made.data(NAME, printed=rows, **tables)
    data = dataclasses.replace(data, experiment=experiment or setting())
    return reported_table(data, average_table(data))


def ours(whole, method, metric):
    """Return the values of one row."""
    return whole.results.query("experiment == @NAME and method == @method and metric == @metric")["value"]


def test_our_mean_deviation_and_n_stand_beside_the_printed(whole):
    values = ours(whole, "salun", "accuracy_forget")
    (entry,) = judged(whole, [printed_row(mean=f"{values.mean():.2f}")]).to_dict("records")
    assert (entry["ours"], entry["ours_std"], entry["n"]) == pytest.approx(
        (values.mean(), values.std(ddof=1), 3)
    )
    assert entry["verdict"] == PAPER
    (far,) = judged(whole, [printed_row(mean=f"{values.mean() + 60:.2f}")]).to_dict("records")
    assert far["verdict"] == OUTSIDE


def test_both_readings_and_the_floor_are_compared(whole):
    table = judged(whole, [printed_row("GDR-GMA"), printed_row("Retrain")])
    keys = table[["method", "reading", "label"]].itertuples(index=False, name=None)
    readings = [("gdr_gma", "paper", ""), ("gdr_gma", "code", "wide")]
    assert list(keys) == [*readings, ("retrain", "", ""), ("noise_floor", "", "")]


def test_derived_columns_are_computed_run_by_run(whole):
    forget, test = (ours(whole, "salun", f"accuracy_{s}").to_numpy() for s in ("forget", "test"))
    unlike = {"paper": "nabla-tau"}
    rows = [
        printed_row(metric="|A_Df-A_Dt|", **unlike),
        printed_row(metric="UA", paper="LUR"),
        printed_row(metric="err_Df", paper="PGU"),
    ]
    values = judged(whole, rows)["ours"].tolist()
    assert values == pytest.approx([abs(forget - test).mean(), (100 - forget).mean(), (100 - forget).mean()])


def test_gdr_gma_is_compared_under_augmentation_where_there_is_any(whole):
    results = whole.results
    augmented = results[results.metric == "accuracy_forget"].assign(
        metric="accuracy_forget_augmented", value=7.0
    )
    both = pd.concat([results, augmented])
    values = judged(whole, [printed_row(), printed_row(metric="FA", paper="SFR-on")], results=both)["ours"]
    assert values[0] == 7
    assert values[1] == pytest.approx(ours(whole, "salun", "accuracy_forget").mean())


@pytest.mark.parametrize(
    ("change", "experiment", "reason"),
    [
        ({}, {"dataset": {"name": "cifar100", "train": None}}, "printed for CIFAR-10"),
        ({}, {"architecture": {"name": "small_cnn"}}, "printed for ResNet-18"),
        ({}, {"dataset": {"name": "cifar10", "train": 500}}, "500 samples only"),
        ({}, {"scenario": {"kind": "random", "fraction": 0.5}}, "printed for 20%"),
        ({}, {"scenario": {"kind": "class", "classes": [1]}}, "another scenario"),
        ({}, {"recipe": "sfr-on-cifar10"}, "not by the paper's"),
        ({"metric": "RTE"}, {}, "another machine"),
        ({"metric": "FID"}, {}, "generated images"),
        ({"metric": "unheard"}, {}, "nothing here is defined like it"),
        ({"metric": "MIA", "paper": "LUR"}, {"recipe": "lur-cifar10"}, "confidence_svc was not measured"),
        ({"metric": "Avg_Gap", "paper": "LUR"}, {"recipe": "lur-cifar10"}, "was not measured"),
        ({"mean": ""}, {}, "prints no number"),
        ({"method": "SSD"}, {}, "does not run it"),
    ],
)
def test_what_is_not_comparable_has_a_reason(whole, change, experiment, reason):
    (entry,) = judged(whole, [printed_row(**change)], setting(**experiment)).to_dict("records")
    assert entry["verdict"] == NOT_COMPARABLE
    assert reason in entry["reason"]


def test_the_grid_counts_verdicts_and_names_what_is_absent(whole):
    mean = ours(whole, "salun", "accuracy_forget").mean()
    rows = [printed_row(mean=f"{mean:.2f}", note="looks odd"), printed_row(metric="RTE"), printed_row("SSD")]
    table = judged(whole, rows)
    assert NOBODY.method in set(table["method"])
    grid = reported_grid(table, NAME)
    (grid_row,) = grid.rows
    assert grid_row.remark == "printed as SalUn"
    assert [c.tone for c in grid_row.cells] == ["best", "muted"]
    notes = " ".join(grid.notes)
    assert "3 comparisons: 1 inside the paper's spread, 2 not comparable." in notes
    assert "not run here: SSD" in notes
    assert "SalUn, Acc_Df, as printed: looks odd." in notes


def test_no_run_at_all_is_not_comparable(nothing):
    assert set(judged(nothing, [printed_row()])["verdict"]) == {NOT_COMPARABLE}


def test_the_page_shows_the_table(whole):
    report = report_of(whole, printed={NAME: [printed_row(), printed_row("Retrain")]})
    assert f"tables/{NAME}-reported.csv" in report.files
    assert "tables/class-3-reported.csv" not in report.files
    assert "printed for CIFAR-10" in report.page


def test_names_of_datasets_and_networks_meet_ours():
    pairs = [
        ("CIFAR-10", "cifar10"),
        ("Tiny-ImageNet", "tiny_imagenet"),
        ("TinyImageNet", "tiny_imagenet"),
        ("CelebA-HQ-FIR", "celeba_hq_identity"),
        ("ViT (TinyViT-5M in code)", "tiny_vit_5m"),
        ("ResNet-18 (code)", "torchvision_resnet18"),
        ("Swin-T (code+NeurIPS paper; slide names none)", "swin_t"),
        ("AllCNN", "all_cnn"),
        ("SmallVGG", "small_vgg"),
    ]
    assert [(a, b) for a, b in pairs if printed.key(a) != printed.key(b)] == []
    assert printed.key("CIFAR-100") != printed.key("cifar10")


def test_nearly_every_printed_name_and_column_is_known():
    """Of all classification tables: what is left over is named here, so that a new file is looked at."""
    methods, metrics = set(), set()
    for path in REPORTED.glob("*.csv"):
        with path.open(newline="", encoding="utf-8") as handle:
            for line in csv.DictReader(handle):
                model = line.get("model", "")
                if model in ("DDPM", "DiT", "Stable Diffusion") or "magnitude" in path.name:
                    continue
                if line["method"] not in printed.METHODS:
                    methods.add(line["method"])
                known = {*printed.COUNTERPARTS[line["paper"]], *printed.ELSEWHERE}
                if line["metric"] not in known and (line["paper"], line["metric"]) not in printed.AVERAGES:
                    metrics.add(line["metric"])
    assert metrics == set()
    assert methods == {
        "Boundary",
        "Clean",
        "ablation 1 mark (inferred R)",
        "ablation 2 marks (inferred R+on)",
        "ablation 3 marks (inferred F+R+on)",
        "full-clean training",
        "w_o_Bank",
    }
