"""Printed numbers that a study names: chosen rows, and a line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.load import CONFIG, parse
from reunlearn.study.plan import make_plan
from reunlearn.study.report_jobs import ReportJob
from reunlearn.study.reported import all_cells, read_file, read_reported
from reunlearn.study.schema import Reported

FILE = "gdrgma_table2_random.csv"
HEAD = "paper,table,dataset,model,scenario,method,metric,mean,std"


def test_the_chosen_cells_as_they_are_printed() -> None:
    cells = read_reported(Reported(file=FILE, where={"dataset": "CIFAR-10", "fraction": "20%"}), "here")
    assert len(cells) == 66
    assert {cell.fraction for cell in cells} == {"20%"}
    (first,) = [c for c in cells if (c.method, c.metric) == ("Retrain", "MIA")]
    assert (first.mean, first.std, first.gap) == ("76.76", "0.04", "0.00")
    assert (
        (CONFIG / "reported" / first.file)
        .read_text()
        .splitlines()[first.line - 1]
        .endswith("76.76,0.04,0.00,%,")
    )


@pytest.mark.parametrize(
    ("reported", "message"),
    [
        ({"file": "gdrgma_table2.csv"}, "no such file; did you mean gdrgma_table2_random.csv"),
        ({"file": FILE, "where": {"datset": "CIFAR-10"}}, "no column 'datset'; did you mean dataset"),
        ({"file": FILE, "where": {"fraction": "10%"}}, "fraction '10%'; fraction may be 20%, 50%"),
    ],
)
def test_mistakes_are_one_line(reported: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_reported(Reported.model_validate(reported), "study 's'")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("paper,table\nLUR,1\n", "has no column 'dataset'"),
        (f"{HEAD}\nLUR,1,d,n,s,m,UA,5.19,0.5O\n", "line 2: std '0.5O' is no number"),
        (f"{HEAD}\nLUR,1,d,n,s,m,UA,nan,\n", "line 2: mean 'nan' is no number"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch, text: str, message: str) -> None:
    (tmp_path / "config/reported").mkdir(parents=True)
    (tmp_path / "config/reported/mine.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as error:
        read_file("mine.csv")
    assert message in str(error.value)


def test_columns_that_a_file_lacks_are_empty(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "config/reported").mkdir(parents=True)
    (tmp_path / "config/reported/mine.csv").write_text(f"{HEAD}\nLUR,1,d,n,s,m,UA,5.190,\n")
    monkeypatch.chdir(tmp_path)
    (cell,) = read_file("mine.csv")
    assert (cell.mean, cell.fraction, cell.note) == ("5.190", "", "")


@pytest.mark.parametrize("file", ["../studies/quickstart.yaml", "/etc/passwd.csv", "a/b.csv", "numbers.txt"])
def test_only_files_of_the_folder_can_be_named(file: str) -> None:
    with pytest.raises(UserError, match="file"):
        parse(Reported, {"file": file}, "here")


def test_every_file_can_be_read_and_no_cell_is_lost() -> None:
    cells = all_cells()
    assert len(cells) == 1446
    assert len({cell.file for cell in cells}) == len(list((CONFIG / "reported").glob("*.csv"))) == 19


def test_the_report_is_told_the_rows_and_nothing_else_changes(tmp_path: Path, monkeypatch) -> None:
    for name in ("papers", "recipes", "presets", "reported", "studies"):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / name).symlink_to(Path.cwd() / "config" / name)
    plain = make_plan("quickstart")
    content = yaml.safe_load((CONFIG / "studies/quickstart.yaml").read_text())
    content["experiments"][0]["reported"] = {"file": FILE, "where": {"fraction": "50%"}}
    (tmp_path / "config/studies").unlink()
    (tmp_path / "config/studies").mkdir()
    (tmp_path / "config/studies/quickstart.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.chdir(tmp_path)
    told = make_plan("quickstart")
    with_numbers, without = (p.jobs["reports/quickstart"] for p in (told, plain))
    assert isinstance(with_numbers, ReportJob) and isinstance(without, ReportJob)
    assert len({m.cell.line for m in with_numbers.printed["random"]}) == 126
    assert without.printed == {}
    changed = {f for f, job in told.jobs.items() if job.document() != plain.jobs[f].document()}
    assert changed == {"reports/quickstart"}
