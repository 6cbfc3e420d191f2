"""A study's finished folders without any training, aggregated by the real aggregate stage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.artifacts.manifest import write_manifest
from reunlearn.base.arrays import write_arrays
from reunlearn.base.files import read_json, write_json
from reunlearn.stages import aggregate, track
from reunlearn.stages.execution import Job
from reunlearn.study import paths

EPOCHS = 3
TRAINING = {
    "dataset": {"name": "digits", "train": 40, "validation": 20},
    "architecture": {"name": "small_cnn", "settings": {"width": 4}},
    "recipe": {"name": "tiny", "epochs": EPOCHS, "learning_rate": 0.05, "milestones": []},
    "objective": "classification",
    "threads": 1,
}
SCENARIO = {"kind": "random", "fraction": 0.25}
FINETUNE = {"name": "finetune", "reading": None, "settings": {"epochs": 5, "learning_rate": 0.01}}
GDR_GMA = {"name": "gdr_gma", "reading": "paper", "settings": {"epochs": 2}}


class SyntheticStudy:
    """Rows original, retrain, finetune, gdr_gma@paper × seeds, in the working directory."""

    def __init__(
        self, seeds: int = 2, epochs: int = EPOCHS, experiments: tuple[str, ...] = ("random",)
    ) -> None:
        self.epochs = epochs
        self.jobs: list[str] = [
            self._job("prepare", paths.prepared({"name": "digits"}), {"dataset": "digits"})
        ]
        self.rows = [
            self._row(e, name, m, s) for e in experiments for name, m in METHODS for s in range(seeds)
        ]
        described = {"dataset": TRAINING["dataset"], "architecture": TRAINING["architecture"]}
        self.study = {
            "name": "tiny",
            "title": "A tiny study",
            "description": "",
            "experiments": [{"name": e, **described} for e in experiments],
        }
        self.aggregate()
        self.report({"index.html": "<p>one</p>", "tables/random.csv": "a,b\n", "figures/roc.svg": "<svg/>"})

    def _row(self, experiment: str, name: str, method: dict[str, Any] | None, seed: int) -> dict[str, Any]:
        run = paths.row(TRAINING, experiment, (seed, seed, seed), name, "0" * 8 if method else None)
        model = run if method else f"{paths.group(TRAINING)}/{name}/{experiment}/seed{seed}"
        self.jobs.append(self._job("unlearn", model, {"training": TRAINING, "method": method, "seed": seed}))
        step = "step" if method else "epoch"
        lines = [{step: i, "loss": 1.0 / (i + 1), "note": "text"} for i in range(self.epochs)]
        lines[-1]["loss"] = None if name == "gdr_gma@paper" else 0.1
        (Path(model) / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        evaluation = paths.evaluation(run)
        self.jobs.append(self._job("evaluate", evaluation, {"training": TRAINING, "of": model}))
        self._outputs(Path(evaluation), seed)
        attack = paths.attack(run, "entropy_logistic")
        self.jobs.append(self._job("attack", attack, {"attack": "entropy_logistic", "of": model}))
        result = {"attack": "entropy_logistic", "value": 60.0 + seed, "details": {"auc": 0.6}}
        write_json(Path(attack) / "result.json", result)
        write_arrays(Path(attack) / "scores.npz", {"member": np.ones(3), "other": np.zeros(4)})
        return {
            "experiment": experiment,
            "name": name,
            **{f"{kind}_seed": seed for kind in ("train", "split", "method")},
            "scenario": SCENARIO,
            "method": method,
            "model": model,
            "evaluation": evaluation,
            "comparison": paths.comparison(run),
            "attacks": {"entropy_logistic": attack},
        }

    def _job(self, stage: str, folder: str, content: dict[str, Any]) -> str:
        """Write specification, record and manifest of a finished job."""
        specification = {"stage": stage, "folder": folder, "inputs": {}, "modules": [], **content}
        write_json(Path(folder) / paths.SPECIFICATION, specification)
        record = {
            "seconds": {"run": 1.5, "total": 2.0},
            "peak_memory_mib": 100.0,
            "device": "cpu",
            "status": "finished",
            "versions": {"torch": "2.13.0"},
            "git": {"commit": "c0ffee", "dirty": False},
            "finished": "2026-01-01T12:00:00+00:00",
        }
        write_json(Path(folder) / paths.RECORD, record)
        write_manifest(Path(folder), specification, "code", [])
        return folder

    def _outputs(self, evaluation: Path, seed: int) -> None:
        arrays = {}
        for name in aggregate.SAMPLED_SETS:
            arrays[f"{name}_logits"] = np.eye(3, dtype=np.float16)
            arrays[f"{name}_labels"] = arrays[f"{name}_index"] = np.arange(3)
        write_arrays(evaluation / "outputs.npz", arrays)
        write_json(evaluation / "metrics.json", {"accuracy_test": 90.0 + seed, "loss_test": None})

    def aggregate(self) -> None:
        """Let the aggregate stage gather what there is."""
        content = {"study": self.study, "rows": self.rows, "inputs": {"jobs": self.jobs}}
        folder = Path(paths.results("tiny"))
        folder.mkdir(parents=True, exist_ok=True)
        aggregate.run(Job(content, folder))

    def report(self, files: dict[str, str]) -> None:
        """Write a report folder with these files."""
        folder = Path(paths.report("tiny"))
        for name, text in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        write_manifest(folder, {"stage": "report", "modules": []}, "code", list(files))

    def edit(self, name: str, code: str) -> None:
        """Let every model of a method come out of other code, and aggregate again."""
        for row in self.rows:
            if row["name"] == name:
                path = Path(row["model"]) / paths.MANIFEST
                write_json(path, {**read_json(path), "code": code})
        self.aggregate()

    def track(self) -> dict[str, Any]:
        """Run the track stage; return tracked.json."""
        folder = Path(paths.tracking("tiny"))
        folder.mkdir(parents=True, exist_ok=True)
        inputs = {"results": paths.results("tiny"), "report": paths.report("tiny")}
        track.run(Job({"inputs": inputs, "study": "tiny"}, folder))
        return read_json(folder / "tracked.json")


METHODS = [("original", None), ("retrain", None), ("finetune", FINETUNE), ("gdr_gma@paper", GDR_GMA)]
