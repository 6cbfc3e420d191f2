"""MLflow's own pages in a real browser: runs nest, and what was logged over time is drawn."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reporting.pages.browser import needs_chromium
from tests.tracking import browser, server
from tests.tracking.browser import Browser
from tests.tracking.server import USER, Server
from tests.tracking.stored import runs_of_store
from tests.tracking.synthetic_study import SyntheticStudy

pytestmark = [needs_chromium, pytest.mark.thorough]

ROWS = [
    "report of tiny",
    "random · finetune",
    "random · gdr_gma@paper+wide",
    "random · retrain",
    "random · original",
]
SEEDS = ["train0-split0-method0", "train1-split1-method1"]
LINES = "[...document.querySelectorAll('.js-plotly-plot')].map(plot => plot.data[0]).filter(line => line.x?.length > 2)"
NAMES = "[...document.querySelectorAll('[role=row] a')].map(link => link.innerText)"
EXPANDERS = "[...document.querySelectorAll('[role=row] button[data-component-id*=runnamecellrenderer]')]"


@pytest.fixture
def page(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Browser]]:
    """A server that has a study, and a browser."""
    folder = tmp_path / "server"
    folder.mkdir()
    shutil.copy2(migrated, folder / "mlflow.db")
    monkeypatch.chdir(tmp_path)
    with server.running(folder) as served, browser.started(tmp_path) as opened:
        served.add(USER)
        for name, value in served.variables().items():
            monkeypatch.setenv(name, value)
        SyntheticStudy(seeds=2, points=50).track()
        yield served, opened


def test_runs_nest_and_series_are_drawn(page: tuple[Server, Browser]) -> None:
    served, opened = page
    (run, *_) = [
        r for r in runs_of_store() if r.data.tags.get("method") == "gdr_gma" and r.info.run_name == SEEDS[0]
    ]
    experiment = f"{served.address}/#/experiments/{run.info.experiment_id}"

    assert "AUTH" in opened.open(experiment, (USER[0], "another password"))

    assert opened.open(f"{experiment}/runs", USER) == ""
    opened.wait_for(f"{NAMES}.length >= {len(ROWS)}")
    assert sorted(opened.ask(NAMES)) == sorted(ROWS), "seeds are not shown until their row is opened"
    assert opened.ask(f"{EXPANDERS}.length") == len(ROWS) - 1, "every row but the report has seeds below it"
    opened.ask(f"{EXPANDERS}[0].click()")
    opened.wait_for(f"{NAMES}.length > {len(ROWS)}")
    names = opened.ask(NAMES)
    assert sorted(set(names) - set(ROWS)) == SEEDS and len(names) == len(ROWS) + len(SEEDS)

    opened.open("about:blank", USER)
    opened.open(f"{experiment}/runs/{run.info.run_id}/model-metrics", USER)
    opened.wait_for(f"{LINES}.length >= 3")
    assert (
        opened.ask(f"{LINES}.map(line => [line.x.length, line.x.at(-1), line.y.at(-1)])")
        == [[50, 50, 50]] * 3
    )
