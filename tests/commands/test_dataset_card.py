"""`reunlearn datasets NAME`: every dataset's whole card, with the lock of its prepared files."""

from __future__ import annotations

import json

import pytest

from reunlearn.commands.dataset_card import class_rows, classes, facts
from reunlearn.commands.list_plugins import datasets
from reunlearn.storage.dvc_files import read_lock
from reunlearn.study.catalogue import catalogue, plugin_names

LOCK = {"md5": "0123.dir", "nfiles": 5, "size": 99}


@pytest.mark.parametrize("name", plugin_names("datasets"))
def test_every_card_is_whole(name: str) -> None:
    card = catalogue().datasets[name]
    words = facts(card, LOCK)
    wanted = {
        "modality",
        "classes",
        "training samples",
        "test samples",
        "shape",
        "normalisation",
        "source",
        "licence",
        "lock",
    }
    assert wanted <= words.keys()
    assert all(value.strip() and "None" not in value for value in words.values())
    assert words["lock"] == "0123.dir, 5 files, 99 bytes"
    assert facts(card, None)["lock"] == "none in data.dvc"
    if not card.open_side:
        shown = " ".join(" ".join(row.values()) for row in class_rows(card)) or words["classes"]
        assert card.class_names[-1] in shown
        assert card.class_counts is None or sum(card.class_counts) == card.train


@pytest.mark.parametrize("name", ["digits", "cifar10", "cifar100", "cifar20"])
def test_the_lock_is_that_of_data_dvc(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    datasets(name, as_json=True)
    [card] = json.loads(capsys.readouterr().out)
    assert card["lock"]["md5"] == read_lock()[f"data/{name}"]["md5"]
    assert card["name"] == name
    datasets(name, as_json=False)
    assert card["lock"]["md5"] in capsys.readouterr().out


def test_the_folders_own_numbers_are_not_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert facts(catalogue().datasets["image_folder"], None)["classes"].startswith("as your folder")
    datasets(None, as_json=False)
    text = capsys.readouterr().out
    assert "as the folder" in text and "modality" in text


@pytest.mark.parametrize("name", plugin_names("datasets"))
def test_every_class_and_sub_class_is_listed_once_with_its_number(name: str) -> None:
    card = catalogue().datasets[name]
    lines = classes(card)
    assert [line.name for line in lines] == list(card.class_names)
    assert [line.number for line in lines] == list(range(card.classes))
    below = sorted((sub.number, sub.name) for line in lines for sub in line.sub_classes)
    assert below == list(enumerate(card.fine_classes))


def test_sub_classes_stand_with_their_class(capsys: pytest.CaptureFixture[str]) -> None:
    datasets("cifar20", as_json=True)
    [card] = json.loads(capsys.readouterr().out)
    vehicles = card["classes"][19]
    assert vehicles["name"] == "vehicles_2"
    assert {"number": 69, "name": "rocket"} in vehicles["sub_classes"]
    datasets("cifar20", as_json=False)
    [line] = [line for line in capsys.readouterr().out.splitlines() if "69 rocket" in line]
    assert "vehicles_2" in line
