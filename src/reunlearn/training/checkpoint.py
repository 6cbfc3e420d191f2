"""Resumable state of a running training or method: safetensors and JSON, outside the job's declared outputs."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from reunlearn.base.files import read_json, write_json
from reunlearn.training.tensor_files import read_tensors, write_tensors

FILE, SUFFIX = "checkpoint.json", ".safetensors"
BROKEN = "the checkpoint in %s cannot be read: the work begins anew"


@dataclass(frozen=True)
class Kept:
    """What a checkpoint holds."""

    facts: dict[str, Any]
    tensors: dict[str, Tensor]


def keep(folder: Path, key: str, name: str, facts: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write a checkpoint and remove the one before; the JSON file comes last, so that half of it never counts."""
    write_tensors(folder / f"{name}{SUFFIX}", tensors)
    write_json(folder / FILE, {**facts, "key": key, "tensors": f"{name}{SUFFIX}"})
    for old in folder.glob(f"*{SUFFIX}"):
        if old.name != f"{name}{SUFFIX}":
            old.unlink()


def read_kept(folder: Path, key: str) -> Kept | None:
    """Return a checkpoint; None where there is none of this key, or one that cannot be read."""
    facts = read_facts(folder, key)
    if facts is None:
        return None
    try:
        return Kept(facts, read_tensors(folder / facts["tensors"]))
    except (OSError, KeyError, SafetensorError):
        logging.warning(BROKEN, folder)
        return None


def read_facts(folder: Path, key: str) -> dict[str, Any] | None:
    """Return what the JSON file of a checkpoint says; None where there is none of this key, or one that is damaged."""
    try:
        facts = read_json(folder / FILE)
        return facts if facts["key"] == key else None
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        logging.warning(BROKEN, folder)
        return None


def begin(folder: Path, key: str) -> dict[str, Any]:
    """Return what a checkpoint of this key says; where there is none, one is begun, and what else lies there goes."""
    facts = read_facts(folder, key)
    if facts is None:
        discard(folder)
        facts = {"key": key}
        write_json(folder / FILE, facts)
    return facts


def discard(folder: Path) -> None:
    """Remove a checkpoint that is no longer needed; its JSON first, so that half of it never counts."""
    (folder / FILE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def optimizer_state(optimizer: torch.optim.Optimizer) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Return an optimizer's state as plain facts and named tensors."""
    content = optimizer.state_dict()
    tensors, scalars = {}, {}
    for number, entries in content["state"].items():
        for name, value in entries.items():
            if isinstance(value, Tensor):
                tensors[f"optimizer.{number}.{name}"] = value
            else:
                scalars[f"{number}.{name}"] = value
    return {"groups": content["param_groups"], "scalars": scalars}, tensors


def restore_optimizer(
    optimizer: torch.optim.Optimizer, facts: dict[str, Any], tensors: dict[str, Tensor]
) -> None:
    """Put back what `optimizer_state` returned: `facts`, and `tensors` among any others."""
    state: dict[int, dict[str, Any]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, entry = name.split(".", 2)
            state.setdefault(int(number), {})[entry] = value
    for name, value in facts["scalars"].items():
        number, entry = name.split(".", 1)
        state.setdefault(int(number), {})[entry] = value
    optimizer.load_state_dict({"state": state, "param_groups": facts["groups"]})
