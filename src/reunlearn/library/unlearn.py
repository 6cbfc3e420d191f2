"""`reunlearn.unlearn`: a method on a model and data of the user's own: what a study's job does, without a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reunlearn.artifacts.stopwatch import Stopwatch
from reunlearn.data.tensors import Augment
from reunlearn.library import checks
from reunlearn.library import state as training_state
from reunlearn.library.naming import Asked, ask
from reunlearn.library.original import Fresh, classes_of, device_of, fresh_by, given_back, learning_copy
from reunlearn.library.result import Record, Unlearned
from reunlearn.library.samples import Pixels, objective_name, read_sets, samples_of, true_labels_of
from reunlearn.library.sets import Set
from reunlearn.objectives.registry import make
from reunlearn.stages import method_run as running
from reunlearn.stages.model_files import status
from reunlearn.study.cards import Value
from reunlearn.study.load import parse
from reunlearn.study.recipes import Recipe
from reunlearn.unlearning.task import AccessError


def unlearn(
    model: nn.Module,
    method: str,
    *,
    forget: Set,
    retain: Set | None = None,
    validation: Set | None = None,
    settings: Mapping[str, Value] | None = None,
    like: Mapping[str, str] | None = None,
    scenario: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    precision: Literal["full", "mixed"] | None = None,
    state: training_state.State | None = None,
    fresh: Fresh | None = None,
    true_labels: Tensor | Sequence[int] | None = None,
    augment: Augment | None = None,
    pixels: Pixels | None = None,
    log: Sequence[str] = (),
    seed: int = 0,
    device: str | torch.device | None = None,
) -> Unlearned:
    """Let a method unlearn a set of samples; the model given is not changed.

    A set is a map-style data set of (x, y), a pair (x, y) of tensors or arrays, or a DataLoader, of which only the data
    set is read, once and whole, in its own order: the method draws its own batches, of its own size. x [N, …] is what
    the network takes: floats, or token ids [N, L]; y [N] are class numbers from 0 on. Random changes that a data set
    makes itself are made once; those that should be new in each epoch belong into `augment`.

    A method sees the sets that it declares (`reunlearn.methods()`) and no others; reading another one is an error.

    On one device, with the same number of threads (and torch.use_deterministic_algorithms(True) on a GPU), the same
    arguments give the same bits: those of a study with the same model, sets in the same order, settings and seed.

    Args:
        model: a classifier: x [B, …] → logits [B, K].
        method: name, and where paper and released code differ the reading: `salun@code`.
        forget: the samples to unlearn.
        retain: the rest of the training set.
        validation: held-out samples.
        settings: hyper-parameters; what is left out has the value of the preset that fits, or else the default.
        like: {"dataset": …, "architecture": …, "recipe": …}, names as in config/presets: the study whose presets are
            wanted. Left out: only presets that hold for every data set.
        scenario: what is forgotten, as a study says it: {"kind": "class", "classes": [3]}.
        recipe: how the model was trained, for methods that read it: epochs, batch_size, learning_rate, weight_decay and
            the other fields of a recipe (config/README.md). Its fields on inputs change nothing here.
        precision: mixed: bfloat16 where the device has it, for methods that take optimizer steps; if None, the recipe's
            or full.
        state: training-time state by kind: a folder that the pipeline wrote, or a network for `initial_weights`.
        fresh: gives an untrained network, by seed; if None, copies of the model draw their weights anew.
        true_labels: of the forget set [N], where the model was taught wrong ones.
        augment: (x [B, …], CPU generator) → x [B, …], for the batches that methods augment.
        pixels: mean and standard deviation per channel by which x was normalised from [0, 1], for methods on pixels.
        log: of losses, lambda, conflicts, cosines: what is noted in the record's series.
        seed: of all draws.
        device: where to compute; where the model is if None.

    Raises:
        UserError: in one line, what does not fit and what to do.
    """
    asked = ask(method, settings, like, scenario)
    trained = parse(Recipe, dict(recipe), "recipe") if recipe is not None else None
    kept = state or {}
    making = training_state.check(running.kinds_of(asked.spec), kept, asked.who)
    checks.check_asked(asked, trained, log, precision)
    where = device_of(model, device)
    wanted = {"forget", *running.declared(asked.spec), *(("retain",) if making else ())}
    arrays = read_sets({"forget": forget, "retain": retain, "validation": validation}, wanted, asked.who)
    start = learning_copy(model, where)
    sets = samples_of(arrays, where, augment, pixels)
    objective = make(objective_name(arrays), classes := classes_of(start, arrays))
    checks.check_objective(asked, objective, model)
    untrained = fresh_by(model, fresh, where)
    original = running.Original(
        lambda: dict(sets),
        lambda: objective,
        classes,
        where,
        fresh=untrained,
        result=untrained,
        true_labels=true_labels_of(arrays, true_labels).to(where),
        recipe=trained,
        precision=precision or (trained.precision if trained else "full"),
    )
    with training_state.folders(asked.spec, kept, start, sets, objective) as found:
        made, record = _run(start, asked, original, found, log=log, seed=seed)
    return Unlearned(given_back(made, model), record)


def _run(
    start: nn.Module,
    asked: Asked,
    original: running.Original,
    state: dict[str, Path],
    *,
    log: Sequence[str],
    seed: int,
) -> tuple[nn.Module, Record]:
    """Return what the method makes of `start`, which it may change, and the record."""
    history: list[dict[str, Any]] = []
    watch, series = Stopwatch(), running.series_of(original, log, start)
    task = running.task_of(
        original,
        asked.spec,
        asked.scenario,
        seed,
        state=state,
        carried={},
        log=history.append,
        series=series,
    )
    running.wait_for(original.device)
    with watch.section("run"):
        try:
            made = running.forget(start, asked.spec, task, seed)
        except (AccessError, ValueError) as error:
            raise checks.explained(error, asked.who) from error
        running.wait_for(original.device)
    drawn = task.drawn()
    record = Record(
        method=asked.spec.name,
        reading=asked.spec.reading,
        settings=asked.spec.settings,
        preset=asked.preset.source if asked.preset else None,
        seed=seed,
        device=original.device,
        precision=running.precision_of(original, asked.spec),
        status=status(made, history),
        seconds=watch.seconds["run"] - series.seconds,
        sizes={name: len(samples) for name, samples in original.sets().items() if name in drawn},
        drawn=drawn,
        history=tuple(history),
        series=series.arrays(),
    )
    return made, record
