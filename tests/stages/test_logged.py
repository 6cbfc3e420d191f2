"""A run that logs numbers over time: what the stage writes, and that the weights are those of a run without a log."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.arrays import read_arrays
from reunlearn.stages import unlearn
from reunlearn.stages.execution import Context
from reunlearn.study import paths
from reunlearn.study.inputs import UnlearnInputs
from reunlearn.study.jobs import UnlearnJob
from reunlearn.study.methods import fill
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import MethodSpec
from reunlearn.unlearning.registry import card
from tests.stages.loaders import Loader
from tests.stages.specifications import training


class WithModel(Loader):
    def model(self, folder: str):
        return self.random_model(3)


@pytest.fixture(autouse=True)
def _loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(unlearn, "open_loader", lambda context: WithModel())


def run(name: str, log: tuple[str, ...]) -> Context[UnlearnJob]:
    folder = Path(name)
    folder.mkdir()
    settings = fill(card("neg_grad"), None, {"epochs": 2, "batch_size": 2})
    job = UnlearnJob(
        "unlearn",
        name,
        training(),
        read_scenario({"kind": "random", "fraction": 0.5}),
        MethodSpec(name="neg_grad", settings=settings),
        0,
        None,
        log,
        inputs=UnlearnInputs(data="data", split="split", original="original"),
    )
    context = Context(job, folder)
    unlearn.run(context)
    return context


def test_a_log_is_a_file_of_its_own_and_changes_no_weight(tmp_path: Path) -> None:
    plain, logged = run("plain", ()), run("logged", ("losses", "conflicts", "cosines"))
    weights = [(context.folder / "model.safetensors").read_bytes() for context in (plain, logged)]
    assert weights[0] == weights[1]
    assert plain.facts["drawn"] == logged.facts["drawn"]
    assert not (plain.folder / paths.SERIES).exists()
    series = read_arrays(logged.folder / paths.SERIES)
    assert series["forget_loss.step"].tolist() == [1, 2, 3, 4]
    assert series["conflict_retain_others.step"].tolist() == series["cosine.step"].tolist() == [1, 2]


def test_what_the_probes_take_is_no_run_time(tmp_path: Path) -> None:
    seconds = run(tmp_path / "run", ("conflicts",)).stopwatch.seconds
    assert seconds["log"] > 0 and seconds["run"] > 0
    assert "log" not in run("plain", ()).stopwatch.seconds
