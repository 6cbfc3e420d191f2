"""Studies that extend others: what is merged, what is replaced, what is left out, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.extending import merged
from reunlearn.study.methods import row_of
from reunlearn.study.plan import make_plan
from tests.workflow.project import EXPERIMENT, RECIPE

SIZES = [name for name in load.names("studies") if name.endswith(("-lite", "-smoke"))]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what writes a study's file; `base` has the experiments one and two."""
    for folder in ("studies", "recipes", "presets"):
        (tmp_path / "config" / folder).mkdir(parents=True)
    (tmp_path / "config/recipes/tiny.yaml").write_text(
        yaml.safe_dump({**RECIPE, "epochs": 9, "retrain_epochs": 8})
    )
    monkeypatch.chdir(tmp_path)

    def written(name: str, **content: Any) -> None:
        (tmp_path / f"config/studies/{name}.yaml").write_text(yaml.safe_dump({"name": name, **content}))

    two = {"architecture": {"name": "small_cnn", "settings": {"width": 8}}}
    experiments = [{**EXPERIMENT, "name": "one"}, {**EXPERIMENT, "name": "two", **two}]
    written("base", title="The base", description="What it is.", experiments=experiments)
    yield written


def test_mappings_merge_and_the_rest_is_replaced() -> None:
    old = {"a": {"x": 1, "y": [1, 2]}, "b": 3}
    assert merged(old, {"a": {"y": [5]}, "c": {"z": 1}}) == {"a": {"x": 1, "y": [5]}, "b": 3, "c": {"z": 1}}
    assert merged({"recipe": "tiny"}, {"recipe": {"epochs": 2}}) == {"recipe": {"name": "tiny", "epochs": 2}}
    assert old == {"a": {"x": 1, "y": [1, 2]}, "b": 3}


def test_a_change_to_every_experiment_comes_before_those_by_name(write) -> None:
    write(
        "lite",
        extends="base",
        every={"seeds": [3], "dataset": {"train": 30}},
        experiments={"two": {"seeds": [4]}},
    )
    study = load.load_study("lite")
    one, two = study.experiments
    assert (study.title, study.description) == ("The base", "What it is.")
    assert [e.seeds[0].train for e in study.experiments] == [3, 4]
    assert [(e.dataset.name, e.dataset.train, e.dataset.validation) for e in (one, two)] == [
        ("digits", 30, 20)
    ] * 2
    assert two.architecture.settings == {"width": 8}


def test_chains_work_and_an_empty_entry_leaves_an_experiment_out(write) -> None:
    write("lite", extends="base", title="Lite", every={"recipe": {"epochs": 4}})
    write(
        "smoke", extends="lite", every={"architecture": {"settings": {"width": 6}}}, experiments={"one": None}
    )
    study = load.load_study("smoke")
    (two,) = study.experiments
    assert (study.name, study.title, two.name) == ("smoke", "Lite", "two")
    assert two.architecture.settings == {"width": 6}
    assert two.recipe.words == "tiny (epochs 4)"


def test_a_shortened_recipe_is_what_models_are_trained_with(write) -> None:
    write("lite", extends="base", every={"recipe": {"epochs": 4}})
    recipes = {job.training.recipe for job in make_plan("lite").of_stage("original", "retrained")}  # type: ignore[attr-defined]
    (recipe,) = recipes
    assert (recipe.name, recipe.epochs, recipe.retrain_epochs) == ("tiny", 4, None)
    base = {job.folder for job in make_plan("base").of_stage("original")}
    assert base.isdisjoint(job.folder for job in make_plan("lite").of_stage("original"))


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown study": ({"extends": "bass"}, "no study 'bass' in config/studies; did you mean base?"),
    "an unknown experiment": (
        {"extends": "base", "experiments": {"tow": {}}},
        "'base' has no 'tow'; did you mean",
    ),
    "nothing left": (
        {"extends": "base", "experiments": {"one": None, "two": None}},
        "mine.yaml: leaves out every experiment of 'base'",
    ),
    "itself": ({"extends": "mine"}, "extends itself, by way of mine"),
    "an unknown key": ({"extends": "base", "all": {}}, "unknown key 'all'"),
    "a change that does not fit": ({"extends": "base", "every": {"seedz": [1]}}, "unknown key 'seedz'"),
    "milestones too late": (
        {"extends": "base", "every": {"recipe": {"epochs": 2, "milestones": [3]}}},
        "recipe 'tiny': milestones",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_one_line(write, name: str) -> None:
    content, words = REFUSED[name]
    write("mine", **content)
    with pytest.raises(UserError) as found:
        make_plan("mine")
    assert words in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize("name", SIZES)
def test_a_size_differs_from_its_study_in_numbers_alone(name: str) -> None:
    whole = {e.name: e for e in load.load_study(name.rpartition("-")[0]).experiments}
    for small in load.load_study(name).experiments:
        full = whole[small.name]
        rows = {row_of(method): method for method in full.methods}
        for method in small.methods:  # a sweep may have fewer values, a row fewer steps
            kept = rows[row_of(method)].settings
            more = {key: value for key, value in method.settings.items() if kept.get(key) != value}
            assert kept.keys() <= method.settings.keys()
            assert all(type(value) in (int, float) for value in more.values())
        assert (small.attacks, small.reported) == (full.attacks, full.reported)
        assert small.recipe.name == full.recipe.name
        assert small.dataset.name == full.dataset.name
        assert small.architecture.name == full.architecture.name
        assert small.scenario.kind == full.scenario.kind
