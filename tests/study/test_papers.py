"""The papers' words: every printed cell is known, every name exists, mistakes are one line."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import papers as module
from reunlearn.study.catalogue import catalogue
from reunlearn.study.joining import meaning_of
from reunlearn.study.papers import papers, read_paper
from reunlearn.study.reported import all_cells, read_file

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
    named = {name for card in measures.values() for name in card.numbers} | {"seconds_run"}
    for paper in papers(catalogue()).values():
        for metric in (m for _, column in paper.every_column for m in column.metrics):
            assert metric in named or metric in measures, metric


def test_every_table_is_laid_out_and_no_cell_has_two() -> None:
    known = papers(catalogue())
    laid_out = [
        (cell.file, cell.line)
        for paper in known.values()
        for one in paper.tables
        for cell in one.cells(read_file(one.file))
    ]
    assert len(set(laid_out)) == len(laid_out)
    a_figure = "lur_nudity_i2p.csv"
    assert set(laid_out) == {(c.file, c.line) for c in all_cells() if c.file != a_figure}
    assert {name: len(paper.tables) for name, paper in known.items()} == {
        "GDR-GMA": 5,
        "LUR": 3,
        "PGU": 5,  # four, and the two areas that the text names
        "SFR-on": 2,
        "nabla-tau": 4,
    }


def test_what_cannot_be_right_is_said_of_its_cell_alone() -> None:
    known = papers(catalogue())
    doubtful = [cell for cell in all_cells() if known[cell.paper].doubt(cell)]
    assert len(doubtful) == 20
    (fisher,) = [c for c in doubtful if c.method == "Fisher"]
    assert (fisher.mean, fisher.fraction) == ("61.10", "50%")
    assert "56.10" in known["GDR-GMA"].doubt(fisher)


MINE: dict = {
    "paper": "Mine",
    "title": "mine",
    "citation": "mine",
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


FA = {"FA": {"metric": "accuracy_forget"}}


def table(**changes: object) -> list[dict]:
    """Return a table, laid out as it is printed but for the changes."""
    content = {
        "name": "one",
        "table": "Table 1",
        "caption": "what is there",
        "file": "lur_table1_random.csv",
        "spans": {"fraction": ["10%", "50%"]},
        "rows": ["dataset", "method"],
        "columns": ["fraction", "metric"],
    }
    return [content | changes]


def trained(**changes: object) -> list[dict]:
    """Return the one training with other names of ours."""
    ours = {"dataset": "cifar10", "network": "resnet18", "recipes": ["lur-cifar10"], **changes}
    return [{"dataset": "CIFAR-10", "network": "ResNet-18", "ours": ours}]


def _written(folder: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> None:
    (folder / "config/papers").mkdir(parents=True)
    for name in ("recipes", "reported"):
        (folder / "config" / name).symlink_to(Path.cwd() / "config" / name)
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
        (
            {"columns": {"FA": {}}},
            "columns.FA: one of metric, error_of, distance, share_of_retrain, average, absent",
        ),
        ({"columns": {"FA": {"metric": "a", "error_of": "a"}}}, "one of metric"),
        (
            {"columns": {"Avg": {"average": ["FA"], "name": "avg", "title": "Avg."}}},
            "columns: Avg: 'FA' is no column",
        ),
        (
            {"columns": {**FA, "Avg": {"average": ["FA"]}}},
            "columns.Avg: name and title belong to an average, which needs both",
        ),
        ({"columns": {"FA": {"metric": "a", "name": "fa", "title": "FA"}}}, "belong to an average"),
        ({"tables": table(file="nothing.csv")}, "no such file"),
        ({"tables": table(table="Table 9")}, "tables: one: no line of lur_table1_random.csv is of 'Table 9'"),
        ({"tables": table(rows=["method"])}, "tables: one: two printed cells have one place"),
        ({"tables": table(rows=["metric", "method"])}, "rows and columns run over the same thing"),
        (
            {"tables": table(spans={"fraction": ["10%"]})},
            "spans.fraction: lur_table1_random.csv has 10%, 50%",
        ),
        (
            {"tables": table(doubtful=[{"where": {"method": "nobody"}, "why": "odd"}])},
            "doubtful: no printed cell is {'method': 'nobody'}",
        ),
        (
            {"figures": [{"figure": "1", "shows": "a", "ours": ["rocc"]}]},
            "figures: 1: figure 'rocc' does not exist",
        ),
        ({"figures": [{"figure": "1", "shows": "a"}]}, "either ours or absent is expected"),
        (
            {"scenarios": [{"scenario": "x", "absent": "no", "open": [{"what": "y"}]}]},
            "chosen: this key is missing",
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
