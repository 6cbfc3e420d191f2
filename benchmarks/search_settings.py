"""Choose hyper-parameters on digits: `python benchmarks/search_settings.py --write`.

What a user without Retrain and without test labels could do. For each method and scenario, every candidate of
search_grids.yaml is run on a few seeds and scored by stand-ins, all from training and validation data:

    forget accuracy  should be that of unseen samples (validation, of the same classes if the forget set has a few
                     only); 0 where a class goes, or where the labels to forget are wrong ones,
    retain accuracy  should stay at 100,
    validation accuracy (without forgotten classes) should stay at the original's; where the original was taught wrong
                     labels, it should be 100,
    attack           an entropy classifier of retain against one half of validation should call as many of the forget
                     samples members as of the other half.

The score is the mean of the four distances in points; the lowest wins. The test set and retrained models are never
opened. With --write the winners go to config/presets with their scores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from digits_setting import Setting, prepare

from reunlearn.attacks.entropy_logistic import run as entropy_attack
from reunlearn.measures._logits import logits
from reunlearn.metrics.classification import accuracy
from reunlearn.metrics.outputs import Outputs
from reunlearn.study.load import load_study
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import RowSpec

GRIDS = Path(__file__).with_name("search_grids.yaml")
PRESETS = Path("config/presets")


def candidates(row: str, kind: str) -> list[dict[str, Any]]:
    """Return every combination of a row's values for a kind of scenario; none where the row is not for it."""
    grids = yaml.safe_load(GRIDS.read_text())
    choices = grids.get(kind, {}).get(row) or grids["every"].get(row)
    if choices is None:
        return []
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


def row_named(name: str) -> RowSpec:
    """Return the row that a name of search_grids.yaml stands for, such as salun@code."""
    method, _, reading = name.partition("@")
    return RowSpec(method=method, reading=reading or None)


class Scored(Setting):
    """A setting with the stand-ins of its models."""

    def __init__(self, experiment: Experiment, seed: int, folder: Path) -> None:
        super().__init__(experiment, seed, folder)
        self.reference = self.accuracies(self.original)

    def accuracies(self, model: torch.nn.Module) -> dict[str, Any]:
        """Return outputs and accuracies of the three sets; validation without forgotten classes apart."""
        outputs = {name: logits(model, samples, self.objective) for name, samples in self.sets.items()}
        labels = {name: samples.y.numpy() for name, samples in self.sets.items()}
        gone = np.isin(labels["validation"], self.scenario.whole_classes)
        return {
            "logits": outputs,
            "labels": labels,
            "gone": gone,
            "forget": accuracy(outputs["forget"], labels["forget"]),
            "retain": accuracy(outputs["retain"], labels["retain"]),
            "kept": accuracy(outputs["validation"][~gone], labels["validation"][~gone]),
        }

    def distances(self, model: torch.nn.Module) -> list[float]:
        """Return the four distances of an unlearned model, in points."""
        answers = self.accuracies(model)
        if not all(np.isfinite(v).all() for v in answers["logits"].values()):
            return [100.0] * 4
        gone, kind = answers["gone"], self.scenario.kind
        unseen = gone if gone.any() else np.ones_like(gone)
        if kind == "first":
            unseen = np.isin(answers["labels"]["validation"], answers["labels"]["forget"])
        target = accuracy(answers["logits"]["validation"][unseen], answers["labels"]["validation"][unseen])
        goal = 0.0 if kind in ("class", "label_flip") else target
        halves = np.arange(len(gone)) % 2 == 0
        fitted, asked = (halves, unseen & ~halves) if not gone.any() else (~gone, gone)
        rates = [
            self._called(answers, fitted, chosen)
            for chosen in (answers["logits"]["forget"], answers["logits"]["validation"][asked])
        ]
        wanted = 100.0 if kind == "label_flip" else self.reference["kept"]
        return [
            abs(answers["forget"] - goal),
            100.0 - answers["retain"],
            max(0.0, wanted - answers["kept"]),
            abs(rates[0] - rates[1]),
        ]

    def _called(self, answers: dict[str, Any], fitted: np.ndarray, asked: np.ndarray) -> float:
        """Return the share of some samples that the entropy attack calls members."""
        outputs = {
            "retain": answers["logits"]["retain"],
            "test": answers["logits"]["validation"][fitted],
            "forget": asked,
        }
        # this attack's value does not depend on labels
        labels = {name: np.zeros(len(values), dtype=np.int64) for name, values in outputs.items()}
        return entropy_attack(Outputs(outputs, labels, {}), None, 0).value


@lru_cache(maxsize=1)
def settings_of(study: str, experiment: str, seeds: tuple[int, ...], folder: str) -> list[Scored]:
    """Return the settings of an experiment; kept, as every row of it begins with them."""
    torch.set_num_threads(1)
    chosen = next(e for e in load_study(study).experiments if e.name == experiment)
    place = Path(tempfile.mkdtemp(dir=folder))
    return [Scored(chosen, seed, place) for seed in seeds]


def search(
    row: str, kind: str, study: str, experiment: str, seeds: tuple[int, ...], folder: str
) -> list[dict[str, Any]]:
    """Return every candidate with its mean distances, best first."""
    tried = []
    for candidate in candidates(row, kind):
        settings = settings_of(study, experiment, seeds, folder)
        distances = [setting.distances(setting.unlearned(row_named(row), candidate)) for setting in settings]
        mean = np.mean(distances, axis=0)
        tried.append(
            {"settings": candidate, "score": float(mean.mean()), "distances": mean.round(2).tolist()}
        )
    return sorted(tried, key=lambda entry: entry["score"])


def timed(*job: Any) -> tuple[str, list[dict[str, Any]], float]:
    """Return the row, its candidates from `search`, and the seconds."""
    begin = time.perf_counter()
    tried = search(*job)
    return job[0], tried, time.perf_counter() - begin


def main() -> None:
    """Search all methods in every kind of scenario of a study."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--study", default="methods-on-digits")
    parser.add_argument("--write", action="store_true", help="write config/presets")
    parser.add_argument("--only", nargs="*", help="rows, such as lur or gdr_gma@paper")
    parser.add_argument("--missing", action="store_true", help="leave out what config/presets has already")
    parser.add_argument("--scenario", nargs="*", help="experiments of the study")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="not those of the study")
    parser.add_argument("--cores", type=int, default=2)
    arguments = parser.parse_args()
    grids = yaml.safe_load(GRIDS.read_text())
    seeds = tuple(arguments.seeds)
    prepare()
    with tempfile.TemporaryDirectory() as folder:
        for experiment in load_study(arguments.study).experiments:
            kind = experiment.scenario.kind
            if experiment.scenario.steps > 1 or (
                arguments.scenario and experiment.name not in arguments.scenario
            ):
                continue
            rows = [*grids["every"], *(r for r in grids.get(kind, {}) if r not in grids["every"])]
            rows = [row for row in rows if not arguments.only or row in arguments.only]
            if arguments.missing:
                rows = [row for row in rows if not covered(row, experiment)]
            print(f"{experiment.name}:", flush=True)
            pool = ProcessPoolExecutor(arguments.cores, get_context("spawn"))
            with pool:
                jobs = [
                    pool.submit(timed, row, kind, arguments.study, experiment.name, seeds, folder)
                    for row in rows
                ]
                for job in jobs:
                    row, tried, seconds = job.result()
                    for entry in tried[:3]:
                        print(
                            f"  {row:16} {entry['score']:6.2f} {entry['distances']} {json.dumps(entry['settings'])}"
                        )
                    print(f"  {row:16} {len(tried)} candidates, {seconds:.0f} s", flush=True)
                    if arguments.write:
                        record(row, experiment, tried[0], len(tried))


def key(row: str, experiment: Experiment) -> dict[str, Any]:
    """Return the conditions of a row's preset for an experiment."""
    reading = row.partition("@")[2]
    conditions = {
        "dataset": experiment.dataset.name,
        "recipe": experiment.recipe,
        "scenario": experiment.scenario.kind,
    }
    return {**conditions, "reading": reading} if reading else conditions


def covered(row: str, experiment: Experiment) -> bool:
    """Return whether there is a preset for this recipe and scenario."""
    wanted = key(row, experiment).items()
    named = [asked(entry) for entry in presets(row)]
    return any({"recipe", "scenario"} <= e.keys() and e.items() <= wanted for e in named)


def asked(entry: dict[str, Any]) -> dict[str, Any]:
    """Return a preset's conditions that name a value; `any` only makes it more specific than others."""
    return {name: value for name, value in entry["for"].items() if value != "any"}


def presets(row: str) -> list[dict[str, Any]]:
    """Return the presets of a row's method."""
    path = PRESETS / f"{row.partition('@')[0]}.yaml"
    return (yaml.safe_load(path.read_text()) or []) if path.exists() else []


def record(row: str, experiment: Experiment, winner: dict[str, Any], tried: int) -> None:
    """Put the winner first among the presets, in place of an older one for the same conditions."""
    wanted = key(row, experiment)
    older = [e["for"] for e in presets(row) if asked(e) == wanted]
    conditions = older[0] if older else wanted
    score = f"score {winner['score']:.2f}"
    source = f"ours: best of {tried} by validation stand-ins, {score} (benchmarks/search_settings.py)"
    entries = [e for e in presets(row) if asked(e) != wanted]
    new = {"for": conditions, "source": source, "settings": winner["settings"]}
    text = yaml.safe_dump([new, *entries], sort_keys=False, width=110, allow_unicode=True)
    Path(PRESETS, f"{row.partition('@')[0]}.yaml").write_text(text)


if __name__ == "__main__":
    main()
