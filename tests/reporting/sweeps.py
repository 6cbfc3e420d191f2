"""A study for figures over settings, sizes, steps, budgets and time: finished run folders without any training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.arrays import write_arrays
from reunlearn.measures.registry import Measured
from reunlearn.study import paths
from reunlearn.study.cards import Value
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import NOISE_FLOOR, ORIGINAL, RETRAIN, MethodSpec, RowSpec, RunSpec
from tests.reporting import cards, synthetic
from tests.reporting.jobs import finish, finish_measure

GDR: dict[str, Value] = {"gamma": 100.0, "epsilon": 0.02, "adapt": True}
TAU: dict[str, Value] = {"alpha": 0.05, "alpha_scaled": False}
Rows = dict[RowSpec, dict[str, Value]]


def _row(method: str, reading: Any = None, label: str | None = None) -> RowSpec:
    return RowSpec(method=method, reading=reading, label=label)


SETTINGS: Rows = {
    _row("gdr_gma", "paper"): GDR,
    _row("gdr_gma", "paper", "g10"): {**GDR, "gamma": 10.0},
    _row("gdr_gma", "paper", "e0.1"): {**GDR, "epsilon": 0.1},
    _row("nabla_tau"): TAU,
    _row("nabla_tau", None, "a0.5"): {**TAU, "alpha": 0.5},
    _row("finetune"): {},
}
PLAIN: Rows = {_row("finetune"): {}, _row("pgu"): {}}
EXPERIMENTS: dict[str, tuple[dict[str, Any], Rows, int]] = {  # scenario, rows, samples to forget
    "size-10": ({"kind": "random", "fraction": 0.1}, SETTINGS, 30),
    "size-30": ({"kind": "random", "fraction": 0.3}, SETTINGS, 90),
    "flip-20": ({"kind": "label_flip", "count": 2}, PLAIN, 20),
    "flip-60": ({"kind": "label_flip", "count": 6}, PLAIN, 60),
    "step-1": ({"kind": "first", "count": 6, "steps": 2, "step": 1}, PLAIN, 30),
    "step-2": ({"kind": "first", "count": 6, "steps": 2, "step": 2}, PLAIN, 30),
    "class": ({"kind": "class", "classes": [3]}, PLAIN, 60),
}
REFERENCES = (RETRAIN, NOISE_FLOOR, ORIGINAL)
ATTACK = "loss_logistic_cv"
CARDS = cards.catalogue(
    [cards.method(name) for name in ("finetune", "pgu", "nabla_tau")]
    + [cards.method("gdr_gma", **cards.GDR_GMA)],
    [cards.measure("evaluation"), cards.attack(ATTACK, "MIA loss", "points")],
)
EPOCHS, STEPS = 3, 900
SERIES = {
    "forget_loss": STEPS,
    "retain_loss": STEPS,
    "lambda": STEPS,
    "conflict_forget_retain": EPOCHS,
    "conflict_retain_others": EPOCHS,
    "conflict_forget_others": EPOCHS,
    "cosine": EPOCHS,
    "cosine_low": EPOCHS,
    "cosine_high": EPOCHS,
}


def make() -> synthetic.Made:
    """Write the run folders below the current directory, aggregate them, and read what was gathered."""
    made = study()
    runs = [_write(e, row, seed) for e in made.experiments for seed in (0, 1) for row in _rows(e)]
    return synthetic.read(made, synthetic.gather(made.name, runs), CARDS)


def study() -> Study:
    """Return the study as the plan hands it to the report."""
    base = synthetic.study().experiments[0].model_dump(mode="json", exclude={"methods", "attacks", "shadows"})
    experiments = [
        {
            **base,
            "name": name,
            "scenario": scenario,
            "seeds": [0, 1],
            "attacks": [ATTACK],
            "methods": [row.model_dump(by_alias=True) | {"name": row.method} for row in rows],
        }
        for name, (scenario, rows, _) in EXPERIMENTS.items()
    ]
    for experiment in experiments:
        for method in experiment["methods"]:
            del method["method"]
    return Study.model_validate({"name": "sweeps", "title": "Sweeps", "experiments": experiments})


def _rows(experiment: Experiment) -> list[RowSpec]:
    return [*REFERENCES, *EXPERIMENTS[experiment.name][1]]


def _write(experiment: Experiment, row: RowSpec, seed: int) -> RunSpec:
    _, rows, forget = EXPERIMENTS[experiment.name]
    run = synthetic.run_of(experiment, row, seed)
    if row in rows:
        run = run.changed(method=MethodSpec(name=row.method, reading=row.reading, settings=rows[row]))
    folder = paths.run(run.training, experiment.name, run.seeds, row)
    run = run.changed(
        measured={name: paths.measured(folder, name) for name in ("evaluation", ATTACK)}, state=()
    )
    draw = np.random.default_rng(synthetic.hash_of(f"{experiment.name} {row.name} {seed}"))
    finish(run.model, "unlearn", seconds=draw.uniform(1, 2), status="finished")
    finish_measure(run.measured["evaluation"], _evaluation(draw, experiment, forget))
    finish_measure(run.measured[ATTACK], Measured({ATTACK: draw.uniform(0, 10)}))
    if row in rows:
        write_arrays(Path(run.model) / paths.SERIES, _series(draw))
    return run


def _evaluation(draw: np.random.Generator, experiment: Experiment, forget: int) -> Measured:
    outputs = synthetic._outputs(draw, draw.uniform(-2, 5), bad=False)
    if experiment.scenario.kind == "class":
        outputs.labels["forget"][:] = 3
        outputs.labels["retain"][outputs.labels["retain"] == 3] = 4
    measured = synthetic._evaluation(outputs, "finished")
    sizes = {"size_forget": forget, "size_retain": synthetic.TRAIN - forget}
    return dataclasses.replace(measured, numbers={**measured.numbers, **sizes})


def _series(draw: np.random.Generator) -> dict[str, np.ndarray]:
    arrays = {}
    for name, length in SERIES.items():
        arrays[f"{name}.step"] = np.arange(1, length + 1, dtype=np.int32)
        arrays[f"{name}.value"] = draw.uniform(0, 1, length).astype(np.float32)
    return arrays
