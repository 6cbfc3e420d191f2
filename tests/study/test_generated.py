"""What is generated from the sources must not drift from them."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from reunlearn.base.yaml_files import read_yaml
from reunlearn.commands import config_docs, docs


def pins(text: str) -> set[str]:
    return set(re.findall(r"^[\s-]*([A-Za-z0-9_.\-]+==[^\s;]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("file", docs.generated(), ids=str)
def test_it_is_current(file: Path) -> None:
    assert file.read_text(encoding="utf-8") == docs.generated()[file], "run `make docs`"


@pytest.mark.parametrize("folder", ["studies", "recipes", "presets"])
def test_every_file_fits_the_schema_that_editors_read(folder: str) -> None:
    kind = {"studies": "study", "recipes": "recipe", "presets": "preset"}[folder]
    schema = json.loads((config_docs.SCHEMAS / f"{kind}.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)
    files = sorted(Path("config", folder).glob("*.yaml"))
    assert files
    for path in files:
        content = read_yaml(path)
        assert [error.message for error in validator.iter_errors(content)] == [], path
        broken = [{**content[0], "sorce": ""}] if isinstance(content, list) else {**content, "sorce": ""}
        assert not validator.is_valid(broken)


def test_conda_environment_has_the_pins_of_the_lock() -> None:
    lock = pins(Path("requirements.lock").read_text())
    environment = yaml.safe_load(Path("environment.yml").read_text())
    conda = next(set(part["pip"]) for part in environment["dependencies"] if isinstance(part, dict))
    assert len(lock) > 100
    assert conda == lock


WITH_TESTS = {"test", "docs", "server"}  # extras in requirements-test.lock


def names(lines: list[str]) -> set[str]:
    return {match[0].lower() for line in lines if (match := re.match(r"[\w.-]+", line))} - {"reunlearn"}


def test_the_locks_have_every_package_that_the_project_names() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    users = names(project["dependencies"] + [x for e in extras.keys() - WITH_TESTS for x in extras[e]])
    assert len(users) > 20 and len(project["dependencies"]) <= 5
    locked, tests = (
        {pin.partition("==")[0] for pin in pins(Path(file).read_text())}
        for file in ("requirements.lock", "requirements-test.lock")
    )
    assert users - locked == set()
    assert names([x for extra in WITH_TESTS for x in extras[extra]]) - locked - tests == set()


def test_locks_name_no_place_of_one_machine() -> None:
    for name in ("requirements.lock", "requirements-test.lock"):
        lines = [x for x in Path(name).read_text().splitlines() if x and not x.startswith("#")]
        assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9A-Za-z.]*", x) for x in lines)
