"""Which row a printed number meets: by method, reading, label and settings; and why it is not compared."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study import joining
from reunlearn.study.specs import NOISE_FLOOR, ORIGINAL, RETRAIN
from tests.study.printed_cells import cell, met

LABELLED = {"name": "neg_grad", "label": "w0.1", "settings": {"forget_weight": 0.1, "retain_weight": 0.9}}
ABLATION = {
    "table": "random forgetting slide",
    "paper": "SFR-on",
    "model": "ResNet-18 (code)",
    "fraction": "10%",
}
SFR = {
    "recipe": "sfr-on-cifar10",
    "scenario": {"kind": "random", "fraction": 0.1},
    "methods": [
        "sfr_on@paper",
        "sfr_on@code",
        {
            "name": "sfr_on",
            "reading": "code",
            "label": "r-on",
            "settings": {"saliency": False, "adaptive": False},
        },
    ],
}


def rows(meetings):
    """Return the names of the rows that are met."""
    return [meeting.row.name if meeting.row else "" for meeting in meetings]


def test_every_reading_is_met_and_no_other_label():
    methods = ["gdr_gma@paper", "gdr_gma@code", {"name": "gdr_gma", "reading": "code", "label": "wide"}]
    assert rows(met(cell("GDR-GMA"), methods=methods)) == ["gdr_gma@paper", "gdr_gma@code"]


def test_an_ablation_meets_the_row_with_its_settings_whatever_its_label():
    methods = ["neg_grad", LABELLED, {**LABELLED, "label": "other", "settings": {"forget_weight": 0.2}}]
    meetings = met(
        cell("NegGrad"),
        cell("NegGrad w_f=0.1 w_r=0.9", fraction="", scenario="random (fraction not stated)"),
        methods=methods,
    )
    assert rows(meetings) == ["neg_grad", "neg_grad+w0.1"]
    assert meetings[1].obstacle == ""
    assert meetings[1].open == ("which fraction is forgotten; here: 20 %",)


def test_the_bank_ablation_meets_rows_that_recompute():
    methods = [
        "gdr_gma@paper",
        {"name": "gdr_gma", "reading": "paper", "label": "no-bank", "settings": {"bank": "recompute"}},
    ]
    assert rows(met(cell("w__Bank"), cell("w_o_Bank"), methods=methods)) == [
        "gdr_gma@paper",
        "gdr_gma@paper+no-bank",
    ]


def test_rows_of_an_ablation_and_the_whole_method_are_told_apart():
    names = ["SFR-on (S+F+R+on)", "ablation 2 marks (inferred R+on)", "ablation 1 mark (inferred R)"]
    meetings = met(*(cell(name, "FA", **ABLATION) for name in names), **SFR)
    assert rows(meetings) == ["sfr_on@paper", "sfr_on@code", "sfr_on@code+r-on", ""]
    assert [m.obstacle for m in meetings[:3]] == ["", "", ""]
    assert "asks for saliency false, adaptive false, retain_step true, online false" in meetings[3].obstacle


def test_the_floor_is_a_second_retrain_but_in_no_average():
    plain, average = met(cell("Retrain")), met(cell("RT", "Avg_D", **ABLATION), **SFR)
    assert [m.row for m in plain] == [RETRAIN, NOISE_FLOOR]
    assert [m.remark for m in plain] == ["", joining.SECOND_RETRAIN]
    assert [m.row for m in average] == [RETRAIN]
    assert average[0].obstacle == joining.OWN_GAP
    assert [m.row for m in met(cell("Retrain"), noise_floor=False)] == [RETRAIN]


def test_settings_that_the_study_changes_are_an_obstacle_unless_the_row_asks_for_them():
    changed = {"name": "salun", "reading": "code", "settings": {"epochs": 3}}
    (meeting,) = met(cell(), methods=[changed])
    assert meeting.obstacle == "the study itself sets epochs 3 instead of 10"
    same = {"name": "salun", "reading": "code", "settings": {"epochs": 10}}
    assert met(cell(), methods=[same])[0].obstacle == ""


def test_the_fully_clean_model_is_an_original_that_no_label_misled():
    words = {"paper": "PGU", "table": "Table 4", "model": "SmallVGG"}
    clean = cell("full-clean training", "test_acc", scenario="no poison", fraction="0", **words)
    dataset = {"name": "cifar10", "validation": 5000, "validation_from": "test"}
    pgu = {
        "dataset": dataset,
        "recipe": "pgu-smallvgg-paper",
        "architecture": {"name": "small_vgg"},
        "methods": ["pgu@paper"],
    }
    (meeting,) = met(clean, scenario={"kind": "class", "classes": [0]}, **pgu)
    assert (meeting.row, meeting.counterpart.text, meeting.obstacle) == (ORIGINAL, "accuracy_test", "")
    poisoned = {"kind": "label_flip", "count": 500, "pairs": [[7, 8], [1, 5], [3, 4], [2, 0], [9, 6]]}
    (control,) = met(clean, scenario=poisoned, **pgu)
    assert "printed for no poison 0, ours forgets" in control.obstacle
    without = cell("Clean", "test_acc", scenario="label-flip depoisoning", fraction="5K", **words)
    assert met(without, scenario=poisoned, noise_floor=False, **pgu)[0].row == RETRAIN


def test_a_doubt_about_a_printed_number_goes_with_it():
    words = {"paper": "LUR", "table": "Table 2", "dataset": "CelebA-HQ-FIR", "model": "ResNet-34"}
    printed = cell("FT", "Avg_Gap", scenario="identities", fraction="50%", **words)
    assert met(printed, methods=["finetune"])[0].doubt == "the mean of its four gaps is 49.88"
    assert met(cell("FT", "UA", scenario="identities", fraction="50%", **words))[0].doubt == ""


def test_columns_become_numbers():
    lur = {"paper": "LUR", "table": "Table 1", "fraction": "10%"}
    texts = [
        meeting.counterpart.text
        for meeting in met(cell(), cell(metric="Acc_Df"), cell(metric="Avg_Gap"), cell(metric="UA", **lur))
    ]
    assert texts == [
        "accuracy_test",
        "accuracy_forget_augmented",
        "mean gap to Retrain of accuracy_forget_augmented, accuracy_retain_augmented, accuracy_test, "
        "entropy_logistic_augmented",
        "100 − accuracy_forget",
    ]
    pgu = {"paper": "PGU", "method": "Retrained", "metric": "err_Dr"}
    removal = {"model": "AllCNN", "scenario": "500 samples of class 0", "table": "Table 1"}
    classes = {"dataset": "TinyImageNet", "scenario": "first 5 classes", "table": "Table 2"}
    texts = [met(cell(**{**pgu, **of}), noise_floor=False)[0].counterpart.text for of in (removal, classes)]
    # the same column is another number where classes are forgotten
    assert texts == ["100 − accuracy_retain", "100 − accuracy_retain_masked"]


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("MIA", ""),
        ("Avg_Gap", ""),
        ("RTE", ""),
        ("Acc_Df", ""),
        ("Acc_val", ""),
    ],
)
def test_the_evaluation_transform_counts(metric, words):
    (meeting,) = met(cell(metric=metric))
    assert words in meeting.obstacle and bool(words) == bool(meeting.obstacle)


def test_an_attack_without_augmentation_does_not_stand_for_one_with_it():
    (meeting,) = met(cell(metric="MIA"), attacks=["entropy_logistic"])
    assert meeting.obstacle == "entropy_logistic_augmented is not measured"


def test_without_augmentation_the_training_transform_is_the_plain_one():
    (meeting,) = met(cell(metric="Acc_Df"), recipe="cifar10-small")
    assert meeting.counterpart.text == "accuracy_forget"
    assert meeting.obstacle == "trained by the recipe cifar10-small, not by the paper's"


def test_what_is_not_measured_is_said():
    (meeting,) = met(
        cell(metric="MIA", **ABLATION),
        scenario={"kind": "random", "fraction": 0.1},
        recipe="sfr-on-cifar10",
        attacks=[],
    )
    assert meeting.obstacle == "entropy_logistic is not measured"


def test_nothing_is_met_where_nothing_is_run_or_printed():
    assert [m.obstacle for m in met(cell("SSD"))] == [joining.NOT_RUN]
    assert [m.obstacle for m in met(cell(mean="", std=""))] == [joining.NO_NUMBER]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"paper": "Nobody"}, "no file of config/papers is about 'Nobody'"),
        ({"dataset": "MNIST"}, "dataset with network 'MNIST, ResNet-18'"),
        ({"fraction": "30%"}, "scenario 'random 30%'"),
        ({"method": "Magic"}, "method 'Magic'"),
        ({"metric": "Luck"}, "column 'Luck'"),
    ],
)
def test_a_word_that_no_paper_file_knows_is_one_line(change, words):
    with pytest.raises(UserError) as error:
        met(cell(**change))
    assert words in str(error.value) and "here.csv, line 2" in str(error.value)
