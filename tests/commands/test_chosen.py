"""What the searches of a study chose, on the command line; tests/workflow/test_search.py has a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.artifacts.choice import Choice, Trial
from reunlearn.base.errors import UserError
from reunlearn.commands import chosen
from reunlearn.study.jobs import UnlearnJob
from reunlearn.study.plan import Plan, make_plan
from tests.commands.made import SMALL, STUDY, write_study

SEARCHED = {
    **SMALL,
    "search": {"budget": 2, "seeds": [5]},
    "methods": [
        {
            "name": "salun",
            "reading": "code",
            "settings": {"batch_size": 8},
            "search": {"epochs": [1, 2]},
        }
    ],
}


def test_a_study_without_a_search_is_one_line(plan: Plan) -> None:
    with pytest.raises(UserError, match=f"study '{STUDY}' searches nothing"):
        chosen.run(STUDY)


def test_a_choice_that_is_not_made_yet_is_one_line(plan: Plan) -> None:
    write_study(SEARCHED, "searched")
    with pytest.raises(
        UserError, match="nothing is chosen yet; `make reproduce STUDY=searched` makes the trials"
    ):
        chosen.run("searched")


@pytest.mark.parametrize("scenario", ["random", {"kind": "random", "fraction": "any"}])
def test_the_winner_takes_the_place_of_an_older_entry_and_of_no_other(plan: Plan, scenario: Any) -> None:
    write_study(SEARCHED, "searched")
    file = Path("config/presets/salun.yaml")
    before = yaml.safe_load(file.read_text())
    older = {"dataset": "digits", "recipe": "made"}
    wanted = {"dataset": "digits", "recipe": "made", "scenario": scenario, "reading": "code"}
    old = {"provenance": "unsearched", "source": "by hand", "settings": {"epochs": 7, "fraction": 0.3}}
    file.write_text(yaml.safe_dump([*before, {"for": older, **old}, {"for": wanted, **old}]))
    (run,) = [run for run in make_plan("searched").runs if run.choice]
    trials = [
        Trial(settings={"epochs": epochs}, distances={}, score=score)
        for epochs, score in ((1, 9.0), (2, 4.5))
    ]
    assert run.choice
    Path(run.choice).mkdir(parents=True)
    Choice(trials=tuple(trials)).write(Path(run.choice))
    chosen.run("searched", write=True)
    first, *rest = yaml.safe_load(file.read_text())
    widened = {"architecture": "any", "scenario": {"kind": "random", "fraction": "any"}}
    assert first["for"] == wanted | widened
    assert first["provenance"] == "searched"
    assert first["settings"] == {"fraction": 0.3, "batch_size": 8, "epochs": 2}  # preset, study, choice
    assert first["source"] == "best of 2 by validation stand-ins, score 4.50 (study searched)"
    assert rest == [*before, {"for": older, **old}]


def test_the_winner_goes_before_what_a_paper_prints_for_one_fraction(plan: Plan) -> None:
    write_study(SEARCHED, "searched")
    file = Path("config/presets/salun.yaml")
    printed = {
        "dataset": "digits",
        "scenario": {"kind": "random", "fraction": 0.2},
        "architecture": "small_cnn",
        "reading": "code",
    }
    entry = {"for": printed, "provenance": "printed", "source": "a paper", "settings": {"epochs": 9}}
    file.write_text(yaml.safe_dump([*yaml.safe_load(file.read_text()), entry]))
    (run,) = [run for run in make_plan("searched").runs if run.choice]
    assert run.choice
    Path(run.choice).mkdir(parents=True)
    Choice(trials=(Trial(settings={"epochs": 2}, distances={}, score=1.0),)).write(Path(run.choice))
    chosen.run("searched", write=True)
    first = yaml.safe_load(file.read_text())[0]
    assert first["for"]["scenario"] == {"kind": "random", "fraction": "any"}
    write_study({**SMALL, "methods": ["salun@code"]}, "plain")
    (job,) = [job for job in make_plan("plain").jobs.values() if isinstance(job, UnlearnJob)]
    assert job.method.settings["epochs"] == 2
