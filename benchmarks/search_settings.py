"""Choose hyper-parameters for the digits quickstart: `python benchmarks/search_settings.py --write`.

What a user without Retrain and without test labels could do. For each method and scenario, every candidate is run on
the study's seeds and scored by stand-ins, all from training and validation data:

    forget accuracy  should be that of unseen samples (validation; of the forgotten class, where a class goes: 0),
    retain accuracy  should stay at 100,
    validation accuracy (without forgotten classes) should stay at the original's,
    attack           an entropy classifier of retain against one half of validation should call as many of the forget
                     samples members as of the other half.

The score is the mean of the four distances in points; the lowest wins. The test set and retrained models are never
opened. With --write the winners go to config/presets with their scores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml

from reunlearn.attacks.entropy_logistic import run as entropy_attack
from reunlearn.attacks.registry import Outputs
from reunlearn.data import scenarios
from reunlearn.data.prepared import write
from reunlearn.data.sets.digits import CARD, load
from reunlearn.metrics.classification import accuracy
from reunlearn.stages.loading import Loader
from reunlearn.stages.outputs import logits
from reunlearn.study.load import load_recipe, load_study
from reunlearn.study.methods import holds, state_kinds
from reunlearn.training.loop import train
from reunlearn.unlearning.registry import card, make
from reunlearn.unlearning.task import Task

STUDY = "quickstart"
PRESETS = Path("config/presets")


def grid(**choices: list[Any]) -> list[dict[str, Any]]:
    """Return every combination."""
    return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]


GRIDS: dict[str, list[dict[str, Any]]] = {
    "finetune": grid(learning_rate=[0.03, 0.1, 0.2, 0.4, 0.6], epochs=[10, 20, 30], batch_size=[32]),
    "gradient_ascent": grid(learning_rate=[1e-3, 3e-3, 1e-2, 2e-2, 4e-2], epochs=[5, 10], batch_size=[32]),
    "random_labels@paper": grid(
        learning_rate=[0.001, 0.003, 0.01, 0.03], epochs=[3, 5, 10], redraw=["once", "epoch"], batch_size=[32]
    ),
    "salun@code": grid(
        learning_rate=[0.003, 0.01, 0.02], epochs=[3, 5, 10], fraction=[0.1, 0.3, 0.5], batch_size=[32]
    ),
    "gdr_gma@paper": grid(learning_rate=[1e-4, 2e-4, 3e-4, 5e-4], epochs=[5, 10, 20], batch_size=[32]),
    "gdr_gma@code": grid(learning_rate=[1e-4, 2e-4, 3e-4, 5e-4], epochs=[5, 10, 20], batch_size=[32]),
    "sfr_on@code": grid(
        learning_rate=[0.01, 0.03],
        steps=[30, 60],
        ascent=[10.0, 25.0, 60.0],
        inner_period=[1, 5],
        batch_size=[32],
    ),
    "nabla_tau": grid(learning_rate=[1e-3, 3e-3], epochs=[12, 24], alpha=[5 / 3, 3.0, 4.5], batch_size=[32]),
    "pgu@paper": grid(
        learning_rate=[0.02, 0.05], energy=[0.5, 0.6, 0.7, 0.8], stop=["gap", "chance"], batch_size=[32]
    ),
    "lur": grid(
        learning_rate=[0.003, 0.01, 0.03, 0.1],
        alpha=[0.01, 0.1],
        epochs=[3, 10],
        forget_loss=["random_label", "neg_ce"],
        batch_size=[32],
    ),
}


class Setting:
    """One seed of one experiment: original model and sets."""

    def __init__(self, experiment: Any, seed: int, data: Path, folder: Path) -> None:
        dataset = experiment.dataset.model_dump()
        training = {
            "dataset": dataset,
            "architecture": experiment.architecture.model_dump(),
            "recipe": load_recipe(experiment.recipe),
            "objective": "classification",
        }
        self.loader = Loader(training, data, "cpu")
        self.seed, self.scenario = seed, experiment.scenario.model_dump(exclude_none=True)
        labels = np.asarray(self.loader.prepared.arrays.train_y)
        train_index = self.loader.train_index
        mask = scenarios.forget_mask(labels[train_index], self.scenario, seed)
        indices = {
            "forget": train_index[mask],
            "retain": train_index[~mask],
            "validation": self.loader.validation_index,
        }
        self.sets = {name: self.loader.training_samples(index) for name, index in indices.items()}
        self.objective = self.loader.objective()
        self.original = self.loader.fresh_model(seed)
        train(self.original, self.loader.training_samples(), self.objective, training["recipe"], seed)
        self.state: dict[str, Path] = {}
        self.folder = folder
        self.reference = self.accuracies(self.original)

    def task(self, name: str, settings: dict[str, Any]) -> Task:
        """Return the task of one run."""
        about = card(name)
        declared = {s for s in ("forget", "retain", "validation") if holds(about["needs"][s], settings)}
        for kind in state_kinds(about, settings):
            if kind not in self.state:
                module = __import__(f"reunlearn.training.state.{kind}", fromlist=["write"])
                self.state[kind] = self.folder / f"{kind}-{self.seed}-{self.scenario['kind']}"
                self.state[kind].mkdir()
                module.write(
                    self.state[kind], self.original, self.loader.training_samples(), self.objective, self.seed
                )
        return Task(
            self.sets,
            declared,
            self.objective,
            self.loader.classes,
            seed=self.seed,
            recipe=self.loader.training["recipe"],
            state=self.state,
            fresh=self.loader.fresh_model,
        )

    def accuracies(self, model: torch.nn.Module) -> dict[str, Any]:
        """Return outputs and accuracies of the three sets; validation without forgotten classes apart."""
        said = {name: logits(model, samples, self.objective) for name, samples in self.sets.items()}
        labels = {name: samples.y.numpy() for name, samples in self.sets.items()}
        gone = np.isin(labels["validation"], self.scenario.get("classes", []))
        return {
            "logits": said,
            "labels": labels,
            "gone": gone,
            "forget": accuracy(said["forget"], labels["forget"]),
            "retain": accuracy(said["retain"], labels["retain"]),
            "kept": accuracy(said["validation"][~gone], labels["validation"][~gone]),
        }

    def distances(self, model: torch.nn.Module) -> list[float]:
        """Return the four distances of an unlearned model, in points."""
        found = self.accuracies(model)
        if not all(np.isfinite(v).all() for v in found["logits"].values()):
            return [100.0] * 4
        gone = found["gone"]
        unseen = gone if gone.any() else np.ones_like(gone)
        target = accuracy(found["logits"]["validation"][unseen], found["labels"]["validation"][unseen])
        goal = 0.0 if gone.any() else target
        halves = np.arange(len(gone)) % 2 == 0
        fitted, asked = (halves, unseen & ~halves) if not gone.any() else (~gone, gone)
        rates = [
            self._called(found, fitted, chosen)
            for chosen in (found["logits"]["forget"], found["logits"]["validation"][asked])
        ]
        return [
            abs(found["forget"] - goal),
            100.0 - found["retain"],
            max(0.0, self.reference["kept"] - found["kept"]),
            abs(rates[0] - rates[1]),
        ]

    def _called(self, found: dict[str, Any], fitted: np.ndarray, asked: np.ndarray) -> float:
        """Return the share of some samples that the entropy attack calls members."""
        outputs = {
            "retain": found["logits"]["retain"],
            "test": found["logits"]["validation"][fitted],
            "forget": asked,
        }
        labels = {
            name: np.zeros(len(values), dtype=np.int64) for name, values in outputs.items()
        }  # not used by it
        return entropy_attack(Outputs(outputs, labels), None, 0).value


def search(settings: list[Setting], row: str, candidates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every candidate with its mean distances, best first."""
    name, _, fidelity = row.partition("@")
    defaults = {key: about["default"] for key, about in card(name)["hyperparameters"].items()}
    found = []
    for candidate in candidates:
        distances = []
        for setting in settings:
            model = setting.loader.fresh_model(0)
            model.load_state_dict(setting.original.state_dict())
            method = make(name, fidelity or None, {**defaults, **candidate})
            model = method.unlearn(model, setting.task(name, {**defaults, **candidate}))
            distances.append(setting.distances(model))
        mean = np.mean(distances, axis=0)
        found.append(
            {"settings": candidate, "score": float(mean.mean()), "distances": mean.round(2).tolist()}
        )
    return sorted(found, key=lambda entry: entry["score"])


def main() -> None:
    """Search all methods in both scenarios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write config/presets")
    parser.add_argument("--only", nargs="*", help="rows, such as salun or gdr_gma@paper")
    parser.add_argument("--scenario", nargs="*", help="experiments of the study")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder, "digits"), CARD, load(Path(folder)))
        for experiment in load_study(STUDY).experiments:
            if arguments.scenario and experiment.name not in arguments.scenario:
                continue
            settings = [
                Setting(experiment, s.train, Path(folder), Path(folder)) for s in experiment.seed_triples
            ]
            untouched = np.mean([s.distances(s.original) for s in settings], axis=0)
            print(
                f"{experiment.name}: original {untouched.mean():.2f} {untouched.round(2).tolist()}",
                flush=True,
            )
            for row, candidates in GRIDS.items():
                if arguments.only and row not in arguments.only:
                    continue
                begin = time.perf_counter()
                found = search(settings, row, candidates)
                seconds = time.perf_counter() - begin
                for entry in found[:3]:
                    print(
                        f"  {row:16} {entry['score']:6.2f} {entry['distances']} {json.dumps(entry['settings'])}"
                    )
                print(f"  {row:16} {len(found)} candidates, {seconds:.0f} s", flush=True)
                if arguments.write:
                    record(row, experiment, found[0], len(found))


def record(row: str, experiment: Any, winner: dict[str, Any], tried: int) -> None:
    """Replace the entry of this method and scenario in config/presets."""
    name, _, fidelity = row.partition("@")
    path = PRESETS / f"{name}.yaml"
    conditions = {
        "dataset": experiment.dataset.name,
        "recipe": experiment.recipe,
        "scenario": experiment.scenario.kind,
    }
    if fidelity:
        conditions["fidelity"] = fidelity
    entries = [
        e for e in (yaml.safe_load(path.read_text()) if path.exists() else []) if e["for"] != conditions
    ]
    score = f"score {winner['score']:.2f}"
    source = f"ours: best of {tried} by validation stand-ins, {score} (benchmarks/search_settings.py)"
    entries.append({"for": conditions, "source": source, "settings": winner["settings"]})
    path.write_text(yaml.safe_dump(entries, sort_keys=False, width=110))


if __name__ == "__main__":
    sys.exit(main())
