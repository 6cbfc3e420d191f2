"""Classes by their names: the same specification as by their numbers, and a wrong name is one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.catalogue import catalogue
from reunlearn.study.load import CONFIG, load_study
from reunlearn.study.plan import make_plan
from reunlearn.study.scenario import OF_CLASSES, kind_class, kinds

NUMBERS = "tuple[int"  # in the annotation of a field that holds several


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what writes a study `mine` of one experiment of the quickstart on another dataset."""
    config = yaml.safe_load((CONFIG / "studies/gdr-gma.yaml").read_text())
    [experiment] = [e for e in config["experiments"] if e["name"] == "table3-subclass"]
    root = Path.cwd()
    (tmp_path / "config/studies").mkdir(parents=True)
    for folder in ("recipes", "presets", "papers", "reported"):
        (tmp_path / "config" / folder).symlink_to(root / "config" / folder)
    (tmp_path / "data.dvc").symlink_to(root / "data.dvc")
    monkeypatch.chdir(tmp_path)

    def written(dataset: str, scenario: dict[str, Any], **more: Any) -> None:
        entry = {
            **experiment,
            "dataset": {"name": dataset, **more},
            "scenario": scenario,
            "methods": ["finetune"],
            "seeds": [0],
        }
        entry.pop("reported")
        content = {"name": "mine", "title": "Mine", "experiments": [entry]}
        (tmp_path / "config/studies/mine.yaml").write_text(yaml.safe_dump(content))

    return written


SAME = [
    ("cifar20", "subclass", "subclasses", ["rocket", 2, "mushroom"], [69, 2, 51]),
    ("cifar20", "subclass", "subclasses", ["69"], [69]),
    ("cifar10", "class", "classes", ["automobile"], [1]),
    ("cifar10", "first", "classes", ["cat", "dog"], [3, 5]),
    ("cifar10", "random_per_class", "classes", ["truck"], [9]),
    ("cifar10", "label_flip", "pairs", [["cat", "dog"], [0, "truck"]], [[3, 5], [0, 9]]),
]


@pytest.mark.parametrize(("dataset", "kind", "field", "names", "numbers"), SAME)
def test_names_and_numbers_are_the_same_jobs(
    write, dataset: str, kind: str, field: str, names: list, numbers: list
) -> None:
    count = {} if kind in ("class", "subclass") else {"count": 5}
    documents = []
    for written in (names, numbers):
        write(dataset, {"kind": kind, field: written, **count})
        documents.append({folder: job.document() for folder, job in make_plan("mine").jobs.items()})
    assert documents[0] == documents[1]
    other = [numbers[0], 7] if field != "pairs" else [[3, 5]]  # the control: other numbers are other jobs
    write(dataset, {"kind": kind, field: other, **count})
    assert make_plan("mine").jobs.keys() != documents[0].keys()


WRONG = [
    (
        "cifar20",
        "subclass",
        "subclasses",
        ["rokcet"],
        "no sub-class 'rokcet' in cifar20; did you mean rocket",
    ),
    ("cifar20", "subclass", "subclasses", ["xyzzy"], "in cifar20; `reunlearn datasets cifar20` lists them"),
    ("cifar20", "subclass", "subclasses", ["fish"], "it is a class: write {kind: class, classes: [fish]}"),
    ("cifar20", "class", "classes", ["rocket"], "write {kind: subclass, subclasses: [rocket]}"),
    ("cifar10", "subclass", "subclasses", ["cat"], "cifar10 has no sub-classes; cifar20 has"),
    ("cifar10", "class", "classes", ["xyzzy"], "no class 'xyzzy' in cifar10; known: airplane, automobile"),
    ("cifer10", "class", "classes", ["cat"], "no dataset 'cifer10'; did you mean cifar10"),
    ("cifar20", "subclass", "subclasses", ["rocket", 69], "69 is there twice"),
    ("cifar10", "label_flip", "pairs", [["cat", "dgo"]], "no class 'dgo' in cifar10; did you mean dog"),
]


@pytest.mark.parametrize(("dataset", "kind", "field", "names", "line"), WRONG)
def test_a_wrong_name_is_one_line(write, dataset: str, kind: str, field: str, names: list, line: str) -> None:
    write(dataset, {"kind": kind, field: names})
    with pytest.raises(UserError) as error:
        load_study("mine")
    assert line in str(error.value)
    assert "config/studies/mine.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folders_own_names_are_known(write, tmp_path: Path) -> None:
    from PIL import Image

    for part in ("train", "test"):
        for name in ("ant", "bee"):
            folder = tmp_path / "mine" / part / name
            folder.mkdir(parents=True)
            for number in range(3):
                Image.new("RGB", (8, 8), (number, len(part), len(list(folder.parent.iterdir())))).save(
                    folder / f"{number}.png"
                )
    write("image_folder", {"kind": "class", "classes": ["bee"]}, folder="mine", side=8)
    assert load_study("mine").experiments[0].scenario.model_dump()["classes"] == (1,)


def test_no_two_classes_of_a_dataset_have_one_name() -> None:
    for card in catalogue().datasets.values():
        for names in (card.class_names, card.fine_classes):
            assert len(set(names)) == len(names)


def test_a_study_that_extends_reads_names_of_its_own_dataset(write, tmp_path: Path) -> None:
    write("cifar10", {"kind": "class", "classes": ["truck"]})
    change = {"dataset": {"name": "cifar20"}, "scenario": {"classes": ["people"]}}
    content = {"name": "wide", "extends": "mine", "every": change}
    (tmp_path / "config/studies/wide.yaml").write_text(yaml.safe_dump(content))
    assert load_study("wide").experiments[0].scenario.model_dump()["classes"] == (14,)


def test_every_field_of_class_numbers_takes_names() -> None:
    several = {
        name for kind in kinds() for name, field in kind_class(kind).model_fields.items()
        if NUMBERS in str(field.annotation)
    }  # fmt: skip
    assert several == OF_CLASSES.keys()


def test_the_schema_of_studies_allows_names() -> None:
    items = kind_class("subclass").model_json_schema()["properties"]["subclasses"]["items"]
    assert {"type": "string"} in items["anyOf"]
