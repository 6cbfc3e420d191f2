"""A further paper is one file and its printed numbers: averages, columns, tables and claims follow from these."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reunlearn.study.catalogue import catalogue
from reunlearn.study.paper_columns import with_columns
from reunlearn.study.plan import make_plan
from reunlearn.study.report_jobs import ReportJob
from reunlearn.study.reproduced import ELSEWHERE

CSV = """paper,table,dataset,model,scenario,fraction,method,metric,mean,std,gap,unit,note
Sixth,Table 1,Digits,CNN,random,20%,Retrain,Test,97.00,0.50,,%,
Sixth,Table 1,Digits,CNN,random,20%,Tuned,Test,96.00,0.40,1.00,%,
Sixth,Table 1,Digits,CNN,random,20%,Retrain,Time,9.00,,,min,
Sixth,Table 1,Digits,CNN,random,20%,Tuned,Time,0.90,,,min,
Sixth,Table 1,Digits,CNN,random,20%,Tuned,Mean,0.50,,,pp,
Sixth,Table 1,Digits,CNN,random,50%,Tuned,Test,90.00,0.40,7.00,%,
"""
PAPER = {
    "paper": "Sixth",
    "title": "Sixth (2026)",
    "citation": "A. Nobody: Sixth. 2026.",
    "trainings": [
        {
            "dataset": "Digits",
            "network": "CNN",
            "ours": {"dataset": "digits", "network": "small_cnn", "recipes": ["digits-small"]},
        }
    ],
    "scenarios": [
        {"scenario": "random", "fraction": "20%", "ours": {"kind": "random", "fraction": 0.2}},
        {"scenario": "random", "fraction": "50%", "ours": {"kind": "random", "fraction": 0.5}},
    ],
    "methods": {"Retrain": {"rows": "retrain"}, "Tuned": {"rows": "finetune", "heading": "Tuned (ours)"}},
    "columns": {
        "Test": {"metric": "accuracy_test", "says": "accuracy on the test set"},
        "Time": {"share_of_retrain": "seconds_run"},
        "Mean": {"average": ["Test"], "name": "mean_sixth", "title": "Mean of Sixth"},
    },
    "tables": [
        {
            "name": "table1",
            "table": "Table 1",
            "caption": "a random part is forgotten",
            "file": "sixth.csv",
            "spans": {"dataset": ["Digits"], "fraction": ["20%", "50%"]},
            "rows": ["method"],
            "columns": ["fraction", "metric"],
            "doubtful": [{"where": {"fraction": "50%"}, "why": "odd"}],
        }
    ],
    "claims": [
        {
            "name": "near",
            "says": "it is near",
            "source": "Table 1",
            "experiments": ["random"],
            "row": "finetune",
            "than": ["original"],
            "number": "mean_sixth",
            "expects": "lower",
        }
    ],
}
STUDY = {
    "name": "sixth",
    "title": "Sixth",
    "paper": "sixth",
    "experiments": [
        {
            "name": "random",
            "dataset": {"name": "digits"},
            "architecture": {"name": "small_cnn"},
            "recipe": "digits-small",
            "scenario": {"kind": "random", "fraction": 0.2},
            "seeds": [0],
            "methods": ["finetune"],
            "reported": {"file": "sixth.csv", "where": {"fraction": "20%"}},
        }
    ],
}


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReportJob:
    """Return the report's job of a study of the sixth paper, in a project with that paper alone."""
    for name in ("recipes", "presets"):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).symlink_to(Path.cwd() / "config" / name)
    for name, text in {
        "papers/sixth.yaml": yaml.safe_dump(PAPER),
        "studies/sixth.yaml": yaml.safe_dump(STUDY),
        "reported/sixth.csv": CSV,
    }.items():
        path = tmp_path / "config" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path)
    found = make_plan("sixth").jobs["reports/sixth"]
    assert isinstance(found, ReportJob)
    return found


def test_the_report_gets_all_that_the_papers_file_says(job: ReportJob) -> None:
    (table,) = job.paper_tables
    assert (table.title, table.source, table.columns) == (
        "Table 1",
        "Sixth (2026), Table 1",
        ("fraction", "metric"),
    )
    assert table.order["fraction"] == ("20%", "50%")
    assert table.heading("method", "Tuned") == "Tuned (ours)"
    assert table.says["Test"] == "accuracy on the test set"
    assert [(place.absent, place.doubt) for place in table.places][-1] == (ELSEWHERE, "odd")
    assert job.of_paper.tables == ("paper",)
    assert [claim.name for claim in job.claims] == ["near"]
    assert [(a.name, a.terms) for a in job.averages["random"]] == [
        ("mean_sixth", (("Test", ("accuracy_test",)),))
    ]
    shares = {m.cell.method: m.share for m in job.printed["random"] if m.cell.metric == "Time"}
    assert shares == {"Retrain": ("100", ""), "Tuned": ("10", "")}
    assert job.cards.measures["evaluation"].numbers["accuracy_test"].column_of == "Sixth 'Test'"
    assert (
        with_columns(catalogue()).measures["confidence_svc"].column_of == ""
    )  # no other paper is known here


def test_a_study_that_names_no_paper_shows_no_table_of_one() -> None:
    found = make_plan("quickstart").jobs["reports/quickstart"]
    assert isinstance(found, ReportJob)
    assert (found.paper_tables, found.of_paper.tables, found.claims) == ((), (), ())
