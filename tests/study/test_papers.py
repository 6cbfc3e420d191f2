"""The papers' words: every printed cell is known, every name exists, mistakes are one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import papers as module
from reunlearn.study.catalogue import catalogue
from reunlearn.study.joining import AUGMENTED, meaning_of
from reunlearn.study.papers import papers, read_paper
from reunlearn.study.reported import all_cells

PAPERS = {
    "gdr-gma": "GDR-GMA",
    "lur": "LUR",
    "nabla-tau": "nabla-tau",
    "pgu": "PGU",
    "sfr-on": "SFR-on",
}


def test_there_is_a_file_for_each_paper() -> None:
    assert {name: read_paper(name, catalogue()).paper for name in module.names()} == PAPERS


def test_every_printed_cell_has_a_meaning_and_every_word_is_printed() -> None:
    known, cells = papers(catalogue()), all_cells()
    meanings = [meaning_of(cell, known) for cell in cells]
    assert Counter(cell.paper for cell in cells) == {
        "GDR-GMA": 417,
        "LUR": 394,
        "nabla-tau": 320,
        "SFR-on": 220,
        "PGU": 95,
    }
    used = {id(part) for m in meanings for part in (m.training, m.scenario, m.method, m.column)}
    unused = [
        (paper.paper, part)
        for paper in known.values()
        for part in (*paper.trainings, *paper.scenarios, *paper.methods.values(), *paper.columns.values())
        if id(part) not in used
    ]
    assert unused == []


def test_no_cell_has_two_scenarios() -> None:
    known = papers(catalogue())
    for cell in all_cells():
        fits = [
            s
            for s in known[cell.paper].scenarios
            if cell.scenario in s.scenario and (not s.fraction or cell.fraction in s.fraction)
        ]
        assert len(fits) == 1, cell


def test_vague_print_is_said_to_be_vague() -> None:
    known = papers(catalogue())
    for cell in all_cells():
        if "not named" in cell.scenario or "not stated" in cell.scenario:
            assert meaning_of(cell, known).scenario.open, cell


def test_the_measured_numbers_exist() -> None:
    measures = catalogue().measures
    own = {f"accuracy_{name}" for name in ("forget", "retain", "test", "test_retained")} | {"d_kl"}
    for paper in papers(catalogue()).values():
        columns = [*paper.columns.values(), *(c for t in paper.columns_of.values() for c in t.values())]
        for metric in (m for column in columns for m in column.metrics):
            assert metric.removesuffix(AUGMENTED) in own or metric in measures, metric


MINE: dict = {
    "paper": "Mine",
    "title": "mine",
    "trainings": [
        {
            "dataset": "CIFAR-10",
            "network": "ResNet-18",
            "ours": {"dataset": "cifar10", "network": "resnet18", "recipes": ["lur-cifar10"]},
        }
    ],
    "scenarios": [{"scenario": "random", "ours": {"kind": "random"}}],
    "methods": {"Mine": {"rows": "lur", "settings": {"order": "first"}}},
    "columns": {
        "FA": {"metric": "accuracy_forget"},
        "Avg": {"average": ["FA"], "name": "avg", "title": "Avg."},
    },
}


def trained(**changes: object) -> list[dict]:
    """Return the one training with other names of ours."""
    ours = {"dataset": "cifar10", "network": "resnet18", "recipes": ["lur-cifar10"], **changes}
    return [{"dataset": "CIFAR-10", "network": "ResNet-18", "ours": ours}]


def _written(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    (folder / "config/papers").mkdir(parents=True)
    (folder / "config/recipes").symlink_to(Path.cwd() / "config/recipes")
    (folder / "config/papers/mine.yaml").write_text(yaml.safe_dump({**MINE, **changes}))
    monkeypatch.chdir(folder)


def test_one_value_stands_for_a_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(tmp_path, monkeypatch)
    paper = read_paper("mine", catalogue())
    assert paper.methods["Mine"].settings == {"order": ("first",)}
    assert paper.methods["Mine"].rows == ("lur",)
    assert paper.scenarios[0].scenario == ("random",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"methods": {"Mine": {"rows": "lurr"}}},
            "methods.Mine: method 'lurr' does not exist; did you mean lur",
        ),
        ({"methods": {"Mine": {"rows": "lur", "settings": {"ordr": 1}}}}, "hyper-parameter 'ordr'"),
        ({"methods": {"Mine": {}}}, "methods.Mine: either rows or absent is expected"),
        ({"methods": {"Mine": {"rows": "lur", "absent": "no"}}}, "either rows or absent is expected"),
        ({"columns": {"FA": {}}}, "columns.FA: one of metric, error_of, distance, average, absent"),
        ({"columns": {"FA": {"metric": "a", "error_of": "a"}}}, "one of metric"),
        (
            {"columns": {"Avg": {"average": ["FA"], "name": "avg", "title": "Avg."}}},
            "columns: Avg: 'FA' is no column",
        ),
        ({"scenarios": [{"scenario": "x", "ours": {"kind": "randon"}}]}, "no scenario 'randon'"),
        ({"trainings": trained(dataset="cifar")}, "dataset 'cifar' does not exist"),
        ({"trainings": trained(recipes=["lur"])}, "recipe 'lur' does not exist"),
        ({"colums": {}}, "unknown key 'colums'; did you mean columns"),
    ],
)
def test_mistakes_are_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict, words: str
) -> None:
    _written(tmp_path, monkeypatch, **changes)
    with pytest.raises(UserError) as error:
        read_paper("mine", catalogue())
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_paper_is_one_line() -> None:
    with pytest.raises(UserError, match="no paper 'lurr' in config/papers; did you mean lur"):
        read_paper("lurr", catalogue())
