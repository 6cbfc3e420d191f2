"""What a row logs, where its run lies, and what is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.jobs import MeasureJob, UnlearnJob
from reunlearn.study.logs import PROBES_MODULE
from reunlearn.study.plan import Plan, make_plan
from tests.workflow.project import EXPERIMENT, RECIPE

GDR = {"name": "gdr_gma", "reading": "paper"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config/studies").mkdir(parents=True)
    (tmp_path / "config/recipes").mkdir()
    (tmp_path / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE))
    monkeypatch.setattr(load, "CONFIG", tmp_path / "config")
    return tmp_path / "config"


def plan(config: Path, **change: Any) -> Plan:
    experiment = copy.deepcopy(EXPERIMENT) | change
    content = {"name": "s", "title": "t", "experiments": [experiment]}
    (config / "studies/s.yaml").write_text(yaml.safe_dump(content))
    return make_plan("s")


def unlearned(made: Plan) -> dict[str, UnlearnJob]:
    return {job.method.name: job for job in made.of_stage("unlearn") if isinstance(job, UnlearnJob)}


def test_each_method_logs_what_it_can_and_its_own_log_wins(config: Path) -> None:
    methods = [
        {"name": "finetune", "log": []},
        {"name": "gradient_ascent", "log": ["cosines"]},
        "neg_grad",
        "ssd",
        {**GDR, "settings": {"adapt": False}},
    ]
    jobs = unlearned(plan(config, methods=methods, log=["losses", "conflicts"]))
    assert {name: job.log for name, job in jobs.items()} == {
        "finetune": (),
        "gradient_ascent": ("cosines",),
        "neg_grad": ("losses", "conflicts"),
        "ssd": (),
        "gdr_gma": ("losses", "conflicts"),
    }
    probing = {name for name, job in jobs.items() if PROBES_MODULE in job.modules}
    assert probing == {"gradient_ascent", "neg_grad", "gdr_gma"}


def test_a_logged_run_is_a_run_of_its_own_and_is_measured_there(config: Path) -> None:
    plain, losses, more = (
        plan(config, methods=["neg_grad"], **log)
        for log in ({}, {"log": ["losses"]}, {"log": ["cosines", "losses"]})
    )
    folders = [unlearned(made)["neg_grad"].folder for made in (plain, losses, more)]
    assert len(set(folders)) == 3
    again = plan(config, methods=["neg_grad"], log=["losses", "cosines"])  # in another order
    assert unlearned(again)["neg_grad"].folder == folders[2]
    measured = [job for job in losses.of_stage("measure") if isinstance(job, MeasureJob)]
    assert any(job.folder.startswith(folders[1]) for job in measured)


def test_figures_of_a_log_are_shown_where_it_is_asked_for(config: Path) -> None:
    def figures(**change: Any) -> tuple[str, ...]:
        made = plan(config, methods=["neg_grad"], figures=None, **change)
        (report,) = made.of_stage("report")
        return report.sections["random"].figures  # type: ignore[attr-defined]

    assert "loss_curves" not in figures()
    assert "loss_curves" in figures(log=["losses"])
    assert "loss_curves" not in figures(log=["cosines"])
    assert figures(log=["losses"])[0] == figures()[0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"log": ["loses"]}, "log: there is no 'loses'; did you mean losses"),
        (
            {"methods": [{"name": "finetune", "log": ["loss"]}]},
            "log of 'finetune': there is no 'loss'; did you mean losses",
        ),
        ({"log": ["lambda"]}, "log: no method here can log 'lambda'; these can: gdr_gma, nabla_tau"),
        (
            {"methods": [{"name": "ssd", "log": ["losses"]}]},
            "log of 'ssd': it cannot log 'losses' with these",
        ),
        (
            {"methods": [{**GDR, "settings": {"adapt": False}, "log": ["lambda"]}]},
            "log of 'gdr_gma@paper': it cannot log 'lambda' with these settings; these can: gdr_gma",
        ),
        ({"log": ["losses", "losses"]}, "'losses' is there twice"),
    ],
)
def test_what_cannot_be_logged_is_refused_in_one_line(
    config: Path, change: dict[str, Any], expected: str
) -> None:
    with pytest.raises(UserError) as caught:
        plan(config, **change)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plan_narrowed_to_a_method_without_that_log_is_none_the_worse(config: Path) -> None:
    plan(config, methods=["neg_grad", "ssd"], log=["losses"])
    narrowed = unlearned(make_plan("s", only_methods=["ssd"]))
    assert {name: job.log for name, job in narrowed.items()} == {"ssd": ()}


def test_probes_are_refused_where_there_are_no_class_probabilities(config: Path) -> None:
    noise = {"architecture": {"name": "small_denoiser"}, "attacks": [], "methods": ["neg_grad"]}
    noise |= {"objective": {"name": "noise_prediction"}, "measures": ["denoising_loss"]}
    plan(config, **noise, log=["losses"])
    with pytest.raises(UserError, match=r"'conflicts' asks for outputs, which .* does not give"):
        plan(config, **noise, log=["conflicts"])
