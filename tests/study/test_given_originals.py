"""A user's own model as the original: which jobs there are, what is said, and each mistake in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import save_file

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.jobs import GivenJob
from reunlearn.study.plan import Plan, Plans, make_plan
from reunlearn.study.specs import RunSpec
from tests.workflow.project import EXPERIMENT, RECIPE

MINE = {"original": {"weights": "mine.safetensors"}}
NO_RECIPE = {key: value for key, value in EXPERIMENT.items() if key != "recipe"}
POOLED = {"attacks": ["lira"], "shadows": {"halves": 16}}
PLAIN = {"methods": ["finetune"], "attacks": []}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with weights of the user's and the recipe `tiny`."""
    for name in ("studies", "recipes"):
        (tmp_path / "config" / name).mkdir(parents=True)
    (tmp_path / "config/recipes/tiny.yaml").write_text(yaml.safe_dump({**RECIPE, "weight_decay": 0.1}))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(load, "CONFIG", tmp_path / "config")
    write("mine", 0)
    write("other", 1)
    return tmp_path


def write(name: str, value: float, prefix: str = "", dtype: torch.dtype = torch.float32) -> None:
    tensors = {
        f"{prefix}{key}": torch.full((2,), value, dtype=dtype) for key in ("head.weight", "aux.weight")
    }
    save_file(tensors, f"{name}.safetensors")


def plan_with(change: dict[str, Any], base: dict[str, Any] = EXPERIMENT) -> Plan:
    content = {"name": "s", "title": "t", "experiments": [{**base, **change}]}
    Path("config/studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def notes(plan: Plan) -> str:
    return "\n".join(Plans((plan,), plan.jobs).notes)


def run_of(plan: Plan, row: str) -> RunSpec:
    return next(run for run in plan.runs if run.row.method == row)


def test_the_given_model_is_the_original_and_what_is_trained_is_the_recipes() -> None:
    plain, plan = plan_with(POOLED), plan_with({**MINE, **POOLED})
    assert not plan.of_stage("original")
    (given,) = plan.of_stage("given")
    assert isinstance(given, GivenJob) and given.training.given == given.sha256
    assert run_of(plan, "original").model == given.folder
    unlearned = plan.jobs[run_of(plan, "finetune").model]
    assert given.folder in unlearned.inputs.folders()
    # what knows nothing of the original is shared with studies that train it
    for stage in ("retrained", "shadow"):
        jobs = [job.folder for job in plan.of_stage(stage)]
        assert jobs and jobs == [job.folder for job in plain.of_stage(stage)]
    assert run_of(plan, "retrain").measured["evaluation"] == run_of(plain, "retrain").measured["evaluation"]
    assert run_of(plan, "finetune").model != run_of(plain, "finetune").model
    assert "Retrain is trained by recipe 'tiny'" in notes(plan) and not notes(plain)


def test_another_file_is_another_run_and_the_same_bytes_elsewhere_are_the_same() -> None:
    before = {run.model for run in plan_with(MINE).runs}
    Path("mine.safetensors").rename("moved.safetensors")
    assert {run.model for run in plan_with({"original": {"weights": "moved.safetensors"}}).runs} == before
    write("mine", 2)
    after = {run.model for run in plan_with(MINE).runs}
    retrained = {run_of(plan_with(MINE), "retrain").model}
    assert after & before == retrained


def test_without_a_recipe_nothing_is_trained_and_the_plan_says_what_that_hides() -> None:
    plan = plan_with(MINE, NO_RECIPE)
    assert {job.stage for job in plan.jobs.values()} & {"original", "retrained", "shadow"} == set()
    assert [run.row.method for run in plan.runs] == ["original", "finetune", "gradient_ascent"]
    assert "No gap to Retrain and no noise floor" in notes(plan)
    with_recipe = plan_with({**MINE, "retrain": False})
    assert not with_recipe.of_stage("retrained") and "No gap to Retrain" in notes(with_recipe)


def test_a_recipe_without_epochs_says_how_images_are_prepared_and_trains_nothing() -> None:
    recipe = {"name": "tiny", "epochs": 0}
    plan = plan_with({**MINE, "recipe": recipe, "retrain": False})
    assert {job.stage for job in plan.jobs.values()} & {"original", "retrained", "shadow"} == set()
    with pytest.raises(UserError, match="so there is no Retrain; write 'retrain: false'"):
        plan_with({**MINE, "recipe": recipe})
    with pytest.raises(UserError, match="'lira' needs shadow models"):
        plan_with({**MINE, **POOLED, "recipe": recipe, "retrain": False})


def test_one_file_is_the_original_of_all_seeds_and_a_mapping_has_one_for_each() -> None:
    one = plan_with({**MINE, "seeds": [0, 1, 2]})
    assert {run.seeds.train for run in one.runs} == {0} and len(one.of_stage("given")) == 1
    assert {run.seeds.split for run in one.runs} == {0, 1, 2}
    assert "One original for all seeds" in notes(one)
    weights = {0: "mine.safetensors", 1: "other.safetensors"}
    two = plan_with({"original": {"weights": weights}, "seeds": [0, 1]})
    assert len(two.of_stage("given")) == 2 and "One original" not in notes(two)
    narrowed = make_plan("s", only_seeds=[1])
    (given,) = narrowed.of_stage("given")
    assert isinstance(given, GivenJob) and given.weights == "other.safetensors"


def test_what_is_unusual_about_the_file_is_said() -> None:
    assert "Original mine" not in notes(plan_with(MINE))
    write("mine", 0, "module._orig_mod.", torch.float16)
    said = notes(plan_with({"original": {"weights": "mine.safetensors", "ignore": "aux"}}))
    assert "Original mine.safetensors: 'module._orig_mod.' is taken off all names" in said
    assert "'aux' is left out: 1 of its tensors" in said
    assert "2 tensors are in F16, and become what the network has" in said


def test_a_search_tries_its_settings_on_the_given_model() -> None:
    searched = {
        "methods": [{"name": "finetune", "search": {"learning_rate": [0.1, 0.01]}}],
        "search": {"budget": 2, "seeds": [7, 8]},
    }
    plan = plan_with({**MINE, **searched})
    assert len(plan.of_stage("given")) == 1 and len(plan.of_stage("choose")) == 1
    write("mine", 2)
    choices = [p.of_stage("choose")[0].folder for p in (plan, plan_with({**MINE, **searched}))]
    assert len(set(choices)) == 2


def pickled() -> None:
    torch.save({"head.weight": torch.zeros(1)}, "mine.pth")


@pytest.mark.parametrize(
    ("change", "base", "said"),
    [
        ({"original": {"weights": "no.safetensors"}}, EXPERIMENT, "original: no.safetensors: no such file"),
        (
            {"original": {"weights": "config"}},
            EXPERIMENT,
            "original: config: a folder, not a file of weights",
        ),
        ({"original": {"weights": "mine.pth"}}, EXPERIMENT, "a pickle, which can run code when it is opened"),
        (
            {"original": {"weights": "mine.pth"}},
            EXPERIMENT,
            "convert_weights mine.pth mine-converted.safetensors",
        ),
        ({"original": {"weights": "s.yaml"}}, EXPERIMENT, "s.yaml: not a safetensors file"),
        ({"original": {}}, EXPERIMENT, "original.weights: this key is missing"),
        ({"original": {"weights": 3}}, EXPERIMENT, "original.weights: YAML reads this as the number 3"),
        ({"original": {"weight": "a"}}, EXPERIMENT, "unknown key 'weight'; did you mean weights"),
        (
            {"original": {"weights": {0: "mine.safetensors"}}, "seeds": [0, 1]},
            EXPERIMENT,
            "original: weights: none for train seed 1, only for 0; give it a file, or all one file",
        ),
        (
            {"original": {"weights": {0: "mine.safetensors", 1: "copy.safetensors"}}, "seeds": [0, 1]},
            EXPERIMENT,
            "original: the weights of train seeds 0 and 1 are the same; give one file for all",
        ),
        (
            {"original": {"weights": {0: "mine.safetensors", 1: "mine.safetensors"}}, "seeds": [0, 1]},
            EXPERIMENT,
            "original: the weights of train seeds 0 and 1 are the same; give one file for all",
        ),
        (
            {**MINE, "seeds": [{"train": t, "split": 0, "method": 0} for t in (0, 1)]},
            EXPERIMENT,
            "seeds: one original serves all, so that those that differ in 'train' only give the same runs",
        ),
        ({}, NO_RECIPE, "experiments.0: recipe: this key is missing"),
        ({"recipe": "none"}, EXPERIMENT, "original: there is none, so it is trained; give a 'recipe'"),
        ({**MINE, "retrain": True}, NO_RECIPE, "'retrain: true' without a 'recipe', which says how"),
        ({**MINE, **POOLED}, NO_RECIPE, "original: 'lira' needs shadow models; give the 'recipe'"),
        (
            {**MINE, "measures": ["relearn_time"]},
            NO_RECIPE,
            "original: 'relearn_time' trains as the original was trained; give the 'recipe'",
        ),
        ({**MINE, **PLAIN, "methods": ["eu_k@paper"]}, NO_RECIPE, "'eu_k@paper' reads how the original was"),
        (
            {**MINE, **PLAIN, "methods": ["amnesiac@paper"]},
            EXPERIMENT,
            "'amnesiac@paper' reads batch updates of the training",
        ),
        (
            {**MINE, **PLAIN, "methods": ["ntk@code"]},
            EXPERIMENT,
            "reads initial weights of the training, which",
        ),
        (
            {**MINE, "methods": [{"name": "finetune", "label": "own", "recipe": "tiny"}]},
            EXPERIMENT,
            "'finetune+own' has a 'recipe' for an original of its own",
        ),
        (
            {**MINE, "scenario": {"kind": "label_flip", "count": 2, "pairs": [[0, 1]]}},
            EXPERIMENT,
            "scenario 'label_flip' trains the original with wrong labels, and yours is trained already",
        ),
        (
            {**MINE, **PLAIN, "scenario": {"kind": "worst_case", "count": 4}},
            EXPERIMENT,
            "scenario 'worst_case' finds its samples by an original that is trained here",
        ),
        (
            {**MINE, **PLAIN, "scenario": {"kind": "memorised", "count": 4}, "shadows": {"halves": 16}},
            NO_RECIPE,
            "scenario 'memorised' chooses samples by models that are trained; give the 'recipe'",
        ),
    ],
)
def test_each_mistake_is_one_line(change: dict[str, Any], base: dict[str, Any], said: str) -> None:
    pickled()
    write("copy", 0)
    Path("s.yaml").write_text("no weights")
    with pytest.raises(UserError) as caught:
        plan_with(change, base)
    assert said in str(caught.value)
