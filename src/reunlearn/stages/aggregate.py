"""Gather the results of all runs of a study into tidy tables: what report and tracking are made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from reunlearn.base.arrays import read_arrays
from reunlearn.base.files import read_json, replacing, write_json
from reunlearn.base.hashing import full_digest
from reunlearn.metrics.classification import cross_entropy, entropy
from reunlearn.metrics.confusion import confusion
from reunlearn.stages.execution import Job
from reunlearn.study import paths

SAMPLED_SETS = ("forget", "test")


def run(job: Job) -> None:
    """Write results.parquet, samples.parquet, classes.parquet, scores.parquet and runs.json.

    results: study, experiment, dataset, architecture, scenario, fraction, method, variant, train_seed, split_seed,
    method_seed, status (finished, diverged, missing), metric, value: one line per number.
    samples: per sample of forget and test: loss, entropy. scores: per attack and sample: member, score.
    classes: per set, true class and predicted class: samples; for sets other than forget the right ones only.
    runs.json: the study, its rows, every job's record and digests, and the holes.
    """
    experiments = {e["name"]: e for e in job["study"]["experiments"]}
    results: list[dict[str, Any]] = []
    samples, classes, scores = [], [], []
    for row in job["rows"]:
        keys = _keys(job["study"]["name"], experiments[row["experiment"]], row)
        numbers, status = _numbers(row)
        results += [{**keys, "status": status, "metric": k, "value": v} for k, v in numbers.items()]
        if status == "missing":
            results.append({**keys, "status": status, "metric": "accuracy_forget", "value": np.nan})
            continue
        arrays = read_arrays(Path(row["evaluation"]) / "outputs.npz")
        samples.append(_samples(arrays).assign(**keys))
        classes.append(_classes(arrays).assign(**keys))
        for attack, folder in row["attacks"].items():
            if _is_done(folder):
                scores.append(_scores(folder).assign(attack=attack, **keys))
    _write(job.folder / "results.parquet", pd.DataFrame(results))
    for name, frames in (("samples", samples), ("classes", classes), ("scores", scores)):
        whole = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
        _write(job.folder / f"{name}.parquet", whole)
    write_json(job.folder / "runs.json", _provenance(job))


def _is_done(folder: str) -> bool:
    return (Path(folder) / paths.MANIFEST).exists()


def _keys(study: str, experiment: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that name a run."""
    name, _, variant = row["name"].partition("@")
    return {
        "study": study,
        "experiment": row["experiment"],
        "dataset": experiment["dataset"]["name"],
        "architecture": experiment["architecture"]["name"],
        "scenario": row["scenario"]["kind"],
        "fraction": row["scenario"].get("fraction", np.nan),
        "method": name,
        "variant": variant,
        "row": row["name"],
        "train_seed": row["train_seed"],
        "split_seed": row["split_seed"],
        "method_seed": row["method_seed"],
    }


def _numbers(row: dict[str, Any]) -> tuple[dict[str, float], str]:
    """Return every number of a run, and its status."""
    if not (_is_done(row["model"]) and _is_done(row["evaluation"])):
        return {}, "missing"
    record = read_json(Path(row["model"]) / paths.RECORD)
    numbers = dict(read_json(Path(row["evaluation"]) / "metrics.json"))
    numbers |= {f"seconds_{name}": value for name, value in record["seconds"].items()}
    numbers |= {f"drawn_{name}": value for name, value in record.get("drawn", {}).items()}
    memory = ("peak_memory_mib", "peak_gpu_memory_mib")
    numbers |= {name: record[name] for name in memory if name in record}
    for role, name in (("comparison", "readings.json"), ("relearning", "relearning.json")):
        folder = row.get(role)
        if folder and _is_done(folder):
            numbers |= read_json(Path(folder) / name)
    for attack, folder in row["attacks"].items():
        if _is_done(folder):
            result = read_json(Path(folder) / "result.json")
            numbers |= {
                f"{attack}.{k}": v for k, v in result["details"].items() if isinstance(v, (int, float))
            }
            numbers[attack] = result["value"]
    statuses = {record.get("status"), read_json(Path(row["evaluation"]) / paths.RECORD).get("status")}
    return numbers, "diverged" if "diverged" in statuses else "finished"


def _samples(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return loss and entropy of each forget and test sample."""
    frames = []
    for name in SAMPLED_SETS:
        logits_NK = arrays[f"{name}_logits"]
        columns = {
            "loss": cross_entropy(logits_NK, arrays[f"{name}_labels"]).astype(np.float32),
            "entropy": entropy(logits_NK).astype(np.float32),
            "index": arrays[f"{name}_index"].astype(np.int32),
        }
        frames.append(pd.DataFrame(columns).assign(set=name))
    return pd.concat(frames, ignore_index=True)


def _classes(arrays: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return how many samples of a class are taken for a class: all pairs that occur of forget, else the right ones.

    A class that a set holds stands there with its right ones even if these are none: accuracies follow. Sets that
    were also measured under augmentation stand a second time as forget_augmented, retain_augmented.
    """
    sets = [key.removesuffix("_logits") for key in arrays if key.endswith("_logits")]
    said = {name: (arrays[f"{name}_logits"].argmax(axis=-1), name) for name in sets}
    said |= {f"{n}_augmented": (arrays[a], n) for n in sets if (a := f"{n}_augmented_predicted") in arrays}
    classes, frames = arrays["forget_logits"].shape[-1], []
    for name, (predicted_N, of) in said.items():
        counts_KK = confusion(predicted_N, arrays[f"{of}_labels"], classes)
        sizes_K = counts_KK.sum(axis=1)
        shown_KK = np.diag(sizes_K > 0) | ((counts_KK > 0) & (name == "forget"))
        label, predicted = np.nonzero(shown_KK)
        columns = {"label": label, "predicted": predicted, "samples": counts_KK[label, predicted]}
        frame = pd.DataFrame({**columns, "of": sizes_K[label]}).astype(np.int32)
        frames.append(frame.assign(set=name))
    return pd.concat(frames, ignore_index=True)


def _scores(folder: str) -> pd.DataFrame:
    """Return the score of each sample in an attack's final comparison."""
    arrays = read_arrays(Path(folder) / "scores.npz")
    member = np.repeat([True, False], [len(arrays["member"]), len(arrays["other"])])
    score = np.concatenate([arrays["member"], arrays["other"]]).astype(np.float32)
    return pd.DataFrame({"member": member, "score": score})


def _provenance(job: Job) -> dict[str, Any]:
    """Return what the report and MLflow say of each job."""
    jobs, missing = {}, []
    for folder in job["inputs"]["jobs"]:
        if not _is_done(folder):
            missing.append(folder)
            continue
        manifest, record = (read_json(Path(folder) / name) for name in (paths.MANIFEST, paths.RECORD))
        stage = read_json(Path(folder) / paths.SPECIFICATION)["stage"]
        digests = {k: manifest[k] for k in ("specification", "code")}
        jobs[folder] = {"stage": stage, "manifest": full_digest(manifest), **digests, "record": record}
    return {"study": job["study"], "rows": job["rows"], "jobs": jobs, "missing": sorted(missing)}


def _write(path: Path, frame: pd.DataFrame) -> None:
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False)
