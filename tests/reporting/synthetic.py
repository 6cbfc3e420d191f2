"""A study's finished run folders without any training, gathered by the real stage `aggregate`.

Two experiments, three seeds, eight methods of made-up strength: enough for every part of a report.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.arrays import write_arrays
from reunlearn.base.files import write_json
from reunlearn.base.hashing import full_digest, short_digest
from reunlearn.metrics.classification import accuracy, cross_entropy, entropy
from reunlearn.stages import aggregate
from reunlearn.stages.execution import Job
from reunlearn.study import paths
from reunlearn.study.schema import Study

CLASSES, FORGET, TRAIN, TEST = 10, 60, 300, 200
ATTACKS = ("entropy_logistic", "shadow_xgboost")
# name: (margin of the forget set's labels in random-0.2, in class-3, seconds, passes over retain, over forget)
STRENGTHS: dict[str, tuple[float, float, float, float, float]] = {
    "retrain": (3.0, -3.0, 4.0, 0, 0),
    "original": (7.0, 7.0, 5.0, 0, 0),
    "finetune": (5.6, 3.0, 0.52, 5, 0),
    "gradient_ascent": (-4.0, -6.0, 0.031, 0, 5),
    "random_labels": (1.4, -2.0, 0.36, 3, 3),
    "salun": (2.2, -2.2, 0.41, 3, 4),
    "gdr_gma@paper": (3.4, -2.7, 0.62, 5, 5),
    "gdr_gma@code": (3.9, -2.4, 0.66, 5, 5),
    "pgu": (4.4, 0.5, 0.19, 1, 4),
    "lur": (3.3, -4.0, 0.48, 4, 4),
}
CATALOGUE: dict[str, dict[str, Any]] = {
    "datasets": {"digits": {"train": 1400}},
    "methods": {
        name: {
            "name": name,
            "paper": f"Paper of {name}",
            "summary": f"What {name} does.",
            "divergences": [],
            "hyperparameters": {},
        }
        for name in {n.partition("@")[0] for n in STRENGTHS}
    },
    "attacks": {
        name: {
            "name": name,
            "title": title,
            "compares": "forget outputs with test outputs",
            "unit": unit,
            "direction": "higher is more leakage",
            "ideal": "Retrain's value <not 50>",
            "column_of": "GDR-GMA 'MIA'",
            "source": "a paper",
            "pools": ["with_forget", "without_forget"] if name == "shadow_xgboost" else [],
            "cost": "",
            "ordered": [],
        }
        for name, title, unit in (
            ("entropy_logistic", "MIA entropy", "% of the forget set called member"),
            ("shadow_xgboost", "MIA shadow", "AUC, 0 to 1"),
        )
    },
}
CATALOGUE["methods"]["gdr_gma"]["divergences"] = [
    {"where": "Eq. 5", "paper": "λ follows the loss", "code": "λ < ½ is never reached & stays"}
]
CATALOGUE["methods"]["gdr_gma"]["hyperparameters"] = {
    "epochs": {"default": 5, "doc": "passes", "type": "int"},
    "bank_scope": {
        "default": "reading",
        "doc": "what it holds",
        "paper": "all",
        "code": "last",
        "type": "str",
    },
}


def study(seeds: int = 3) -> dict[str, Any]:
    """Return the study as the plan writes it."""
    base = {
        "dataset": {"name": "digits", "train": TRAIN},
        "architecture": {"name": "small_cnn", "settings": {"width": 16}},
        "recipe": "digits-sgd",
        "seeds": list(range(seeds)),
        "methods": [n for n in STRENGTHS if n not in ("retrain", "original")],
        "attacks": list(ATTACKS),
        "shadows": {"with_forget": 8, "without_forget": 8},
    }
    scenarios = {
        "random-0.2": {"kind": "random", "fraction": 0.2},
        "class-3": {"kind": "class", "classes": [3]},
    }
    content = {
        "name": "synthetic",
        "title": "Digits <quick & synthetic>",
        "description": "Made-up numbers for the report's own tests.",
        "experiments": [{**base, "name": name, "scenario": s} for name, s in scenarios.items()],
    }
    return Study.model_validate(content).model_dump(mode="json")


def build(
    missing: Collection[str] = (), diverged: Collection[str] = (), seeds: int = 3, device: str = "cpu"
) -> Path:
    """Write run folders below the current directory and aggregate them; return the results folder.

    Args:
        missing: rows whose models of seed 0 have no result; "all" leaves out everything.
        diverged: rows whose model of seed 1 diverged.
        seeds: how many.
        device: on which pgu ran; the others ran on the CPU.
    """
    content = study(seeds)
    rows, jobs = [], []
    for experiment in content["experiments"]:
        for seed in range(seeds):
            for name in ("retrain", "retrain", *[n for n in STRENGTHS if n != "retrain"]):
                second = name == "retrain" and any(r["name"] == name and r["seed"] == seed for r in rows[-1:])
                row = _row(experiment, name, seed, seed + 1000 * second)
                skip = "all" in missing or (name in missing and seed == 0)
                status = "diverged" if name in diverged and seed == 1 else "finished"
                jobs += [row["model"], row["evaluation"], row["comparison"], *row["attacks"].values()]
                if not skip:
                    _write_run(row, status, device if name == "pgu" else "cpu")
                rows.append(row)
    job = Job(
        {"study": content, "rows": rows, "inputs": {"jobs": list(dict.fromkeys(jobs))}},
        Path(paths.results("synthetic")),
    )
    aggregate.run(job)
    return job.folder


def _row(experiment: dict[str, Any], name: str, seed: int, method_seed: int) -> dict[str, Any]:
    training = {
        "dataset": experiment["dataset"],
        "architecture": experiment["architecture"],
        "recipe": {"name": "r"},
    }
    base, _, reading = name.partition("@")
    settings = {"bank_scope": {"paper": "all", "code": "last"}[reading]} if reading else {}
    method = (
        None
        if name in ("retrain", "original")
        else {"name": base, "reading": reading or None, "settings": settings}
    )
    digest = short_digest(method) if method else None
    folder = paths.row(training, experiment["name"], (seed, seed, method_seed), name, digest)
    models = {
        "original": paths.original(training, seed),
        "retrain": paths.retrained(training, experiment["name"], seed, method_seed),
    }
    return {
        "experiment": experiment["name"],
        "name": name,
        "seed": seed,
        "train_seed": seed,
        "split_seed": seed,
        "method_seed": method_seed,
        "scenario": experiment["scenario"],
        "method": method,
        "model": models.get(name, folder),
        "evaluation": paths.evaluation(folder),
        "comparison": paths.comparison(folder),
        "attacks": {a: paths.attack(folder, a) for a in ATTACKS},
    }


def _write_run(row: dict[str, Any], status: str, device: str) -> None:
    """Write model, evaluation and attacks of one row, as the stages do."""
    margins = STRENGTHS[row["name"]]
    draw = np.random.default_rng(abs(hash_of(row["evaluation"])))
    forget = margins[0 if row["experiment"].startswith("random") else 1] + draw.normal(0, 0.3)
    arrays = {}
    for name, size, margin in (
        ("forget", FORGET, forget),
        ("retain", TRAIN - FORGET, 8.0),
        ("test", TEST, 3.1),
    ):
        labels_N = draw.integers(0, CLASSES, size)
        logits_NK = draw.normal(0, 1, (size, CLASSES))
        logits_NK[np.arange(size), labels_N] += margin + draw.normal(0, 2.0, size)
        bad = status == "diverged"
        arrays[f"{name}_logits"] = np.full_like(logits_NK, np.nan) if bad else logits_NK
        arrays[f"{name}_labels"], arrays[f"{name}_index"] = labels_N, np.arange(size)
    seconds = margins[2] * draw.uniform(0.9, 1.1)
    drawn = {"retain": margins[3] * (TRAIN - FORGET), "forget": margins[4] * FORGET}
    drawn = {name: count for name, count in drawn.items() if count}
    stage = {"original": "original", "retrain": "retrained"}.get(row["name"], "unlearn")
    more = {"drawn": drawn} if stage == "unlearn" else {}
    _finish(row["model"], stage, {"run": seconds, "total": seconds + 0.1}, device, status=status, **more)
    metrics = {
        f"accuracy_{s}": accuracy(arrays[f"{s}_logits"], arrays[f"{s}_labels"])
        for s in ("forget", "retain", "test")
    }
    metrics |= {
        f"loss_{s}": cross_entropy(arrays[f"{s}_logits"], arrays[f"{s}_labels"]).mean()
        for s in ("forget", "test")
    }
    write_arrays(Path(row["evaluation"]) / "outputs.npz", arrays)
    write_json(Path(row["evaluation"]) / "metrics.json", metrics)
    _finish(row["evaluation"], "evaluate", {"run": 0.01, "total": 0.02}, "cpu", status=status)
    readings = {"d_kl": abs(margins[0] - 3.0) + draw.uniform(0, 0.1), "kl_test": 0.1, "js_forget": 0.02}
    write_json(Path(row["comparison"]) / "readings.json", readings if status == "finished" else {})
    _finish(row["comparison"], "compare", {"run": 0.01, "total": 0.02}, "cpu")
    for attack, folder in row["attacks"].items():
        _write_attack(attack, folder, arrays, status)


def _write_attack(attack: str, folder: str, arrays: dict[str, np.ndarray], status: str) -> None:
    member, other = (-entropy(arrays[f"{s}_logits"]) for s in ("forget", "test"))
    value = 100 * float((member > np.median(other)).mean())
    if status == "diverged":
        value, member, other = float("nan"), np.empty(0), np.empty(0)
    write_json(
        Path(folder) / "result.json", {"attack": attack, "value": value, "details": {"threshold": 0.5}}
    )
    write_arrays(Path(folder) / "scores.npz", {"member": member, "other": other})
    _finish(folder, "attack", {"run": 0.01, "total": 0.02}, "cpu", status=status)


def _finish(folder: str, stage: str, seconds: dict[str, float], device: str, **more: Any) -> None:
    """Write specification, record and manifest of a job."""
    record = {
        "seconds": seconds,
        "peak_memory_mib": 410.2,
        "device": device,
        "processor": "A processor",
        "threads": 1,
        "versions": {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.6"},
        "git": {"commit": "0123456789abcdef0123456789abcdef01234567", "dirty": False},
        "finished": "2026-11-21T08:00:00+00:00",
        **more,
    }
    write_json(Path(folder) / paths.SPECIFICATION, {"stage": stage})
    write_json(Path(folder) / paths.RECORD, record)
    write_json(Path(folder) / paths.MANIFEST, {"specification": "s", "code": "c", "outputs": {}})


def hash_of(text: str) -> int:
    """Return a number that names a text, the same in every process."""
    return int(full_digest(text)[:12], 16)
