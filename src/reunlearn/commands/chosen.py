"""`reunlearn chosen`: what the searches of a study chose; with --write it becomes presets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from reunlearn.artifacts.choice import FILE, Choice
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.base.yaml_files import read_yaml
from reunlearn.commands.printing import console, print_json
from reunlearn.study import presets
from reunlearn.study.cards import Value
from reunlearn.study.load import CONFIG
from reunlearn.study.plan import make_plan
from reunlearn.study.preset_choice import choose
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import RunSpec


@dataclass(frozen=True)
class Chosen:
    """What was chosen for a row: all its settings that are not the method's defaults, and their score."""

    experiment: str
    row: str
    trials: int
    score: float
    settings: dict[str, Value]


def run(study: str, write: bool = False, json: bool = False) -> int:
    """Print what was chosen; with `write`, put it into config/presets in place of older entries.

    Raises:
        UserError: the study searches nothing, or a choice is not made yet.
    """
    plan = make_plan(study)
    experiments = {experiment.name: experiment for experiment in plan.study.experiments}
    searched = {run.choice: run for run in plan.runs if run.choice}
    if not searched:
        raise UserError(f"study '{study}' searches nothing")
    lines = []
    for folder, planned in searched.items():
        if not (Path(folder) / FILE).exists():
            raise UserError(
                f"{folder}: nothing is chosen yet; `make reproduce STUDY={study}` makes the trials"
            )
        choice, experiment = Choice.read(Path(folder)), experiments[planned.experiment]
        settings = {**_fixed(planned, experiment), **choice.chosen.settings}
        lines.append(
            Chosen(experiment.name, planned.row.name, len(choice.trials), choice.chosen.score, settings)
        )
        if write:
            record(planned, experiment, lines[-1], study)
    if json:
        print_json(lines)
    else:
        for line in lines:
            words = ", ".join(f"{name} {value}" for name, value in line.settings.items())
            console().print(
                f"{line.experiment}  {line.row}  {line.score:.2f}, best of {line.trials}:  {words}"
            )
    return 0


def _fixed(run: RunSpec, experiment: Experiment) -> dict[str, Value]:
    """Return what a row has besides what it searches: settings of its preset, and those that the study sets."""
    row = run.row
    entries = (
        m for m in experiment.methods if (m.name, m.reading, m.label) == (row.method, row.reading, row.label)
    )
    entry = next(entries)
    preset = choose(presets.read(entry.name), entry, experiment, f"experiment '{experiment.name}'")
    return {**(preset.settings if preset else {}), **entry.settings}


def record(run: RunSpec, experiment: Experiment, chosen: Chosen, study: str) -> None:
    """Put what was chosen first among a method's presets, in place of an older entry for the same conditions."""
    path = CONFIG / "presets" / f"{run.row.method}.yaml"
    wanted = conditions(run, experiment)
    entries: list[dict[str, Any]] = (read_yaml(path) or []) if path.exists() else []
    older: dict[str, Any] = next(
        (entry["for"] for entry in entries if _named(entry["for"]) == _named(wanted)), {}
    )
    entry = {
        "for": {**older, **wanted},
        "provenance": "searched",
        "source": f"best of {chosen.trials} by validation stand-ins, score {chosen.score:.2f} (study {study})",
        "settings": chosen.settings,
    }
    kept = [entry for entry in entries if _named(entry["for"]) != _named(wanted)]
    text = yaml.safe_dump([entry, *kept], sort_keys=False, width=110, allow_unicode=True)
    write_text(path, text)


def conditions(run: RunSpec, experiment: Experiment) -> dict[str, Any]:
    """Return what an experiment must be to have the settings that were chosen for this one.

    `any` makes them more specific than those of a paper for one fraction or one network.
    """
    found = {
        "dataset": experiment.dataset.name,
        "architecture": "any",
        "recipe": experiment.recipe.name,
        "scenario": {"kind": experiment.scenario.kind, "fraction": "any"},
    }
    return {**found, "reading": run.row.reading} if run.row.reading else found


def _named(conditions: dict[str, Any]) -> dict[str, Any]:
    """Return the conditions that name a value; `any` only makes an entry more specific than others."""
    named = {name: value for name, value in conditions.items() if value != "any"}
    if isinstance(scenario := named.get("scenario"), dict):
        inner = _named(scenario)
        named["scenario"] = inner["kind"] if inner.keys() == {"kind"} else inner
    return named
