"""Printed numbers that a study names: chosen rows, and a line for every mistake."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study.jobs import ReportJob
from reunlearn.study.load import CONFIG, parse
from reunlearn.study.plan import make_plan
from reunlearn.study.reported import COLUMNS, read_reported
from reunlearn.study.schema import Reported

FILE = "gdrgma_table2_random.csv"


def test_the_chosen_rows_as_they_are_printed() -> None:
    rows = read_reported(Reported(file=FILE, where={"dataset": "CIFAR-10", "fraction": "20%"}), "here")
    assert len(rows) == 66
    assert {row["fraction"] for row in rows} == {"20%"}
    assert all(tuple(row) == COLUMNS for row in rows)
    (first,) = [r for r in rows if (r["method"], r["metric"]) == ("Retrain", "MIA")]
    assert (first["mean"], first["std"]) == ("76.76", "0.04")


@pytest.mark.parametrize(
    ("reported", "message"),
    [
        ({"file": "gdrgma_table2.csv"}, "no such file; did you mean gdrgma_table2_random.csv"),
        ({"file": FILE, "where": {"datset": "CIFAR-10"}}, "no column 'datset'; did you mean dataset"),
        ({"file": FILE, "where": {"fraction": "10%"}}, "fraction '10%'; fraction may be 20%, 50%"),
        ({"file": "lur_nudity_i2p.csv"}, "has no column 'fraction'"),
    ],
)
def test_mistakes_are_one_line(reported: dict, message: str) -> None:
    with pytest.raises(UserError) as error:
        read_reported(Reported.model_validate(reported), "study 's'")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("file", ["../studies/quickstart.yaml", "/etc/passwd.csv", "a/b.csv", "numbers.txt"])
def test_only_files_of_the_folder_can_be_named(file: str) -> None:
    with pytest.raises(UserError, match="file"):
        parse(Reported, {"file": file}, "here")


def test_every_file_but_the_one_without_settings_can_be_read() -> None:
    for path in (CONFIG / "reported").glob("*.csv"):
        if path.name != "lur_nudity_i2p.csv":
            assert read_reported(Reported(file=path.name), "here")


def test_the_report_is_told_the_rows_and_nothing_else_changes(tmp_path: Path, monkeypatch) -> None:
    for name in ("recipes", "presets", "reported", "studies"):
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
    assert len(with_numbers.printed["random"]) == 126
    assert without.printed == {}
    changed = {f for f, job in told.jobs.items() if job.document() != plain.jobs[f].document()}
    assert changed == {"reports/quickstart"}
