"""How much code a job's digest covers: a stage reaches what it needs, so that an edit elsewhere makes nothing again.

The table of numbers is printed; `pytest -s tests/artifacts/test_reach.py` shows it. A bound lies two above the number
when it was set: raise it only where the new module can change that stage's results.
"""

from __future__ import annotations

import ast
import functools
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.artifacts.digest import module_path, reachable
from reunlearn.study import load
from reunlearn.study.jobs import Job, MeasureJob, UnlearnJob
from reunlearn.study.load import names
from reunlearn.study.plan import Plan, make_plan
from tests.workflow.project import EXPERIMENT, RECIPE

PACKAGE = "reunlearn."
WEIGHTS = {"training.batch_sizes", "training.tensor_files"}  # what reading weights, and running a model, take
BOUNDS = {
    "quickstart": {
        "prepare": 8,
        "split": 10,
        "original": 40,
        "retrained": 40,
        "shadow": 50,
        "state": 27,
        "unlearn finetune": 46,
        "unlearn gradient_ascent": 46,
        "unlearn random_labels": 49,
        "unlearn salun": 51,
        "unlearn gdr_gma": 54,
        "unlearn sfr_on": 51,
        "unlearn nabla_tau": 48,
        "unlearn pgu": 55,
        "unlearn lur": 52,
        "measure evaluation": 34,
        "measure comparison": 10,
        "measure entropy_logistic": 13,
        "measure confidence_svc": 12,
        "measure loss_logistic_cv": 12,
        "measure shadow_xgboost": 13,
        "aggregate": 6,
        "report": 79,
        "track": 5,
    },
    "goemotions": {
        "prepare": 12,
        "split": 10,
        "original": 36,
        "retrained": 36,
        "unlearn finetune": 46,
        "unlearn gradient_ascent": 46,
        "unlearn random_labels": 49,
        "unlearn salun": 51,
        "unlearn gdr_gma": 54,
        "unlearn sfr_on": 51,
        "unlearn nabla_tau": 48,
        "unlearn lur": 51,
        "measure evaluation": 30,
        "measure comparison": 10,
        "measure entropy_logistic": 13,
        "measure confidence_svc": 12,
        "measure loss_logistic_cv": 12,
        "aggregate": 6,
        "report": 79,
        "track": 5,
    },
}


def code_of(job: Job) -> str:
    """Return what tells the code of two jobs apart: the stage, and the method or the measure."""
    if isinstance(job, UnlearnJob):
        return f"unlearn {job.method.name}"
    return f"measure {job.measure.name}" if isinstance(job, MeasureJob) else job.stage


def reached(plan: Plan) -> dict[str, set[str]]:
    """Return the modules that the digest of each stage, method and measure covers, without the package's name."""
    modules: dict[str, set[str]] = {}
    for job in plan.jobs.values():
        if code_of(job) not in modules:
            modules[code_of(job)] = {name.removeprefix(PACKAGE) for name in reachable(job.modules)}
    return modules


@functools.cache
def reached_in(study: str) -> dict[str, set[str]]:
    return reached(make_plan(study))


def of(folder: str, modules: set[str]) -> set[str]:
    """Return the modules that lie in a folder of the package."""
    return {name for name in modules if name == folder or name.startswith(f"{folder}.")}


@pytest.mark.parametrize("study", BOUNDS)
def test_no_stage_reaches_more_than_it_did(study: str) -> None:
    counts = {code: len(modules) for code, modules in reached_in(study).items()}
    print(f"\n{study}: modules that a digest covers")
    for code, count in counts.items():
        print(f"  {code:28}{count:4}")
    assert counts.keys() == BOUNDS[study].keys()
    assert {code: count for code, count in counts.items() if count > BOUNDS[study][code]} == {}


@pytest.mark.parametrize("study", BOUNDS)
def test_an_evaluation_reaches_no_training_but_what_reads_weights(study: str) -> None:
    modules = reached_in(study)["measure evaluation"]
    assert of("training", modules) <= WEIGHTS
    assert not of("unlearning", modules) | of("gradients", modules) | of("attacks", modules)


@pytest.mark.parametrize("study", BOUNDS)
def test_unlearning_reaches_no_training_loop_and_only_its_own_method(study: str) -> None:
    for code, modules in reached_in(study).items():
        if code.startswith("unlearn "):
            assert not {"training.loop", "training.running", "training.replay"} & modules, code
            assert of("unlearning.methods", modules) == {f"unlearning.methods.{code.split()[1]}"}
            assert not of("measures", modules) | of("metrics", modules) | of("attacks", modules), code


def test_only_pools_reach_the_code_that_trains_several_networks_at_once() -> None:
    many = {"stages.pool_training", "training.grouped", "training.engines.grouped"}
    reaching = {code for code, modules in reached_in("quickstart").items() if many & modules}
    assert reaching == {"shadow"}
    assert many <= reached_in("quickstart")["shadow"]


def test_studies_of_images_reach_nothing_of_texts() -> None:
    for code, modules in reached_in("quickstart").items():
        texts = {"data.text", "data.tokens", "data.modalities.text", "objectives.text"}
        assert not texts & modules, code
        assert not of("models", modules) - {
            "models",
            "models._pooling",
            "models.registry",
            "models.small_cnn",
        }, code


def test_what_is_measured_on_texts_reaches_nothing_of_images() -> None:
    modules = reached_in("goemotions")
    images = {"data.images", "data.augmentation", "data.modalities.images", "data.resize"}
    for code in ("original", "measure evaluation", "measure comparison"):
        assert not images & modules[code], code


def imports_torch(module: str) -> bool:
    """Tell whether a module imports torch as it is loaded."""
    path = module_path(PACKAGE + module)
    assert path
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.split(".")[0] == "torch" for name in names):
            return True
    return False


def test_attacks_and_comparisons_reach_no_torch() -> None:
    for study in BOUNDS:
        for code, modules in reached_in(study).items():
            if code.startswith("measure ") and code != "measure evaluation":
                assert not of("data", modules) | of("models", modules) | of("training", modules), code
                assert not of("unlearning", modules) | of("objectives", modules), code
                assert [name for name in sorted(modules) if imports_torch(name)] == [], code


def test_control_an_evaluation_reaches_torch() -> None:
    assert any(imports_torch(name) for name in reached_in("quickstart")["measure evaluation"])


def with_recipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch, augmentation: list[str]
) -> dict[str, set[str]]:
    """Return what a study reaches whose recipe changes training images so."""
    for name in ("studies", "recipes"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "recipes/tiny.yaml").write_text(yaml.safe_dump({**RECIPE, "augmentation": augmentation}))
    content: dict[str, Any] = {"name": "s", "title": "t", "experiments": [EXPERIMENT]}
    (folder / "studies/s.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(load, "CONFIG", folder)
    return reached(make_plan("s"))


def test_randaugment_is_reached_only_where_the_recipe_uses_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = with_recipe(tmp_path, monkeypatch, ["crop", "flip"])
    used = with_recipe(tmp_path, monkeypatch, ["randaugment"])
    assert [code for code, modules in plain.items() if "data.randaugment" in modules] == []
    codes = {code for code, modules in used.items() if "data.randaugment" in modules}
    assert codes == {
        "original",
        "retrained",
        "unlearn finetune",
        "unlearn gradient_ascent",
        "measure evaluation",
    }


def test_no_job_reaches_a_stage_of_another_kind() -> None:
    own = {"aggregate": {"stages.aggregate", "stages.measure"}, "report": {"stages.report"}}
    for study in names("studies"):
        for code, modules in reached_in(study).items():
            stages = {name for name in modules if f"stages.{name.split('.')[-1]}" == name}
            runs = {name for name in stages if has_run(name)}
            assert runs == own.get(code, {f"stages.{code.split()[0]}"}), code


def has_run(module: str) -> bool:
    """Tell whether a module has a function `run`: of stages/, those that are stages."""
    path = module_path(PACKAGE + module)
    assert path
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "run" for node in body)
