"""The one place that names files.

Every folder below holds the outputs of one job: specification.json (written by the plan), manifest.json,
record.json and what the stage makes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reunlearn.base.hashing import short_digest

SPECIFICATION = "specification.json"
MANIFEST = "manifest.json"
RECORD = "record.json"

DATA = "data"
RUNS = "runs"
REPORTS = "reports"
STATE = ".reunlearn"  # caches, checkpoints, locks: never an input of a result

# one pattern per stage; prefixes are distinct, so no path fits two rules
_GROUP = r"runs/[^/]+/[^/]+~[0-9a-f]{8}"
PATTERNS = {
    "prepare": r"runs/[^/]+/prepared",
    "split": r"runs/[^/]+/split~[0-9a-f]{8}/[^/]+/split\d+",
    "original": _GROUP + r"/original/train\d+",
    "retrained": _GROUP + r"/retrained/[^/]+/split\d+/seed\d+",
    "shadow": _GROUP + r"/pools/.+",
    "state": _GROUP + r"/state/.+",
    "unlearn": _GROUP + r"/unlearned/[^/]+/split\d+/train\d+/[^/]+~[0-9a-f]{8}/seed\d+",
    "evaluate": _GROUP + r"/unlearned/.+/evaluation",
    "compare": _GROUP + r"/unlearned/.+/comparison",
    "relearn": _GROUP + r"/unlearned/.+/relearning",
    "attack": _GROUP + r"/unlearned/.+/attacks/[^/]+",
    "aggregate": r"reports/[^/]+/results",
    "report": r"reports/[^/]+",
    "track": r"reports/[^/]+/tracking",
}


def dataset_key(dataset: dict[str, Any]) -> str:
    """Return what a dataset is called on disk: its name; a user's own folder also by the digest of its listing."""
    listing = dataset.get("listing")
    return f"{dataset['name']}~{short_digest([listing, dataset['side']])}" if listing else dataset["name"]


def data(dataset: dict[str, Any]) -> str:
    """Folder of a prepared dataset: what data.dvc locks."""
    return f"{DATA}/{dataset_key(dataset)}"


def prepared(dataset: dict[str, Any]) -> str:
    """Folder of the manifest and record of a dataset's preparation."""
    return f"{RUNS}/{dataset_key(dataset)}/prepared"


def split(dataset: dict[str, Any], scenario: str, split_seed: int) -> str:
    """Folder of the forget, retain, validation and test indices."""
    return f"{RUNS}/{dataset_key(dataset)}/split~{short_digest(dataset)}/{scenario}/split{split_seed}"


def group(training: dict[str, Any]) -> str:
    """Folder of everything that shares one training specification."""
    name = f"{training['architecture']['name']}-{training['recipe']['name']}~{short_digest(training)}"
    return f"{RUNS}/{dataset_key(training['dataset'])}/{name}"


def original(training: dict[str, Any], train_seed: int) -> str:
    """Folder of an original model."""
    return f"{group(training)}/original/train{train_seed}"


def retrained(training: dict[str, Any], scenario: str, split_seed: int, seed: int) -> str:
    """Folder of a retrained model: it does not depend on the original."""
    return f"{group(training)}/retrained/{scenario}/split{split_seed}/seed{seed}"


def pool(training: dict[str, Any], kind: str, of: str, first: int, last: int) -> str:
    """Folder of a block of a pool of shadow models; `of`: what the pool belongs to besides the training, or nothing."""
    return f"{group(training)}/pools/{kind}/{of + '/' if of else ''}{first}-{last}"


def state(training: dict[str, Any], kind: str, train_seed: int, where: tuple[str, int] | None = None) -> str:
    """Folder of what some methods need to know of training; `where`: scenario and split seed it depends on."""
    tail = f"-{where[0]}-split{where[1]}" if where else ""
    return f"{group(training)}/state/{kind}/train{train_seed}{tail}"


def row(
    training: dict[str, Any],
    scenario: str,
    seeds: tuple[int, int, int],
    name: str,
    digest: str | None,
) -> str:
    """Folder of one row's run: an unlearned model, or the evaluation of `original` and `retrain`."""
    train_seed, split_seed, method_seed = seeds
    label = f"{name}~{digest}" if digest else name
    return f"{group(training)}/unlearned/{scenario}/split{split_seed}/train{train_seed}/{label}/seed{method_seed}"


def evaluation(run: str) -> str:
    """Folder of the outputs and metrics of a run."""
    return f"{run}/evaluation"


def comparison(run: str) -> str:
    """Folder of how far a run lies from the original and from Retrain."""
    return f"{run}/comparison"


def relearning(run: str) -> str:
    """Folder of how fast a run learns the forget set again."""
    return f"{run}/relearning"


def attack(run: str, name: str) -> str:
    """Folder of one attack's result on a run."""
    return f"{run}/attacks/{name}"


def run_of(folder: str) -> str:
    """Return the run that what is measured on it belongs to; a run's own folder as it is."""
    own = folder.split("/attacks/")[0]
    for name in ("/evaluation", "/comparison", "/relearning"):
        own = own.removesuffix(name)
    return own


def report(study: str) -> str:
    """Folder that the user opens: index.html, tables, figures."""
    return f"{REPORTS}/{study}"


def results(study: str) -> str:
    """Folder of the tidy tables that report and tracking are made from."""
    return f"{REPORTS}/{study}/results"


def tracking(study: str) -> str:
    """Folder of what was logged to MLflow."""
    return f"{REPORTS}/{study}/tracking"


def checkpoint(folder: str) -> Path:
    """Folder of the resumable state of a running job, outside its declared outputs."""
    return Path(STATE) / "checkpoints" / folder


def log(folder: str) -> Path:
    """Log of the job that makes `folder`."""
    return Path("logs") / f"{folder}.log"


def state_dir() -> Path:
    """Return the project's cache folder, made on first use."""
    path = Path(os.environ.get("REUNLEARN_STATE", STATE))
    path.mkdir(parents=True, exist_ok=True)
    return path
