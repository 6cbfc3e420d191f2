"""Committed reports: tables, results and records; page and figures are made from these."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.commands import report

FOLDERS = sorted(Path("reports/reference").iterdir())
TABLES = {f"{name}.parquet" for name in ("results", "runs", "classes", "histograms", "roc")}
OF_SOME = {"series.parquet", "pictures.parquet", "drawn.parquet", "judges.parquet"}
MOST = 5_000_000  # bytes


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_it_holds_tables_results_and_provenance_alone(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {"README.md", "results", "tables"}
    results = {path.name for path in (folder / "results").iterdir()}
    assert {"results.parquet", "runs.json.xz"} <= results <= TABLES | OF_SOME | {"runs.json.xz"}
    assert {path.suffix for path in (folder / "tables").iterdir()} == {".csv", ".md", ".tex"}
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < MOST


def test_page_figures_and_the_same_tables_are_made_from_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(report, "write_list", lambda: "nowhere")  # the list of this project's own reports
    folder = Path("reports/reference/goemotions")
    report.run("goemotions", str(folder), str(tmp_path / "page"))
    made = tmp_path / "page"
    assert "comes closest to Retrain" in (made / "index.html").read_text()
    assert list((made / "figures").glob("*.svg"))
    names = sorted(path.name for path in (folder / "tables").iterdir())
    assert sorted(path.name for path in (made / "tables").iterdir()) == names
    for name in names:
        assert (made / "tables" / name).read_text() == (folder / "tables" / name).read_text(), name
