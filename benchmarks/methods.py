"""What a method costs against the passes that it needs, and against the plain loop of released code: a line per method.

ResNet-18 of width 16 on random images of 32×32, float32, one thread, every method and reading that classification has.
Passes are counted while the method runs: samples that go forward with a gradient, and then backward, and samples that
go forward alone. Methods that go backward more than once per forward pass are listed in BACKWARD. The price of a pass
is measured before and after each method, on plain steps of the same batch size. A factor of 1 is a method that does
nothing but its passes; one that freezes a part of the network comes below 1; 0 says that no pass was counted.
Derivatives of derivatives (lur) and along directions (influence), products of inputs (the state of pgu), of gradients
with each other (ntk, influence) and of each with itself (fisher), and what is computed once (the bases of pgu) are no
passes here and show in the factor: `arithmetic` then says how long an operation takes against one of a plain step. The
last table (methods_against_loops.py) has plain loops: on few samples, times per sample compared.

    python benchmarks/methods.py [--only salun,ntk,layer_inputs,loops]
"""

from __future__ import annotations

import functools
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from history import Row, options, publish, show
from method_subjects import BATCH, CLASSES, SIZES, STATE, fastest, images, network, passes, samples, seconds
from methods_against_loops import against_loops
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from reunlearn.data.batches import Batch
from reunlearn.objectives.classification import Classification
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.methods import fill, holds, state_kinds
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import MethodSpec, RowSpec
from reunlearn.training.allocator import keep_large_blocks
from reunlearn.training.state.registry import StateRequest, write
from reunlearn.unlearning import registry
from reunlearn.unlearning.task import Task

RECIPE = Recipe(learning_rate=0.01, weight_decay=5e-4, epochs=1, batch_size=BATCH)
OBJECTIVE = Classification(CLASSES)
SHORT = {"epochs": 1, "steps": 8, "batch_size": BATCH, "passes": 1, "noise_steps": 3}
OWN: dict[str, dict[str, Any]] = {
    "ntk": {"retain_samples": 32},
    # its bases are computed once, for 100 epochs in the paper
    "pgu": {"epochs": 6, "stop": "best", "learning_rate": 1e-4},
    "erm_ktp": {"epochs": 1, "first_drop": 1, "second_drop": 1},
}
FEWER = {"ntk": 96}  # samples to forget: products of its kernel grow with their square, passes do not
MOST, QUICK = 1.3, "finetune"
BACKWARD = {"fisher": CLASSES - 1, "ntk": CLASSES}  # per forward pass


def step_of(batch: Batch) -> Callable[[], None]:
    """Return a plain step."""
    model = network(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    draw = OBJECTIVE.draw(batch, torch.Generator())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        OBJECTIVE.loss(model, batch, draw).backward()
        optimizer.step()

    return step


def prices(batch: Batch) -> tuple[float, float]:
    """Return the seconds per sample of a plain step, and of a forward pass alone."""
    model = network(0)
    draw = OBJECTIVE.draw(batch, torch.Generator())

    def look() -> None:
        with torch.no_grad():
            OBJECTIVE.loss(model, batch, draw)

    return fastest(step_of(batch), 4) / len(batch), fastest(look, 4) / len(batch)


def measured(name: str, batch: Batch, ready: Callable[[], Callable[[], object]]) -> dict[str, float]:
    """Return what a run took, and what its passes take: prices are the mean of before and after.

    `ready` returns the run, with all that it changes made anew. One that takes longer than its passes runs again, its
    operations counted: `arithmetic` is its time per operation, where 1 is that of a plain step.
    """
    run = ready()
    before = prices(batch)
    passes.update(backward=0, forward=0)
    taken = seconds(run)
    counted = dict(passes)
    step, look = (statistics.mean(pair) for pair in zip(before, prices(batch), strict=True))
    needed = counted["forward"] * look
    needed += counted["backward"] * (look + BACKWARD.get(name, 1) * (step - look))
    factor = taken / needed if needed else 0.0
    line = {"factor": factor, "seconds": taken, "passes": needed, **counted}
    if factor > MOST:
        plain = operations(step_of(batch)) / len(batch)
        line["arithmetic"] = (taken / operations(ready())) / (step / plain)
    return line


def operations(run: Callable[[], object]) -> float:
    """Return the floating-point operations of a run: of its convolutions and matrix products, of all orders."""
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def method(name: str, reading: str | None, folder: Path) -> Callable[[], object]:
    """Return a run of a method."""
    card = registry.card(name)
    short = {key: value for key, value in SHORT.items() if key in card.hyperparameters}
    settings = fill(card, reading, {**short, **OWN.get(name, {})})
    sets: dict[str, Any] = dict(images())
    sets["forget"] = samples(np.arange(FEWER.get(name, SIZES["forget"])))
    kind = (card.scenarios or ("random",))[0]
    scenario = read_scenario({"kind": kind, **({"classes": [0]} if kind == "class" else {"fraction": 0.2})})
    result = functools.partial(network, name=card.network)
    states = {kind: state(kind, folder, result) for kind in state_kinds(card, settings)}
    declared = {s for s in (*sets, "true_labels") if holds(getattr(card.needs, s), settings)}
    labels = torch.cat([sets[part].take(slice(None)).y for part in SIZES])
    task = Task(
        sets, declared, OBJECTIVE, CLASSES, 0, recipe=RECIPE, state=states, fresh=network, result=result,
        true_labels=labels, scenario=scenario,
    )  # fmt: skip
    made = registry.make(MethodSpec(name=name, reading=reading, settings=settings))
    return functools.partial(made.unlearn, network(0), task)


def state(kind: str, folder: Path, result: Callable[[int], nn.Module]) -> Path:
    """Return the folder of a kind of training-time state, made if it is not there."""
    if not (folder / kind).exists():
        (folder / kind).mkdir()
        write(kind, request(folder / kind, result))
    return folder / kind


def moments(folder: Path) -> Callable[[], object]:
    """Return a run that makes PGU's training-time state of many samples."""
    target = Path(tempfile.mkdtemp(dir=folder))
    wanted = replace(request(target, network), samples=samples(np.arange(STATE)))
    return functools.partial(write, "layer_inputs", wanted)


def request(folder: Path, result: Callable[[int], nn.Module]) -> StateRequest:
    """Return what a kind of state is made from."""
    forget = np.arange(SIZES["forget"])
    none = np.empty(0, dtype=np.int64)
    training = samples(np.arange(SIZES["forget"] + SIZES["retain"]))
    return StateRequest(folder, network(0), training, OBJECTIVE, RECIPE, 0, network, result, forget, none)


def against_passes(only: set[str]) -> list[Row]:
    """Return a figure for each method, and for the training-time state of PGU."""
    batch = images()["retain"].take(slice(0, BATCH))
    rows: list[Row] = []

    def note(name: str, line: dict[str, float]) -> None:
        details = {key: value for key, value in line.items() if key != "factor"}
        row = Row(
            f"{name}: time",
            line["factor"],
            "passes",
            wanted=MOST if line["factor"] else None,
            at_most=True,
            details=details,
        )
        show([row])  # at once: all of them take minutes
        rows.append(row)

    with tempfile.TemporaryDirectory() as folder:
        if not only or "layer_inputs" in only:
            note(
                "state layer_inputs",
                measured("layer_inputs", batch, functools.partial(moments, Path(folder))),
            )
        for name in plugin_names("methods"):
            card = registry.card(name)
            if "samples" in card.capabilities or (only and name not in only):
                continue
            for reading in card.readings or (None,):
                label = RowSpec(method=name, reading=reading).name
                note(label, measured(name, batch, functools.partial(method, name, reading, Path(folder))))
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="methods, layer_inputs, loops; separated by commas")
    asked = parser.parse_args(arguments)
    only = set(filter(None, (QUICK if asked.quick else asked.only).split(",")))
    torch.set_num_threads(1)
    keep_large_blocks()  # as jobs do
    rows = against_passes(only)
    if not only or "loops" in only:
        rows += against_loops()
    publish("methods", rows, asked.quick)


if __name__ == "__main__":
    main()
