"""The one place that names files.

Every folder below holds the outputs of one job: specification.json (written by the plan), manifest.json,
record.json and what the stage makes. `study.stages` says which folder belongs to which stage.
"""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.caches import STATE
from reunlearn.study.rows import Seeds
from reunlearn.study.specs import DatasetSpec, RowSpec, SamplingSpec, TrainingSpec

SPECIFICATION = "specification.json"
MANIFEST = "manifest.json"
RECORD = "record.json"
SERIES = "series.npz"  # of a run that logs numbers over time

DATA = "data"
RUNS = "runs"
REPORTS = "reports"


def data(dataset: DatasetSpec) -> str:
    """Folder of a prepared dataset: what data.dvc locks."""
    return f"{DATA}/{dataset.key}"


def prepared(dataset: DatasetSpec) -> str:
    """Folder of the manifest and record of a dataset's preparation."""
    return f"{RUNS}/{dataset.key}/prepared"


def data_of(prepared: str) -> str:
    """Folder of the data that a preparation made, by the folder of its manifest."""
    return f"{DATA}/{prepared.split('/')[1]}"


def split(dataset: DatasetSpec, scenario: str, split_seed: int) -> str:
    """Folder of the forget, retain, validation and test indices."""
    return f"{RUNS}/{dataset.key}/split~{dataset.short}/{scenario}/split{split_seed}"


def group(training: TrainingSpec) -> str:
    """Folder of everything that shares one training specification."""
    return (
        f"{RUNS}/{training.dataset.key}/{training.architecture.name}-{training.recipe.name}~{training.short}"
    )


def given(training: TrainingSpec, sha256: str) -> str:
    """Folder of a user's own model."""
    return f"{group(training)}/given/{sha256[:16]}"


def original(training: TrainingSpec, train_seed: int) -> str:
    """Folder of an original model."""
    return f"{group(training)}/original/train{train_seed}"


def retrained(training: TrainingSpec, scenario: str, split_seed: int, seed: int) -> str:
    """Folder of a retrained model: it does not depend on the original."""
    return f"{group(training)}/retrained/{scenario}/split{split_seed}/seed{seed}"


def pool(training: TrainingSpec, kind: str, place: str, first: int, last: int) -> str:
    """Folder of a block of a pool; `place`: what the pool belongs to besides the training, or nothing."""
    return f"{group(training)}/pools/{kind}/{place + '/' if place else ''}{first}-{last}"


def state(training: TrainingSpec, kind: str, train_seed: int, split: tuple[str, int] | None = None) -> str:
    """Folder of training-time state; `split`: scenario and split seed that it depends on."""
    tail = f"-{split[0]}-split{split[1]}" if split else ""
    return f"{group(training)}/state/{kind}/train{train_seed}{tail}"


def run(training: TrainingSpec, scenario: str, seeds: Seeds, row: RowSpec, digest: str | None = None) -> str:
    """Folder of one run: an unlearned model, or what is measured on a reference.

    `digest`: eight hex digits of the method's specification, or of a user's own weights.
    """
    name = f"{row.name}~{digest}" if digest else row.name
    place = f"unlearned/{scenario}/split{seeds.split}/train{seeds.train}"
    return f"{group(training)}/{place}/{name}/seed{seeds.method}"


def samples(model: str, sampling: SamplingSpec) -> str:
    """Folder of what a generator draws; `model`: folder of its weights."""
    return f"{model}/samples~{sampling.short}"


def probe(run: str) -> str:
    """Folder of what a model of a search answers without test data; `run`: see `run`."""
    return f"{run}/probe"


def choice(training: TrainingSpec, scenario: str, row: RowSpec, digest: str) -> str:
    """Folder of the choice among the trials of a row; `training`: without wrong labels, which differ between splits."""
    return f"{group(training)}/choices/{scenario}/{row.name}~{digest}"


def measured(run: str, measure: str, digest: str | None = None) -> str:
    """Folder of one measurement of a run.

    `digest`: eight hex digits of what it reads besides the run's own model, and of its settings, if there is such.
    """
    return f"{run}/measured/{measure}~{digest}" if digest else f"{run}/measured/{measure}"


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
    """Folder of the resumable state of a running job, outside its declared outputs, wherever these are."""
    return Path(STATE) / "checkpoints" / folder.lstrip("/")


def log(folder: str) -> Path:
    """Log of the job that makes `folder`."""
    return Path("logs") / f"{folder}.log"
