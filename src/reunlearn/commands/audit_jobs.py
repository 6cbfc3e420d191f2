"""The jobs of an audit: a study's stages, one after the other in this process, in a folder that does not stay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from reunlearn.base.arrays import write_arrays
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json, write_text
from reunlearn.base.hashing import sha256
from reunlearn.commands.run import is_done
from reunlearn.data.partition import partition
from reunlearn.data.prepared import read
from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.audit import NAME, ROW, Audit
from reunlearn.study.expand import FLOOR_SEED
from reunlearn.study.plan import Job


def prepare(audit: Audit) -> None:
    """Prepare the dataset as a study would, unless that is done."""
    about = audit.training["dataset"]
    job = Job(
        "prepare",
        paths.prepared(about),
        {
            "dataset": {key: about[key] for key in ("name", "side", "listing")},
            "source": audit.request.folder,
        },
        {},
        ("reunlearn.stages.prepare", f"reunlearn.data.sets.{about['name']}"),
    )
    if not (is_done(job) and Path(paths.data(about)).is_dir()):
        _execute(job)


def split(audit: Audit) -> dict[str, np.ndarray]:
    """Return what the stage split writes, from the user's own lists.

    Test samples count as forgotten where forget holds their class and retain does not.

    Raises:
        UserError: a sample to forget was not trained on, or is held out; nothing is left to retain.
    """
    about, request = audit.training["dataset"], audit.request
    arrays = read(Path(paths.data(about))).arrays
    labels_N, test_labels_N = np.asarray(arrays.train_y), np.asarray(arrays.test_y)
    train, validation = partition(labels_N, about["train"], about["validation"])
    forget = np.array(audit.forget)
    listed = [(request.forget, forget)]
    if audit.retain is None:
        retain = np.setdiff1d(train, forget)
        if len(outside := np.setdiff1d(forget, np.union1d(train, validation))):
            raise UserError(f"{request.forget}: sample {outside[0]} is not among the {len(train)} of --train")
    else:
        retain = np.array(audit.retain)
        listed.append((str(request.retain), retain))
    for file, numbers in listed:
        if len(held_out := np.intersect1d(numbers, validation)):
            raise UserError(f"{file}: sample {held_out[0]} is among the {len(validation)} of --validation")
    if not len(retain):
        raise UserError(f"{request.forget}: lists the whole training set; nothing is left to retain")
    gone = np.setdiff1d(labels_N[forget], labels_N[retain])
    none = np.empty(0, dtype=np.int64)
    return {
        "forget": forget,
        "retain": retain,
        "earlier": none,
        "validation": validation,
        "test_forgotten": np.flatnonzero(np.isin(test_labels_N, gone)),
        "taught_index": none,
        "taught_label": none,
    }


def models(audit: Audit) -> Iterator[tuple[str, int, str]]:
    """Yield (row, method seed, weights) of every model, as a study's rows are told apart."""
    for number, file in enumerate(audit.request.references):
        yield "retrain", FLOOR_SEED + number - 1 if number else 0, file
    if audit.request.original:
        yield "original", 0, audit.request.original
    yield ROW, 0, audit.request.model


class Run:
    """One audit, in a folder of its own."""

    def __init__(self, audit: Audit, root: Path) -> None:
        self.audit, self.root = audit, root
        self.modules = tuple(
            f"reunlearn.{kind}.{name}"
            for kind, name in (
                ("models", audit.training["architecture"]["name"]),
                ("objectives", audit.training["objective"]),
            )
        )
        self.folders: list[str] = []  # of all jobs
        self.left_out = {name: f"needs {what}" for name, what in audit.left_out.items()}  # with the reason
        self.console = Console(stderr=True, highlight=False, markup=False)

    def run(self, indices: dict[str, np.ndarray]) -> Path:
        """Evaluate, compare and attack every model; return the folder of the tidy tables."""
        write_arrays(self.root / "split" / "indices.npz", indices)
        rows = [self._model(*model) for model in models(self.audit)]
        references = [row for row in rows if row["name"] == "retrain"]
        original = next((row["model"] for row in rows if row["name"] == "original"), None)
        for row in rows:
            others = [reference for reference in references if reference is not row]
            self._compare(row, others[0] if others else None, original)
        self._attack_all(rows)
        experiment = self.audit.experiment.model_copy(update={"attacks": tuple(rows[0]["attacks"])})
        study: dict[str, Any] = {
            "name": NAME,
            "title": f"Audit of {self.audit.request.model}",
            "description": "",
        }
        study |= {"experiments": [experiment.model_dump(mode="json")]}
        folder = self._add(
            "aggregate", "results", {"study": study, "rows": rows}, {"jobs": list(self.folders)}
        )
        self._forget_where(Path(folder) / "runs.json")
        return Path(folder)

    def _add(
        self,
        stage: str,
        name: str,
        specification: dict[str, Any],
        inputs: dict[str, Any],
        plugins: tuple = (),
    ) -> str:
        """Run a job below this audit's folder; return the job's folder."""
        self.console.print(f"{stage} {name}")
        modules = (f"reunlearn.stages.{stage}", *plugins)
        job = Job(stage, str(self.root / name), specification, inputs, modules)
        _execute(job)
        self.folders.append(job.folder)
        return job.folder

    def _model(self, row: str, seed: int, file: str) -> dict[str, Any]:
        """Lay a user's weights where a study's would lie, evaluate them, and return their row."""
        name = f"{row}{seed or ''}"
        folder = self.root / name
        folder.mkdir(parents=True)
        (folder / "model.safetensors").symlink_to(Path(file).absolute())
        write_json(folder / paths.RECORD, {"seconds": {}, "status": "finished"})  # nobody saw it trained
        write_json(folder / paths.MANIFEST, {"outputs": {"model.safetensors": sha256(Path(file))}})
        inputs = {"data": paths.prepared(self.audit.training["dataset"]), "split": str(self.root / "split")}
        evaluation = self._add(
            "evaluate",
            f"{name}/evaluation",
            {"training": self.audit.training},
            {**inputs, "model": str(folder)},
            self.modules,
        )
        return {
            "experiment": NAME,
            "name": row,
            **{"train_seed": 0, "split_seed": 0, "method_seed": seed},
            "scenario": self.audit.experiment.scenario.model_dump(mode="json", exclude_none=True),
            "method": None,
            "model": str(folder),
            "evaluation": evaluation,
            "comparison": paths.comparison(str(folder)),
            "attacks": {},
        }

    def _compare(self, row: dict[str, Any], reference: dict[str, Any] | None, original: str | None) -> None:
        inputs = {"evaluation": row["evaluation"], "model": row["model"]}
        inputs |= {"original": original} if original else {}
        inputs |= {"reference": reference["evaluation"], "retrained": reference["model"]} if reference else {}
        self._add("compare", f"{Path(row['model']).name}/comparison", {}, inputs)

    def _attack_all(self, rows: list[dict[str, Any]]) -> None:
        """Attack every model; what these samples do not allow is an error if it was named, else left out."""
        for attack in self.audit.experiment.attacks:
            try:
                done = [self._attack(row, attack) for row in rows]
            except ValueError as error:
                if self.audit.request.attacks is not None:
                    raise UserError(f"attack '{attack}': {error}; name others by --attacks") from error
                self.left_out[attack] = str(error)
                continue
            for row, folder in zip(rows, done, strict=True):
                row["attacks"][attack] = folder

    def _attack(self, row: dict[str, Any], attack: str) -> str:
        told = {"attack": attack, "training": self.audit.training}
        plugins = (f"reunlearn.attacks.{attack}", *self.modules)
        name = f"{Path(row['model']).name}/attacks/{attack}"
        return self._add("attack", name, told, {"evaluation": row["evaluation"]}, plugins)

    def _forget_where(self, file: Path) -> None:
        """Name the jobs in runs.json as they are called within the audit: the folder itself does not stay."""
        prefix = json.dumps(f"{self.root}/")[1:-1]
        write_text(file, file.read_text(encoding="utf-8").replace(prefix, ""))


def _execute(job: Job) -> None:
    path = Path(job.folder) / paths.SPECIFICATION
    write_json(path, job.document)
    execute(job.stage, path)
