"""What a section says was run."""

from __future__ import annotations

import dataclasses

import pytest

from reunlearn.reporting.parts.setting import setting
from reunlearn.study import paths
from reunlearn.study.schema import Objective
from reunlearn.study.shadows import Shadows
from reunlearn.study.specs import ORIGINAL
from tests.reporting import cards

POOLS = {"a": (), "b": ("with_forget", "without_forget"), "c": ("halves",)}


def shadow_models(whole, *attacks: str, shadows: Shadows | None = None) -> str | None:
    """Return what is said of the shadow models of an experiment with these attacks."""
    measures = {name: cards.attack(name, name, "%", pools=POOLS[name]) for name in attacks}
    catalogue = whole.cards.model_copy(update={"measures": measures})
    runs = tuple(run.changed(measured=dict.fromkeys(attacks, "somewhere")) for run in whole.gathered.runs)
    experiment = whole.study.experiments[0].model_copy(update={"shadows": shadows})
    data = dataclasses.replace(whole.data("random-0.2"), experiment=experiment, runs=runs, cards=catalogue)
    return dict(setting(data)).get("Shadow models")


def test_only_shadow_models_that_an_attack_reads_are_named(whole) -> None:
    shadows = Shadows(with_forget=8, without_forget=6, halves=64)
    assert shadow_models(whole, "a", shadows=shadows) is None
    assert shadow_models(whole, "a", "b", shadows=shadows) == "8 with_forget, 6 without_forget"
    assert shadow_models(whole, "b", "c", shadows=shadows) == "8 with_forget, 6 without_forget, 64 halves"


def test_without_a_word_of_the_study_there_are_as_many_as_the_plan_trains(whole) -> None:
    assert shadow_models(whole, "b") == "8 with_forget, 8 without_forget"


def test_the_sizes_of_the_sets_are_those_that_were_measured(whole, nothing) -> None:
    assert dict(setting(whole.data("random-0.2")))["Forget"].endswith(": 60 of 300 samples")
    assert dict(setting(nothing.data("random-0.2")))["Forget"].endswith("of the training set")


def test_sizes_that_differ_between_splits_are_a_range(whole) -> None:
    results = whole.results.copy()
    results.loc[(results.metric == "size_forget") & (results.split_seed == 1), "value"] = 45.0
    results.loc[(results.metric == "size_retain") & (results.split_seed == 1), "value"] = 255.0
    pairs = dict(setting(whole.data("random-0.2", results=results)))
    assert pairs["Forget"].endswith(": 45 to 60 of 300 samples")


@pytest.mark.parametrize("named", [True, False])
def test_an_objective_is_named_where_the_study_names_one(whole, named) -> None:
    objective = Objective(name="noise_prediction") if named else None
    experiment = whole.study.experiments[0].model_copy(update={"objective": objective})
    data = dataclasses.replace(whole.data("random-0.2"), experiment=experiment)
    assert dict(setting(data)).get("Objective") == ("noise_prediction" if named else None)


def test_mean_scores_are_those_of_the_splits_records(whole) -> None:
    data = whole.data("random-0.2")
    assert "Mean score" not in dict(setting(data))
    first = next(iter(data.jobs.values()))
    jobs = dict(data.jobs)
    for seed, forget in ((0, 0.5), (1, 0.7)):
        (run,) = [r for r in data.runs if r.seeds.split == seed and r.row == ORIGINAL]
        record = first.record.model_copy(update={"scores": {"forget": forget, "retain": 0.1}})
        split = paths.split(run.training.dataset, run.scenario.name, seed)
        jobs[split] = first.model_copy(update={"stage": "split", "record": record})
    pairs = dict(setting(dataclasses.replace(data, jobs=jobs)))
    assert pairs["Mean score"] == "0.600 of forget, 0.100 of retain"
