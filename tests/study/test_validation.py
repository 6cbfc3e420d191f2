"""Every mistake in a study is one line, before any job starts."""

from __future__ import annotations

import copy
import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.commands import new_method
from reunlearn.study import fields, load, pools
from reunlearn.study.jobs import UnlearnJob
from reunlearn.study.plan import make_plan
from reunlearn.study.schema import Experiment
from reunlearn.study.seed_expansion import FLOOR_SEED
from tests.workflow.project import EXPERIMENT, RECIPE, Project

RECIPES: dict[str, dict[str, Any]] = {
    "shrinking": {"resize": 4},
    "growing": {"resize": 32},
    "coloured": {"mean": [0.5] * 3, "std": [0.2] * 3},
    "single": {"batch_size": 1},
    "large": {"batch_size": 56},
    "decaying": {"weight_decay": 0.01},
}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration folder with the recipe `tiny`."""
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/recipes").mkdir()
    (tmp_path / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    for name, change in RECIPES.items():
        (tmp_path / f"config/recipes/{name}.yaml").write_text(yaml.safe_dump(RECIPE | change))
    monkeypatch.setattr(load, "CONFIG", tmp_path / "config")
    return tmp_path / "config"


def plan_with(config: Path, change: dict[str, Any], **top: Any) -> None:
    experiment = copy.deepcopy(EXPERIMENT) | change
    content = {"name": "s", "title": "t", "experiments": [experiment], **top}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    make_plan("s")


VGG = {"name": "small_vgg", "settings": {"width": 4}}
TEXTS = {"dataset": {"name": "goemotions"}}
NOISE = {"architecture": {"name": "small_denoiser"}, "attacks": []}
WRONG = {
    "unknown key": ({"methodes": ["finetune"]}, "unknown key 'methodes'; did you mean methods"),
    "nothing left to test with": (
        {"dataset": {"name": "digits", "validation": 599, "validation_from": "test"}},
        "validation 599 leaves nothing to test with; digits has 599 test samples",
    ),
    "validation out of nothing": (
        {"dataset": {"name": "digits", "validation_from": "test"}},
        "takes nothing out of the test set; give 'validation' a number",
    ),
    "too few test samples left": (
        {
            "dataset": {"name": "digits", "train": 40, "validation": 595, "validation_from": "test"},
            "attacks": ["loss_logistic_cv"],
        },
        "needs 10 test samples, there are 4",
    ),
    "unknown inner key": (
        {"dataset": {"name": "digits", "trian": 3}},
        "unknown key 'trian'; did you mean train",
    ),
    "no such method": ({"methods": ["finetun"]}, "no method 'finetun'; did you mean finetune"),
    "no such attack": ({"attacks": ["entropy"]}, "no attack 'entropy'"),
    "no such dataset": ({"dataset": {"name": "digit"}}, "no dataset 'digit'; did you mean digits"),
    "no such network": ({"architecture": {"name": "resnet"}}, "no model 'resnet'; did you mean resnet34"),
    "no such recipe": ({"recipe": "tinny"}, "no recipe 'tinny'"),
    "a method that is there anyway": (
        {"methods": ["retrain"]},
        "experiments.0.methods.0: 'retrain' is always there",
    ),
    "an original as a method": ({"methods": [{"name": "original"}]}, "'original' is always there"),
    "a floor as a method": ({"methods": ["noise_floor"]}, "'noise_floor' is always there"),
    "a reading that does not exist": (
        {"methods": ["finetune@typo"]},
        "experiments.0.methods.0: 'finetune@typo' names no reading; write finetune@paper or finetune@code",
    ),
    "a reading left empty": ({"methods": ["gdr_gma@"]}, "write gdr_gma@paper or gdr_gma@code"),
    "a reading written out that does not exist": (
        {"methods": [{"name": "gdr_gma", "reading": "typo"}]},
        "methods.0.reading: must be 'paper' or 'code'",
    ),
    "a method of no kind": ({"methods": [[5]]}, "methods.0: a mapping is expected here, as in 'key: value'"),
    "a method that is a number": (
        {"methods": [5]},
        "methods.0: YAML reads this as the number 5, not as text; put it into quotes",
    ),
    "an old name of the reading": (
        {"methods": [{"name": "gdr_gma", "fidelity": "code"}]},
        "experiments.0.methods.0.fidelity: 'fidelity' is now called 'reading'; write 'reading'",
    ),
    "a reading among the settings": (
        {"methods": [{"name": "gdr_gma", "reading": "code", "settings": {"fidelity": "code"}}]},
        "'fidelity' is no hyper-parameter; write 'reading' beside 'settings'",
    ),
    **{
        f"an old name of a pool: {old}": (
            {"shadows": {old: 4}},
            f"experiments.0.shadows.{old}: '{old}' is now called '{new}'; write '{new}'",
        )
        for old, new in (("inside", "with_forget"), ("outside", "without_forget"), ("half", "halves"))
    },
    "a long name": ({"name": "a" * 300}, "experiments.0.name: a name of 300 characters"),
    "a long label": (
        {"methods": [{"name": "finetune", "label": "a" * 65}]},
        "methods.0.label: a name of 65 characters; it becomes part of file names, so 64 are the most",
    ),
    "a name of a device": ({"name": "con"}, "'con' cannot be a file's name on every system"),
    "a name with the ending of a device": ({"name": "com1.old"}, "'com1.old' cannot be a file's name"),
    "a name that ends in a dot": ({"name": "a."}, "'a.' cannot be a file's name on every system"),
    "a name with a line break": ({"name": "a\nb"}, "is no name; write small letters"),
    "a name that is a path": ({"name": "../a"}, "is no name; write small letters"),
    "a name that is a number": (
        {"methods": [{"name": "finetune", "label": 1e-3}]},
        "label: YAML reads this as the number 0.001, not as text; put it into quotes",
    ),
    "a name that is yes": (
        {"name": True},
        "name: YAML reads this as true (also yes and on), not as text; put it into quotes",
    ),
    "a number that is yes": (
        {"dataset": {"name": "digits", "train": 40, "validation": True}},
        "dataset.validation: true is no number (YAML reads yes and on as true, no and off as false)",
    ),
    "a step that is yes": (
        {"scenario": {"kind": "first", "count": True}},
        "scenario.count: true is no number",
    ),
    "a class that is no": ({"scenario": {"kind": "class", "classes": [False]}}, "false is no number"),
    "a name that is nothing": ({"name": None}, "name: YAML reads this as nothing (null, ~ or no value)"),
    "an attack that is no": (
        {"attacks": [False]},
        "attacks.0: YAML reads this as false (also no and off), not as text; put it into quotes",
    ),
    "a reading that is off": (
        {"methods": [{"name": "gdr_gma", "reading": False}]},
        "reading: YAML reads this as false (also no and off), not as text; put it into quotes; "
        "it may be 'paper' or 'code'",
    ),
    "a measure that is nothing": ({"measures": [None]}, "measures.0: YAML reads this as nothing"),
    "a kind that is on": (
        {"scenario": {"kind": True}},
        "scenario: YAML reads this as true (also yes and on), not as text",
    ),
    "a key that is yes": ({True: 1}, "experiments.0: a key that is no text: YAML reads this as true (also"),
    "a key of settings that is a number": (
        {"methods": [{"name": "finetune", "settings": {1: 2}}]},
        "settings: a key that is no text: YAML reads this as the number 1, not as text; put it into quotes",
    ),
    "a column that is a number": (
        {"reported": {"file": "x.csv", "where": {"fraction": 0.1}}},
        "reported.where.fraction: YAML reads this as the number 0.1, not as text; put it into quotes",
    ),
    "a hyper-parameter that is no text": (
        {"methods": [{"name": "gdr_gma", "reading": "code", "settings": {"bank_scope": True}}]},
        "bank_scope: YAML reads this as true (also yes and on), not as text; put it into quotes",
    ),
    "a misspelt kind": (
        {"scenario": {"knd": "random", "fraction": 0.2}},
        "a scenario takes 'kind', which is missing; 'knd' is no key of it; known: class",
    ),
    "a misspelt field of a scenario": (
        {"scenario": {"kind": "random", "fracton": 0.2}},
        "scenario 'random' takes 'fraction', which is missing; it does not take 'fracton'; did you mean fraction?",
    ),
    "too many threads": ({"threads": 300}, "threads: must be at most 256"),
    "a size of 0": (
        {"architecture": {"name": "small_cnn", "settings": {"width": 0}}},
        "small_cnn: 'width' is a whole number of at least 1, not 0",
    ),
    "a size of 0 where nothing is the default": (
        {"architecture": {"name": "masked", "settings": {"body": "small_cnn", "width": 0}}},
        "masked: 'width' is a whole number of at least 1, not 0",
    ),
    "a body without maps": (
        {"architecture": {"name": "masked", "settings": {"body": "small_vgg"}}},
        "masked: 'small_vgg' gives no feature maps; these networks do: ",
    ),
    "a width that the heads cannot share": (
        {**TEXTS, "architecture": {"name": "small_transformer", "settings": {"width": 12, "heads": 5}}},
        "small_transformer: 'width' is 12, which is no multiple of 5, the 'heads'; change one of them",
    ),
    "a width that a network divides": (
        {"architecture": {"name": "swin_t", "settings": {"width": 16}}, "recipe": "growing"},
        "swin_t: 'width' is 16, which is no multiple of 3",
    ),
    "images that cannot be cut into patches": (
        {"architecture": {"name": "vit"}},
        "vit: 'side' is 8, which is no multiple of 16, the 'patch'",
    ),
    "a mean of other channels": (
        {"recipe": "coloured"},
        "recipe 'coloured' is for 3 channels; digits has 1",
    ),
    "a last batch of one image": (
        {"architecture": VGG, "dataset": {"name": "digits", "train": 49, "validation": 20}},
        "small_vgg cannot be trained with one image as a batch (BatchNorm), and 49 samples in batches of 16 leave one; "
        "change 'batch_size' of recipe 'tiny', or 'train'",
    ),
    "a last batch of one image of a residual network on small images": (
        {"architecture": {"name": "resnet18"}, "dataset": {"name": "digits", "train": 49}},
        "resnet18 cannot be trained with one image as a batch",
    ),
    "a last batch of one image that stays": (
        {"architecture": VGG, "dataset": {"name": "digits", "train": 44, "validation": 20}},
        "and 33 samples in batches of 16 leave one",
    ),
    "a last batch of one image after a step": (
        {
            "architecture": VGG,
            "dataset": {"name": "digits", "train": 60},
            "scenario": {"kind": "first", "count": 4, "classes": [0, 1, 2], "steps": 4},
            "recipe": "large",
        },
        "and 57 samples in batches of 56 leave one",
    ),
    "a last batch of one image in a half": (
        {
            "architecture": VGG,
            "dataset": {"name": "digits", "train": 40, "validation": 26},
            "shadows": {"halves": 4},
            "attacks": ["lira"],
        },
        "and 33 samples in batches of 16 leave one",
    ),
    "batches of one image": ({"architecture": VGG, "recipe": "single"}, "in batches of 1 leave one"),
    "a weight decay that is not there": (
        {"methods": ["ntk@paper"]},
        "'ntk' reads the weight decay of the training, and recipe 'tiny' has none; give the recipe or the method",
    ),
    "too few samples for an attack": (
        {"attacks": ["loss_logistic_cv"], "scenario": {"kind": "random", "fraction": 0.2}},
        "attack 'loss_logistic_cv' needs 10 forget samples, there are 8; make that set larger",
    ),
    "too few samples for an attack in a step": (
        {"attacks": ["entropy_logistic_cv"], "scenario": {"kind": "random", "fraction": 0.45, "steps": 2}},
        "attack 'entropy_logistic_cv' needs 10 forget samples, there are 9",
    ),
    "too few held-out samples for an attack": (
        {"attacks": ["quantile_regression"]},
        "attack 'quantile_regression' needs 38 validation samples, there are 20",
    ),
    "more steps than samples": (
        {"scenario": {"kind": "random", "fraction": 0.1, "steps": 5}},
        "4 samples are too few for 5 steps",
    ),
    "more steps than classes": (
        {"scenario": {"kind": "class", "classes": [1, 2], "steps": 3}},
        "2 classes are too few for 3 steps",
    ),
    "a size that is none": (
        {"architecture": {"name": "small_cnn", "settings": {"width": 4.5}}},
        "small_cnn: 'width' is a whole number of at least 1, not 4.5",
    ),
    "a probability of 1": (
        {"architecture": {"name": "small_vgg", "settings": {"dropout": 1.0}}},
        "small_vgg: 'dropout' is a probability of at least 0 and below 1, not 1.0",
    ),
    "an infinite hyper-parameter": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": float("inf")}}]},
        "methods.0.settings.learning_rate: inf (.inf, .nan) cannot be used; write a finite number",
    ),
    "a setting that is no number": (
        {"architecture": {"name": "small_vgg", "settings": {"dropout": float("nan")}}},
        "architecture.settings.dropout: nan (.inf, .nan) cannot be used",
    ),
    "an infinite fraction": (
        {"scenario": {"kind": "random", "fraction": float("-inf")}},
        "scenario.fraction: -inf (.inf, .nan) cannot be used",
    ),
    "infinite threads": ({"threads": float("inf")}, "threads: inf (.inf, .nan) cannot be used"),
    "fraction 1": ({"scenario": {"kind": "random", "fraction": 1.0}}, "below 1"),
    "fraction 0": ({"scenario": {"kind": "random", "fraction": 0}}, "above 0"),
    "fraction too small": ({"scenario": {"kind": "random", "fraction": 0.001}}, "forgets none"),
    "fraction of classes": ({"scenario": {"kind": "class", "fraction": 0.1}}, "takes 'classes'"),
    "classes of a fraction": (
        {"scenario": {"kind": "random", "fraction": 0.1, "classes": [1]}},
        "does not take 'classes'",
    ),
    "a class twice": ({"scenario": {"kind": "class", "classes": [1, 1]}}, "classes: 1 is there twice"),
    "no sub-classes": ({"scenario": {"kind": "subclass", "subclasses": [1]}}, "digits has no sub-classes"),
    "no such sub-class": (
        {"scenario": {"kind": "subclass", "subclasses": [100]}, "dataset": {"name": "cifar20"}},
        "no sub-class 100; cifar20 has sub-classes 0 to 99",
    ),
    "first of no class": ({"scenario": {"kind": "first", "count": 1, "classes": [10]}}, "no class 10"),
    "first beyond the budget": (
        {"scenario": {"kind": "first", "count": 5}},
        "5 samples of class 0 are to be forgotten; there are 4",
    ),
    "flip beyond the budget": (
        {"scenario": {"kind": "label_flip", "count": 5, "pairs": [[1, 2]]}},
        "5 samples of class 1 are to be forgotten; there are 4",
    ),
    "flip with itself": (
        {"scenario": {"kind": "label_flip", "count": 1, "pairs": [[1, 1]]}},
        "one pair only",
    ),
    "flip with no class": (
        {"scenario": {"kind": "label_flip", "count": 1, "pairs": [[1, 10]]}},
        "no class 10",
    ),
    "all identities": ({"scenario": {"kind": "identities", "count": 10}}, "10 of 10 identities"),
    "no list": ({"scenario": {"kind": "indices", "file": "none.txt"}}, "none.txt: No such file"),
    "step beyond the last": (
        {"scenario": {"kind": "first", "count": 2, "steps": 2, "step": 3}},
        "step 3 of 2 steps",
    ),
    "no such scenario": (
        {"scenario": {"kind": "classes"}},
        "scenario: no scenario 'classes'; did you mean class, subclass",
    ),
    "a setting that the network lacks": (
        {"architecture": {"name": "small_cnn", "settings": {"widht": 4}}},
        "small_cnn has no setting 'widht'; did you mean width",
    ),
    "a network for texts": (
        {"architecture": {"name": "small_transformer"}},
        "small_transformer reads text, but digits holds images",
    ),
    "a network for images": (
        {"dataset": {"name": "goemotions"}},
        "small_cnn reads images, but goemotions holds text",
    ),
    "images too small": (
        {"architecture": {"name": "small_vgg"}, "recipe": "shrinking"},
        "small_vgg takes images of at least 8 pixels a side, these have 4",
    ),
    "weights that are not there": (
        {
            "architecture": {"name": "torchvision_resnet18", "settings": {"pretrained": "none.pth"}},
            "dataset": {"name": "cifar10"},
        },
        "none.pth: no such file",
    ),
    "no folder": ({"dataset": {"name": "image_folder", "side": 32}}, "needs 'folder'"),
    "a folder for nothing": ({"dataset": {"name": "digits", "folder": "x"}}, "takes no 'folder'"),
    "no such folder": ({"dataset": {"name": "image_folder", "folder": "none", "side": 32}}, "none"),
    "no such class": ({"scenario": {"kind": "class", "classes": [10]}}, "no class 10"),
    "all classes": ({"scenario": {"kind": "class", "classes": list(range(10))}}, "nothing is left"),
    "no seeds": ({"seeds": []}, "seeds: at least 1 must be listed"),
    "negative seed": ({"seeds": [{"train": -1, "split": 0, "method": 0}]}, "at least 0"),
    "negative short seed": ({"seeds": [-1]}, "experiments.0.seeds.0: must be at least 0"),
    "a seed twice": ({"seeds": [0, 1, 0]}, "seeds: train 0, split 0, method 0 is there twice"),
    "a seed twice in two forms": (
        {"seeds": [2, {"method": 2, "split": 2, "train": 2}]},
        "seeds: train 2, split 2, method 2 is there twice",
    ),
    "a seed of shadow models": (
        {"seeds": [{"train": 10_000, "split": 0, "method": 0}]},
        "seeds.0.train: 10000 is above 9,999: shadow models are trained with the seeds from 10,000 on",
    ),
    "a split whose pool meets the next": (
        {"seeds": [{"train": 0, "split": 900, "method": 0}]},
        "seeds.0.split: 900 is above 899: shadow models of split s",
    ),
    "a seed of the noise floor": (
        {"seeds": [{"train": 0, "split": 0, "method": 1000}]},
        "seeds.0.method: 1000 is above 999: the noise floor is retrained with method seed + 1,000",
    ),
    "a short seed stands for all three": (
        {"seeds": [950]},
        "seeds.0: 950 is above 899: shadow models of split s",
    ),
    "a seed in quotes": ({"seeds": ["0"]}, "seeds.0: a whole number is expected"),
    "a seed that is yes": ({"seeds": [True]}, "seeds.0: a whole number is expected"),
    "an attack twice": (
        {"attacks": ["entropy_logistic", "entropy_logistic"]},
        "attacks: 'entropy_logistic' is there twice",
    ),
    "too many test images": (
        {"dataset": {"name": "digits", "test": 500, "validation": 200, "validation_from": "test"}},
        "test 500 + validation 200 is too many; digits has 599 test samples",
    ),
    "too many images": ({"dataset": {"name": "digits", "train": 5000}}, "too many; digits has 1198"),
    "hyper-parameter name": (
        {"methods": [{"name": "finetune", "settings": {"learning_rat": 0.1}}]},
        "unknown hyper-parameter 'learning_rat'; did you mean learning_rate",
    ),
    "a hyper-parameter that is a list": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": [0.1]}}]},
        "settings.learning_rate: a setting is a number, a text, true, false or null, not [0.1]",
    ),
    "a setting that is a date": (
        {"architecture": {"name": "small_cnn", "settings": {"width": datetime.date(2020, 1, 2)}}},
        "YAML reads 2020-01-02 as a date; put it into quotes, '2020-01-02', if it is text",
    ),
    "a setting of a measure that does not exist": (
        {"measures": [{"name": "relearn_time", "settings": {"cpa": 3}}]},
        "measure 'relearn_time' has no setting 'cpa'; did you mean cap",
    ),
    "a setting of a measure that is text": (
        {"measures": [{"name": "relearn_time", "settings": {"cap": "three"}}]},
        "measure 'relearn_time': 'cap' is a whole number of at least 1, not 'three'",
    ),
    "a setting of a measure that is a list": (
        {"measures": [{"name": "relearn_time", "settings": {"cap": [3]}}]},
        "measures.0.settings.cap: a setting is a number, a text, true, false or null, not [3]",
    ),
    "a measure that does not exist": (
        {"measures": ["relern_time"]},
        "no measure 'relern_time'; did you mean",
    ),
    "an old name of a measure": (
        {"relearn": 3},
        "'relearn' is no key any more; write 'measures: [{name: relearn_time, settings: {cap: N}}]'",
    ),
    "a setting of an objective that does not exist": (
        {**NOISE, "objective": {"name": "noise_prediction", "settings": {"timestep": 3}}},
        "the objective 'noise_prediction' has no setting 'timestep'; did you mean timesteps",
    ),
    "a setting of an objective out of range": (
        {**NOISE, "objective": {"name": "noise_prediction", "settings": {"timesteps": 0}}},
        "the objective 'noise_prediction': 'timesteps' is a whole number of at least 1, not 0",
    ),
    "hyper-parameter range": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": -1.0}}]},
        "learning_rate must be above 0",
    ),
    "hyper-parameter type": (
        {"methods": [{"name": "finetune", "settings": {"learning_rate": "0.1"}}]},
        "learning_rate must be a number, not '0.1'",
    ),
    "reading that is not there": ({"methods": ["finetune@paper"]}, "has only one reading"),
    "reading left open": ({"methods": ["gdr_gma"]}, "write gdr_gma@paper or gdr_gma@code"),
    "no validation set": (
        {"methods": ["nabla_tau"], "dataset": {"name": "digits", "train": 40}},
        "'nabla_tau' reads validation samples",
    ),
    "one row twice": ({"methods": ["finetune", "finetune"]}, "give one a 'label'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistake_is_one_line(config: Path, case: str) -> None:
    change, expected = WRONG[case]
    with pytest.raises(UserError) as caught:
        plan_with(config, change)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_control_the_unchanged_study_is_accepted(config: Path) -> None:
    plan_with(config, {})


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a" * 64},
        {"name": "console"},
        {"name": "a.con"},
        {"threads": 256},
        {"seeds": [899]},
        {"seeds": [{"train": 9_999, "split": 899, "method": 999}, 0]},
        {"seeds": [0, {"train": 0, "split": 0, "method": 1}]},
        {"architecture": {"name": "small_vgg", "settings": {"dropout": 0, "width": 1}}},
        {"architecture": {"name": "small_cnn"}, "dataset": {"name": "digits", "train": 49}},
        {"architecture": {"name": "small_cnn"}, "recipe": "single"},
        {
            "architecture": {"name": "resnet18"},
            "dataset": {"name": "digits", "train": 49},
            "recipe": "growing",
        },
        {"architecture": VGG, "dataset": {"name": "digits", "train": 50}},
        {"architecture": {"name": "vit", "settings": {"patch": 4}}},
        {"methods": ["ntk@paper"], "recipe": "decaying"},
        {"methods": [{"name": "ntk", "reading": "paper", "settings": {"weight_decay": 0.1}}]},
        {"attacks": ["loss_logistic_cv"]},
        {"scenario": {"kind": "random", "fraction": 0.1, "steps": 4}},
        {"methods": ["gdr_gma@code", {"name": "gdr_gma", "reading": "code", "label": "retrain"}]},
    ],
)
def test_control_what_is_near_to_a_mistake_is_accepted(config: Path, change: dict[str, Any]) -> None:
    plan_with(config, change)


def test_no_seed_meets_that_of_another_model() -> None:
    most = 1000  # models of a pool
    assert fields.LAST_TRAIN_SEED < pools.WITH_SEED
    assert pools.WITH_SEED + most <= pools.WITH_SEED + pools.PER_SPLIT  # the pool of split 0
    assert most <= pools.PER_SPLIT
    last = pools.WITH_SEED + pools.PER_SPLIT * (1 + fields.LAST_SPLIT_SEED) + most
    assert last <= pools.HALVES_SEED
    assert fields.LAST_METHOD_SEED < FLOOR_SEED
    assert FLOOR_SEED + fields.LAST_METHOD_SEED < pools.WITH_SEED


def test_short_forms_are_written_out() -> None:
    short = Experiment.model_validate({**EXPERIMENT, "seeds": [3], "methods": ["gdr_gma@code", "finetune"]})
    long = {
        "seeds": [{"train": 3, "split": 3, "method": 3}],
        "methods": [{"name": "gdr_gma", "reading": "code"}, {"name": "finetune"}],
    }
    assert short == Experiment.model_validate({**EXPERIMENT, **long})
    assert Experiment.model_validate(short.model_dump(mode="json")) == short


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({**RECIPE, "learning_rate": float("inf")}, "learning_rate: inf (.inf, .nan) cannot be used"),
        ({**RECIPE, "milestones": [float("nan")]}, "milestones.0: nan (.inf, .nan) cannot be used"),
        ({**RECIPE, "warmup": 3}, "warmup: unknown key 'warmup'; did you mean warmup_epochs"),
        ({k: v for k, v in RECIPE.items() if k != "epochs"}, "tiny.yaml: epochs: this key is missing"),
        (None, "a mapping is expected here, as in 'key: value'"),
    ],
)
def test_mistakes_of_recipes_are_lines_of_the_same_kind(config: Path, content: Any, expected: str) -> None:
    (config / "recipes/tiny.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(UserError) as caught:
        load.load_recipe("tiny")
    assert str(caught.value).startswith(str(config / "recipes/tiny.yaml: "))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_numbers_with_an_exponent_are_numbers_in_a_study(config: Path) -> None:
    plan_with(config, {})
    file = config / "studies/s.yaml"
    content = yaml.safe_load(file.read_text())
    content["experiments"][0]["methods"] = [{"name": "finetune", "settings": {"learning_rate": "RATE"}}]
    text = yaml.safe_dump(content)
    for rate, number in (("1e-3", 0.001), ("1E-1", 0.1), (".5", 0.5)):
        file.write_text(text.replace("RATE", rate))
        (job,) = make_plan("s").of_stage("unlearn")
        assert isinstance(job, UnlearnJob)
        assert job.method.settings["learning_rate"] == number


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("scenario:", "scenaro:"),
        ("architecture:", "architectur:"),
        ("experiments:", "experimets:"),
        ("title:", "titel:"),
        ("recipe:", "recip:"),
        ("seeds:", "seed:"),
    ],
)
def test_a_misspelt_key_is_named_also_where_the_right_one_is_needed(
    config: Path, right: str, wrong: str
) -> None:
    plan_with(config, {"seeds": [{"train": 0, "split": 0, "method": 0}]})
    file = config / "studies/s.yaml"
    text = file.read_text()
    assert text.count(right) == 1
    # beside a mistake that lies deeper
    file.write_text(text.replace(right, wrong).replace("train: 0", "train: -1"))
    with pytest.raises(UserError) as caught:
        make_plan("s")
    said = str(caught.value)
    assert wrong.rstrip(":") in said
    assert f"did you mean {right.rstrip(':')}" in said
    assert "\n" not in said


@pytest.mark.parametrize("folder", ["studies", "recipes"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_editor_may_have_saved_a_file(config: Path, folder: str, encoding: str, end: str) -> None:
    plan_with(config, {}, title="Größe, 大きさ")
    for file in (config / folder).glob("*.yaml"):
        text = yaml.safe_dump(yaml.safe_load(file.read_text()), allow_unicode=True)
        file.write_bytes(text.replace("\n", end).encode(encoding))
    assert make_plan("s").study.title == "Größe, 大きさ"
    assert load.load_recipe("tiny").epochs == RECIPE["epochs"]


@pytest.mark.parametrize("name", ["retrain", "original", "noise_floor"])
def test_new_methods_do_not_take_the_names_of_rows_that_are_always_there(name: str) -> None:
    with pytest.raises(UserError, match=f"'{name}' is always there"):
        new_method.write(name)


def test_file_and_name_must_agree(config: Path) -> None:
    with pytest.raises(UserError, match="is 'other' but the file is called 's'"):
        plan_with(config, {}, name="other")


@pytest.mark.parametrize("name", ["t", "a" * 300, "../recipes/tiny", "", "a\0b"])
def test_a_study_that_is_not_there_is_one_line(config: Path, name: str) -> None:
    plan_with(config, {})
    with pytest.raises(UserError, match="no study"):
        make_plan(name)


def test_broken_yaml_names_the_line(config: Path) -> None:
    (config / "studies/s.yaml").write_text("name: [s\n")
    with pytest.raises(UserError, match=r"not YAML.*line"):
        make_plan("s")


@pytest.mark.workflow
def test_snakemake_says_it_in_one_line_and_starts_nothing(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    for case, arguments in (("a name that is yes", ()), ("a last batch of one image", ("--dry-run",))):
        change, expected = WRONG[case]
        project.write_study("tiny", [{**EXPERIMENT, **change}])
        done = project.snakemake(*arguments, check=False)
        assert done.returncode
        assert any(expected in line for line in (done.stdout + done.stderr).splitlines()), case
        assert "Traceback" not in done.stderr
        assert not (project.root / "runs").exists()
