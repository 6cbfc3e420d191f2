"""Printed numbers beside ours: each paper's words, verdicts, and what makes two numbers incomparable."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
import synthetic

from reunlearn.metrics.verdict import NOT, OUTSIDE, PAPER
from reunlearn.reporting import lines, printed
from reunlearn.reporting.averages import average_table
from reunlearn.reporting.page import make_report
from reunlearn.reporting.reported import NOBODY, reported_grid, reported_table

REPORTED = Path(__file__).parents[2] / "config" / "reported"
NAME = "random-0.2"
METHODS = {"salun": "salun", "gdr_gma@paper": "gdr_gma", "gdr_gma@code": "gdr_gma", "lur": "lur"}


def row(method: str = "SalUn", metric: str = "Acc_Df", mean: str = "94.00", **more: str) -> dict[str, str]:
    """Return one printed number, for the setting below."""
    setting = {"dataset": "CIFAR-10", "model": "ResNet-18", "scenario": "random", "fraction": "20%"}
    return {"paper": "GDR-GMA", "table": "2", **setting, "method": method, "metric": metric, "mean": mean} | {
        "std": "0.50",
        "note": "",
        **more,
    }


def setting(**more) -> dict:
    """Return the experiment as a study that follows the paper would have it."""
    return {
        "name": NAME,
        "dataset": {"name": "cifar10", "train": None},
        "architecture": {"name": "resnet18", "settings": {}},
        "scenario": {"kind": "random", "fraction": 0.2},
        "recipe": "gdr-gma-cifar10",
        **more,
    }


def judged(whole, rows, experiment=None):
    """Return the table of verdicts."""
    results = whole["results"]
    return reported_table(rows, results, experiment or setting(), average_table(results, NAME), METHODS)


def ours(whole, name, metric):
    """Return the values of one row's first runs."""
    own = whole["results"].query(
        "experiment == @NAME and row == @name and metric == @metric and method_seed < 1000"
    )
    return own["value"]


def test_our_mean_deviation_and_n_stand_beside_the_printed(whole):
    own = ours(whole, "salun", "accuracy_forget")
    (found,) = judged(whole, [row(mean=f"{own.mean():.2f}")]).to_dict("records")
    assert (found["ours"], found["ours_std"], found["n"]) == pytest.approx((own.mean(), own.std(ddof=1), 3))
    assert found["verdict"] == PAPER
    (far,) = judged(whole, [row(mean=f"{own.mean() + 60:.2f}")]).to_dict("records")
    assert far["verdict"] == OUTSIDE


def test_both_readings_and_the_floor_are_compared(whole):
    table = judged(whole, [row("GDR-GMA"), row("Retrain")])
    assert table["line"].tolist() == ["gdr_gma@paper", "gdr_gma@code", lines.RETRAIN, lines.FLOOR]


def test_derived_columns_are_computed_run_by_run(whole):
    forget, test = (ours(whole, "salun", f"accuracy_{s}").to_numpy() for s in ("forget", "test"))
    unlike = {"paper": "nabla-tau"}
    rows = [
        row(metric="|A_Df-A_Dt|", **unlike),
        row(metric="UA", paper="LUR"),
        row(metric="err_Df", paper="PGU"),
    ]
    found = judged(whole, rows)["ours"].tolist()
    assert found == pytest.approx([abs(forget - test).mean(), (100 - forget).mean(), (100 - forget).mean()])


def test_gdr_gma_is_compared_under_augmentation_where_there_is_any(whole):
    results = whole["results"]
    augmented = results[results.metric == "accuracy_forget"].assign(
        metric="accuracy_forget_augmented", value=7.0
    )
    both = {"results": pd.concat([results, augmented])}
    found = judged(both, [row(), row(metric="FA", paper="SFR-on")])["ours"]
    assert found[0] == 7
    assert found[1] == pytest.approx(ours(whole, "salun", "accuracy_forget").mean())


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
        ({"metric": "unheard"}, {}, "nothing here is defined so"),
        ({"metric": "MIA", "paper": "LUR"}, {"recipe": "lur-cifar10"}, "confidence_svc was not measured"),
        ({"metric": "Avg_Gap", "paper": "LUR"}, {"recipe": "lur-cifar10"}, "was not measured"),
        ({"mean": ""}, {}, "prints no number"),
        ({"method": "SSD"}, {}, "does not run it"),
    ],
)
def test_what_is_not_comparable_says_why(whole, change, experiment, reason):
    (found,) = judged(whole, [row(**change)], setting(**experiment)).to_dict("records")
    assert found["verdict"] == NOT
    assert reason in found["reason"]


def test_the_grid_counts_verdicts_and_names_what_is_absent(whole):
    own = ours(whole, "salun", "accuracy_forget").mean()
    rows = [row(mean=f"{own:.2f}", note="looks odd"), row(metric="RTE"), row("SSD")]
    table = judged(whole, rows)
    assert NOBODY in set(table["line"])
    grid = reported_grid(table, NAME)
    (line,) = grid.lines
    assert line.remark == "printed as SalUn"
    assert [c.tone for c in line.cells] == ["best", "muted"]
    said = " ".join(grid.notes)
    assert "3 comparisons: 1 inside the paper's spread, 2 not comparable." in said
    assert "not run here: SSD" in said
    assert "SalUn, Acc_Df, as printed: looks odd." in said


def test_no_run_at_all_is_not_comparable(nothing):
    results = nothing["results"]
    table = reported_table([row()], results, setting(), average_table(results, NAME), METHODS)
    assert set(table["verdict"]) == {NOT}


def test_the_page_shows_the_table(whole):
    report = make_report(**whole, catalogue=synthetic.CATALOGUE, reported={NAME: [row(), row("Retrain")]})
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
                known = {*printed.MEASURES[line["paper"]], *printed.ELSEWHERE}
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
