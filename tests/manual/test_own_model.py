"""docs/own-model.md as it stands: a network and weights of the user's through the real workflow, then an audit."""

from __future__ import annotations

import json

import pytest
from safetensors.torch import load_file

from tests.manual.pages import run_page
from tests.manual.place import make_usable
from tests.workflow.project import Project

pytestmark = pytest.mark.workflow
STUDY = "mine"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which the page's commands have been run."""
    made = Project.create(tmp_path_factory.mktemp("own") / "project")
    make_usable(made)
    *_, plan, reproduce = run_page("docs/own-model.md", made)
    assert "Original mine.safetensors: 4 tensors are in F16" in plan
    assert "Original mine.safetensors: 4 tensors are in F16" in reproduce
    return made


def test_methods_began_with_the_users_weights(project: Project) -> None:
    (given,) = project.root.glob("runs/digits/Net-digits-small~*/given/*")
    mine, taken = load_file(project.root / "mine.safetensors"), load_file(given / "model.safetensors")
    assert all(taken[key].equal(mine[key].float()) for key in mine)
    assert not (given / "model.safetensors").is_symlink()
    assert json.loads((given / "record.json").read_text())["changes"] == [
        "4 tensors of float16 became float32"
    ]
    (original,) = project.root.glob(
        "runs/digits/*/unlearned/*/*/*/original/seed0/measured/evaluation*/numbers.json"
    )
    assert json.loads(original.read_text())["accuracy_retain"] > 60


def test_the_report_names_the_model_and_what_it_cannot_tell(project: Project) -> None:
    page = (project.root / f"reports/{STUDY}/index.html").read_text()
    for words in (
        "mine.safetensors (SHA-256 ",
        "mynet.py:Net (width 8)",
        "a gap to it also holds what your own",
    ):
        assert words in page


def test_a_comment_runs_nothing_and_other_code_is_another_run(project: Project) -> None:
    assert project.would_run(STUDY) == set()
    path = project.root / "mynet.py"
    before = path.read_text()
    path.write_text(before.replace("    def forward", "    # how it answers\n    def forward"))
    assert project.would_run(STUDY) == set()
    path.write_text(before.replace("nn.ReLU()", "nn.GELU()"))
    again = project.would_run(STUDY)
    path.write_text(before)
    assert {"given", "retrained", "unlearn", "measure"} <= {stage for stage, _ in again}
    assert not {"prepare", "split"} & {stage for stage, _ in again}


def test_an_audit_takes_the_same_files(project: Project) -> None:
    done = project.reunlearn(
        *("audit", "--model", "mine.safetensors", "--architecture", "mynet.py:Net width=8"),
        *("--dataset", "digits", "--forget", "forget.txt", "--attacks", "loss_logistic_cv"),
    )
    assert "4 tensors of float16 became float32" in done.stdout
    assert (project.root / "reports/audits/mine/index.html").exists()
