"""LiRA and RMIA through the whole workflow: the original is given away, a model that never saw forget is not."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from reunlearn.reporting import numbers
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from tests.workflow.project import EXPERIMENT, Project

pytestmark = [pytest.mark.workflow, pytest.mark.thorough]

ATTACKS = ["lira", "rmia"]
HELD_OUT = {
    **EXPERIMENT,
    "dataset": {"name": "digits", "train": 150, "validation": 150},
    "architecture": {"name": "small_cnn", "settings": {"width": 16}},
    "recipe": "digits-small",
    "scenario": {"kind": "random", "fraction": 0.4},
    "seeds": [0, 1],
    "methods": EXPERIMENT["methods"][:1],
    "attacks": ATTACKS,
    "shadows": {"halves": 20},
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a study that attacks an original, Retrain and a second Retrain."""
    project = Project.create(tmp_path_factory.mktemp("membership") / "project")
    project.write_study("membership", [HELD_OUT | {"noise_floor": True}])
    project.snakemake("reports/membership/manifest.json", study="membership")
    return project.root / "reports/membership"


def areas_of(report: Path, attack: str) -> dict[RowKey, list[float]]:
    """Return low end, value and high end of an attack's AUC by row, as the CSV file has them."""
    table = pd.read_csv(report / "tables/random-attacks.csv", index_col="method")
    areas = table[table["number"] == f"{attack}.auc"]
    return {
        row: [float(areas.loc[row.method, column]) for column in ("low", "mean", "high")]
        for row in (ORIGINAL, RETRAIN, FLOOR)
    }


@pytest.mark.parametrize("attack", ATTACKS)
def test_original_is_attacked_clearly_better_than_retrain(report: Path, attack: str) -> None:
    areas = areas_of(report, attack)
    print(attack, {row.heading: [round(v, 3) for v in ends] for row, ends in areas.items()})
    assert areas[ORIGINAL][0] > areas[RETRAIN][2] + 0.05
    for unseen in (RETRAIN, FLOOR):  # control: who never saw forget is not told apart
        assert abs(areas[unseen][1] - 0.5) < 0.1


def test_the_page_shows_it(report: Path) -> None:
    page = (report / "index.html").read_text()
    for title, attack in {"LiRA": "lira", "RMIA": "rmia"}.items():
        assert title in page
        areas = areas_of(report, attack)
        for row in (ORIGINAL, RETRAIN):
            low, area, high = areas[row]
            assert f"{numbers.plain(area, 2)} {numbers.interval(low, high)}" in page
