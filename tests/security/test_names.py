"""Names of a study, a row, a file or the command line: they reach neither a shell nor a path as more than a name."""

from __future__ import annotations

import copy
import importlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn import preloading
from reunlearn.base.errors import UserError
from reunlearn.commands import new_method
from reunlearn.study import asked, load
from reunlearn.study.fields import portable_name
from reunlearn.study.load import load_study, parse
from reunlearn.study.papers import Paper
from reunlearn.study.schema import Study
from tests.workflow.project import EXPERIMENT, ROOT, Project

HOSTILE = {
    "command": "a;touch x",
    "substitution": "$(touch x)",
    "backquotes": "`touch x`",
    "quotes": "a'; touch x; '",
    "double quotes": 'a"; touch x; "',
    "pipe": "a|touch x",
    "up": "../x",
    "up and up": "a/../../x",
    "absolute": "/tmp/x",
    "home": "~/x",
    "new line": "a\ntouch x",
    "return": "a\rtouch x",
    "zero": "a\0x",
    "option": "-x",
    "long option": "--config=x",
    "look-alike": "sаlun",  # the second letter is Cyrillic
    "wide": "ｓａｌｕｎ",
    "right to left": "a\u202eb",
    "invisible": "a\u200bb",
    "accent": "größe",
    "long": "a" * 300,
    "wildcard": "a*",
    "brace": "{run}",
    "make": "$(shell touch x)",
    "device": "con",
    "dots": "..",
    "end": "a.",
    "empty": "",
    "blank": " ",
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


def experiment(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(EXPERIMENT), **changes}


def study(**changes: Any) -> dict[str, Any]:
    return {"name": "s", "title": "t", "experiments": [experiment()], **changes}


def row(**changes: Any) -> dict[str, Any]:
    return study(experiments=[experiment(methods=[{"name": "finetune", **changes}])])


PLACES: dict[str, Any] = {
    "study": lambda text: study(name=text),
    "paper": lambda text: study(paper=text),
    "tables": lambda text: study(tables=[text]),
    "experiment": lambda text: study(experiments=[experiment(name=text)]),
    "dataset": lambda text: study(experiments=[experiment(dataset={"name": text})]),
    "network": lambda text: study(experiments=[experiment(architecture={"name": text})]),
    "recipe": lambda text: study(experiments=[experiment(recipe=text)]),
    "attack": lambda text: study(experiments=[experiment(attacks=[text])]),
    "measure": lambda text: study(experiments=[experiment(measures=[text])]),
    "objective": lambda text: study(experiments=[experiment(objective={"name": text})]),
    "figures": lambda text: study(experiments=[experiment(figures=[text])]),
    "log": lambda text: study(experiments=[experiment(log=[text])]),
    "printed numbers": lambda text: study(experiments=[experiment(reported={"file": f"{text}.csv"})]),
    "method": lambda text: row(name=text),
    "label": lambda text: row(label=text),
    "reading": lambda text: row(reading=text),
    "recipe of a row": lambda text: row(recipe=text, label="a"),
    "kind of scenario": lambda text: study(experiments=[experiment(scenario={"kind": text})]),
    "seed": lambda text: study(experiments=[experiment(seeds=[text])]),
}
ALLOWED = {("printed numbers", "device"), ("printed numbers", "end")}  # they only read a file of one folder


@pytest.mark.parametrize("place", PLACES)
def test_a_study_has_no_such_name(place: str) -> None:
    parse(
        Study,
        PLACES[place]("a1") if place not in ("reading", "kind of scenario", "seed") else study(),
        "here",
    )
    for kind, text in HOSTILE.items():
        if (place, kind) in ALLOWED:
            continue
        with pytest.raises(UserError) as caught:
            parse(Study, PLACES[place](text), "here")
            pytest.fail(f"{kind} is taken")
        assert "\n" not in str(caught.value)


@hostile
def test_what_becomes_a_part_of_a_path_is_a_plain_name(text: str) -> None:
    with pytest.raises(ValueError, match="name"):
        portable_name(text)


@hostile
def test_no_command_takes_it_for_a_file_of_the_project(text: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(new_method, "PACKAGE", tmp_path / "package")
    shutil.copytree(ROOT / "config", "config")
    (tmp_path / "x.yaml").write_text("name: x")
    for read in (load_study, load.load_recipe, new_method.write):
        with pytest.raises(UserError) as caught:
            read(text)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "package").exists()


def test_a_study_s_file_of_a_hostile_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    (tmp_path / "studies").mkdir()
    name = "a;touch x"
    for written in (name, "a"):
        (tmp_path / "studies" / f"{name}.yaml").write_text(yaml.safe_dump(study(name=written)))
        with pytest.raises(UserError):
            load_study(name)


def test_a_paper_s_names_are_names(tmp_path: Path) -> None:
    training = {"dataset": "D", "network": "N", "ours": {"dataset": "../x", "network": "n", "recipes": ["r"]}}
    content = {
        "paper": "p",
        "title": "t",
        "citation": "c",
        "trainings": [training],
        "scenarios": [],
        "methods": {},
    }
    with pytest.raises(UserError, match=r"dataset: '\.\./x' is no name"):
        parse(Paper, {**content, "columns": {}}, "here")


@hostile
def test_make_hands_it_on_as_one_word(tmp_path: Path, text: str) -> None:
    """The place of Snakemake is taken by what writes down its words: looked at is what make and the shell do."""
    if "\0" in text:
        pytest.skip("no environment holds it")
    for name in ("Makefile", "requirements.lock", "requirements-test.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/.place").write_text(str(tmp_path))
    (tmp_path / ".venv/.ready").touch()
    probe = tmp_path / ".venv/bin/snakemake"
    probe.write_text('#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word"; done > words\n')
    probe.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    variables = dict.fromkeys(("METHODS", "SEEDS", "DEVICE", "VERIFY"), text) | {"CORES": "1"}
    subprocess.run(
        ["make", "--no-print-directory", "reproduce"], cwd=tmp_path, env={**kept, **variables}, check=False
    )
    words = (tmp_path / "words").read_text().split("\0")[:-1]
    meant = " ".join(text.split()) if text.split() != [text] else text
    wanted = [f"{key}={meant}" for key in ("methods", "seeds", "device", "verify")] if meant else []
    assert words[words.index("--config") + 1 :] == ["study=quickstart", *wanted]
    assert not (tmp_path / "x").exists()
    seen = subprocess.run(
        ["make", "-n", "reproduce"],
        cwd=tmp_path,
        env={**kept, "STUDY": text, "SIZE": text, "PROFILE": text},
        check=False,
    )
    assert seen.returncode == 0
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("kind", ["command", "substitution", "up", "option", "new line", "long", "brace"])
def test_what_is_asked_for_must_exist(kind: str) -> None:
    for text in asked.studies(HOSTILE[kind]):
        with pytest.raises(UserError, match="no study"):
            load_study(text)
    for read in (asked.seeds, asked.device):
        with pytest.raises(UserError):
            read(HOSTILE[kind])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    """A project with a study whose forget set is a list in a file of a hostile name."""
    made = Project.create(tmp_path_factory.mktemp("names") / "a 'b' $(touch x);")
    lists = "it's a $(touch x);list.txt"
    (made.root / lists).write_text("1\n2\n3\n")
    forgotten = {"kind": "indices", "file": lists}
    made.write_study("tiny", [experiment(scenario=forgotten, dataset={"name": "digits"}, attacks=[])])
    return made


@pytest.mark.workflow
def test_snakemake_refuses_it_in_one_line(project: Project) -> None:
    for text in ("$(touch x)", "../x;touch x"):
        done = project.snakemake("--dry-run", study=text, check=False)
        printed = done.stdout + done.stderr
        assert done.returncode != 0
        assert f"no study '{text}'" in printed
        assert "Traceback" not in printed
    assert not (project.root / "x").exists()


@pytest.mark.workflow
@pytest.mark.thorough
def test_a_study_runs_in_a_folder_and_from_a_file_of_a_hostile_name(project: Project) -> None:
    project.snakemake()
    assert (project.root / "reports/tiny/index.html").is_file()
    assert not [*project.root.rglob("x")]
    assert [path.name for path in (project.root / "runs").iterdir()] == ["digits"]


def test_a_specification_imports_nothing_but_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "trap.py").write_text(f"open({str(tmp_path / 'x')!r}, 'w').close()\n")
    path = tmp_path / "specification.json"
    path.write_text(json.dumps({"modules": ["trap", "reunlearn.attacks.lira"]}))
    assert preloading.warm_up(path, set()) == {"reunlearn.attacks.lira"}
    assert not (tmp_path / "x").exists()
    importlib.import_module("trap")
    assert (tmp_path / "x").exists()  # control


def test_control_a_shell_would_have_run_it(tmp_path: Path) -> None:
    for kind in ("command", "substitution", "backquotes", "quotes", "pipe", "new line"):
        folder = tmp_path / kind
        folder.mkdir()
        quote = "'" if kind == "quotes" else ""
        subprocess.run(["sh", "-c", f"true {quote}{HOSTILE[kind]}{quote}"], cwd=folder, check=False)
        assert (folder / "x").exists(), kind
