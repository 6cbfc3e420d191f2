"""A stage is one line of the table, one rule, one file, and the line of the plan that says where it has jobs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workflow.project import Project

pytestmark = pytest.mark.workflow

LINE = r"""        Stage("note", jobs.SplitJob, _DATASET + r"/split~[0-9a-f]{8}/[^/]+/split\d+/note", ("note.txt",)),
"""
RULE = """

use rule split as note with:
    wildcard_constraints:
        run=folders("note"),
    params:
        stage="note",
"""
FILE = '''
"""Write down how many samples are forgotten."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.arrays import read_arrays
from reunlearn.base.files import write_text
from reunlearn.stages.execution import Context
from reunlearn.study.jobs import SplitJob


def run(context: Context[SplitJob]) -> None:
    """Write note.txt."""
    forget = read_arrays(Path(str(context.job.inputs.taught)) / "indices.npz")["forget"]
    write_text(context.folder / "note.txt", f"{len(forget)} samples\\n")
'''
PLANNED = """split = split_job(dataset, name, scenario, seed, self.data)
        from dataclasses import replace

        folder, code = f"{split.folder}/note", ("reunlearn.stages.note",)
        read = replace(split.inputs, taught=split.folder)
        note = replace(split, stage="note", folder=folder, modules=code, inputs=read)
        return (self.add(split), self.add(note))[0]
"""


def create(root: Path) -> Project:
    """Return a project with one stage more."""
    made = Project.create(root)
    table = made.root / "src/reunlearn/study/stages.py"
    first, rest = table.read_text().split('        Stage("given"', 1)
    table.write_text(f'{first}{LINE}        Stage("given"{rest}')
    rules = made.root / "workflow/rules/data.smk"
    rules.write_text(rules.read_text() + RULE)
    (made.root / "src/reunlearn/stages/note.py").write_text(FILE)
    made.edit("src/reunlearn/study/seed_expansion.py", r"return self\.add\(split_job\(.*\)\)\n", PLANNED)
    return made


def folder(project: Project) -> str:
    """Return the folder of the new stage's one job."""
    jobs = json.loads(project.reunlearn("plan", "tiny", "--json").stdout)["states"]
    (name,) = [job["folder"] for job in jobs if job["stage"] == "note"]
    return str(name)


@pytest.mark.thorough
def test_it_is_a_job_that_follows_its_code_and_a_command(tmp_path: Path) -> None:
    project = create(tmp_path / "project")
    place = folder(project)
    note = project.root / place / "note.txt"
    ran = project.executed(f"{place}/manifest.json")
    assert {stage for stage, _ in ran} == {"prepare", "split", "note"}
    assert note.read_text() == "10 samples\n"
    assert project.executed(f"{place}/manifest.json") == set()
    project.edit("src/reunlearn/stages/note.py", "} samples", "} pictures")
    assert project.executed(f"{place}/manifest.json") == {("note", place)}
    assert note.read_text() == "10 pictures\n"
    assert "Run the stage note of one job." in project.reunlearn("--help").stdout
    note.unlink()
    project.reunlearn("note", f"{place}/specification.json")
    assert note.read_text() == "10 pictures\n"


def test_control_without_the_line_the_project_knows_no_such_stage(tmp_path: Path) -> None:
    bare = Project.create(tmp_path / "project")
    done = bare.reunlearn("note", "specification.json", check=False)
    assert done.returncode == 2
    assert "no such command 'note'" in done.stderr
