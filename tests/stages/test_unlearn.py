"""Which model an unlearning run starts from: the original, or what a replay of its training ended in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json
from reunlearn.stages.execution import Context
from reunlearn.stages.unlearn import starting_model
from reunlearn.study.inputs import UnlearnInputs
from reunlearn.study.jobs import UnlearnJob
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import MethodSpec
from reunlearn.training.replayed import FACTS, WEIGHTS
from reunlearn.training.tensor_files import save_model
from tests.stages.specifications import training


def network(value: float) -> nn.Module:
    model = nn.Linear(2, 2)
    nn.init.constant_(model.weight, value)
    nn.init.zeros_(model.bias)
    return model


class Loader:
    """Stands for the loader: the original's weights are 1, those of the step before 2."""

    def model(self, folder: str) -> nn.Module:
        return network({"original": 1.0, "before": 2.0}[folder])

    def random_model(self, seed: int) -> nn.Module:
        return network(0.0)


def start(
    folder: Path, replay: dict[str, Any] | None, step: int | None = None
) -> tuple[float, dict[str, Any]]:
    """Return the starting weight and the record's facts; the replay, if any, ended at weight 5."""
    state = folder / "state of it"
    state.mkdir()
    if replay is not None:
        write_json(state / FACTS, replay)
        save_model(network(5.0), state / WEIGHTS)
    context = Context(unlearn_job(state, step), folder)
    model = starting_model(context, Loader(), {"noted": state})  # type: ignore[arg-type]
    return model.weight[0, 0].item(), context.facts


def unlearn_job(state: Path, step: int | None) -> UnlearnJob:
    """Return the job of a run; in a later step it starts from the step before."""
    steps = {} if step is None else {"steps": 2, "step": step}
    return UnlearnJob(
        "unlearn",
        "runs/none",
        training(),
        read_scenario({"kind": "random", "fraction": 0.5, **steps}),
        MethodSpec(name="finetune"),
        0,
        inputs=UnlearnInputs(
            data="data",
            split="split",
            original="before" if (step or 1) > 1 else "original",
            state={"noted": str(state)},
        ),
    )


@pytest.mark.parametrize("replay", [None, {"replay_distance": 0.0}])
def test_a_replay_that_met_the_original_changes_nothing(
    tmp_path: Path, replay: dict[str, Any] | None
) -> None:
    assert start(tmp_path, replay) == (1.0, {})


@pytest.mark.parametrize("step", [None, 1])
def test_a_replay_that_missed_it_provides_the_model_and_is_marked(tmp_path: Path, step: int | None) -> None:
    assert start(tmp_path, {"replay_distance": 0.25}, step) == (5.0, {"replayed": 0.25})


def test_a_later_step_goes_on_from_the_step_before(tmp_path: Path) -> None:
    assert start(tmp_path, {"replay_distance": 0.25}, step=2) == (2.0, {"replayed": 0.25})


def test_strict_refuses_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REUNLEARN_STRICT", "1")
    with pytest.raises(UserError, match=r"0\.25 from the original.*REUNLEARN_STRICT=1") as caught:
        start(tmp_path, {"replay_distance": 0.25})
    assert "\n" not in str(caught.value)


def test_strict_allows_a_replay_that_met_the_original(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REUNLEARN_STRICT", "1")
    assert start(tmp_path, None) == (1.0, {})


@pytest.mark.parametrize("value", ["", "0"])
def test_strict_is_off_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("REUNLEARN_STRICT", value)
    assert start(tmp_path, {"replay_distance": 0.25})[0] == 5.0


def test_the_networks_here_differ() -> None:
    """The control: the numbers compared above tell the models apart."""
    assert not torch.equal(network(1.0).weight, network(5.0).weight)
