"""`reunlearn printed`: all cells of all papers are accounted for; studies that meet them; results with verdicts."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.errors import UserError
from reunlearn.commands.printed import printed
from reunlearn.commands.printed_lines import Line, lines
from reunlearn.metrics.verdict import EQUAL, OUTSIDE
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.papers import papers
from reunlearn.study.reported import all_cells

ROOT = Path.cwd()
LUR = {
    "name": "random-0.1",
    "dataset": {"name": "cifar10", "validation": 5000},
    "architecture": {"name": "resnet18"},
    "recipe": "lur-cifar10",
    "scenario": {"kind": "random", "fraction": 0.1},
    "seeds": [0, 1],
    "methods": ["finetune", "lur", {"name": "lur", "label": "first-order", "settings": {"order": "first"}}],
    "attacks": ["confidence_svc"],
}
SMALL = {
    **LUR,
    "name": "small",
    "dataset": {"name": "cifar10", "train": 2000},
    "reported": {"file": "lur_table1_random.csv", "where": {"dataset": "CIFAR-10", "fraction": "50%"}},
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the configuration of this one and studies of its own."""
    (tmp_path / "config/studies").mkdir(parents=True)
    for name in ("papers", "recipes", "presets", "reported"):
        (tmp_path / "config" / name).symlink_to(ROOT / "config" / name)
    monkeypatch.chdir(tmp_path)
    write("mine", LUR)
    return tmp_path


def write(name: str, *experiments: dict) -> None:
    """Write a study."""
    content = {"name": name, "title": name, "experiments": list(experiments)}
    Path(f"config/studies/{name}.yaml").write_text(yaml.safe_dump(content))


def found(study: str | None = None) -> list[Line]:
    """Return every line."""
    cards = catalogue()
    return list(lines(all_cells(), papers(cards), cards, study))


def test_every_cell_has_a_partner_or_a_reason(project: Path) -> None:
    every = found()
    assert len(every) == 1446
    assert len({(line.cell.file, line.cell.line) for line in every}) == 1446
    assert [line.cell for line in every if bool(line.compared) == bool(line.why_not)] == []
    compared = Counter(line.cell.method for line in every if line.compared)
    assert compared == {"Retrain": 4, "FT": 5, "LUR": 5}  # of Retrain all but the gap to itself
    reasons = Counter(line.why_not for line in every if line.cell.paper == "LUR")
    assert reasons["this study does not run it"] == 35
    figure = "a figure without numbers; the study lur-concept counts with your prompts and your detector"
    assert (reasons[figure], reasons["images only, no numbers"]) == (3, 3)
    assert reasons["no study has an experiment of this setting"] == 150 + 100 + 40 + 40


def test_the_studies_of_this_project_account_for_every_cell() -> None:
    every = found()
    assert len(every) == 1446
    assert [line.cell for line in every if bool(line.compared) == bool(line.why_not)] == []


def test_a_row_is_met_by_its_label_and_the_floor_too(project: Path) -> None:
    (own,) = [x for x in found() if x.compared and x.cell.method == "LUR" and x.cell.metric == "UA"]
    assert [met.meeting.row.name for met in own.met if met.meeting.row] == ["lur"]
    (retrain,) = [x for x in found() if x.compared and x.cell.method == "Retrain" and x.cell.metric == "UA"]
    assert [met.meeting.row.name for met in retrain.met if met.meeting.row] == ["retrain", "noise_floor"]


def test_numbers_that_a_study_names_are_met_in_another_setting_and_not_compared(project: Path) -> None:
    write("mine", SMALL)
    (line,) = [
        x
        for x in found()
        if (x.cell.dataset, x.cell.fraction, x.cell.method, x.cell.metric) == ("CIFAR-10", "50%", "LUR", "UA")
    ]
    assert [met.experiment for met in line.met] == ["small"]
    assert "ours trains on 2000 samples only" in line.why_not and not line.compared


def test_values_and_verdicts_where_results_are(project: Path) -> None:
    key = {"study": "mine", "experiment": "random-0.1", "reading": "", "label": "", "status": "finished"}
    results = [
        {**key, "method": "lur", "metric": metric, "value": value}
        | dict.fromkeys(("train_seed", "split_seed", "method_seed"), seed)
        for metric, values in {"accuracy_test": (93.0, 93.2), "accuracy_retain": (10.0, 10.0)}.items()
        for seed, value in enumerate(values)
    ]
    folder = Path(paths.results("mine"))
    folder.mkdir(parents=True)
    pd.DataFrame(results).to_parquet(folder / "results.parquet")
    Gathered(runs=(), jobs={}, missing=()).write(folder)
    by_metric = {x.cell.metric: x.met[0].judged for x in found() if x.compared and x.cell.method == "LUR"}
    assert by_metric["TA"].ours.mean == pytest.approx(93.1)
    assert by_metric["RA"].verdict.kind == OUTSIDE
    assert "was not measured" in by_metric["UA"].verdict.reason
    assert EQUAL not in {judged.verdict.kind for judged in by_metric.values()}


def test_the_table_and_the_json_of_one_paper(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed("lur", None, False)
    table = capsys.readouterr().out
    assert "394 printed numbers" in table and "mine random-0.1 lur" in table
    printed("lur", None, True)
    cells = json.loads(capsys.readouterr().out)
    assert len(cells) == 394
    (one,) = [
        c
        for c in cells
        if (c["printed"]["dataset"], c["printed"]["fraction"], c["printed"]["method"], c["printed"]["metric"])
        == ("CIFAR-10", "10%", "LUR", "UA")
    ]
    assert one["meaning"]["method"]["rows"] == ["lur"]
    assert one["meaning"]["scenario"]["ours"]["fraction"] == [0.1]
    assert one["meaning"]["training"]["ours"]["recipes"] == ["lur-cifar10"]
    assert [(m["study"], m["row"], m["number"]) for m in one["meets"]] == [
        ("mine", "lur", "100 − accuracy_forget")
    ]


def test_all_papers_in_short(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    printed(None, None, True)
    papers_found = json.loads(capsys.readouterr().out)
    assert sum(p["cells"] for p in papers_found) == 1446
    assert all(p["compared"] + sum(p["reasons"].values()) == p["cells"] for p in papers_found)
    printed(None, None, False)
    assert sum(p["gaps"] for p in papers_found) == 360
    assert "1446 printed numbers, 360 of them with their gap" in capsys.readouterr().out


def test_one_study_alone(project: Path) -> None:
    write("other", SMALL)
    assert {met.study for line in found("mine") for met in line.met} == {"mine"}
    assert {met.study for line in found() for met in line.met} == {"mine", "other"}


def test_mistakes_are_one_line(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="no study 'mien'"):
        found("mien")
    with pytest.raises(UserError, match="no paper 'lru'"):
        printed("lru", None, False)
    write("broken", {**LUR, "methods": ["nothing"]})
    assert len(found()) == 1446  # a broken study stops none of the others
    assert "study 'broken' is left out" in capsys.readouterr().err
    with pytest.raises(UserError, match="no method 'nothing'"):
        found("broken")
