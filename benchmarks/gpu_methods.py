"""Methods on a GPU whose steps may be graphs: how many images a second, with graphs and without, and how far apart."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from gpu_setup import CLASSES, DEVICE, SHAPE, Figures, Sizes, network, now, recipe

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.training.precision import in_precision
from reunlearn.unlearning.methods.finetune import Finetune
from reunlearn.unlearning.methods.l1_sparse import L1Sparse
from reunlearn.unlearning.methods.nabla_tau import NablaTau
from reunlearn.unlearning.methods.neg_grad import NegGrad
from reunlearn.unlearning.methods.salun import SalUn
from reunlearn.unlearning.methods.scrub import SCRUB
from reunlearn.unlearning.registry import Method
from reunlearn.unlearning.task import Task

METHODS: dict[str, Method] = {
    "finetune": Finetune(epochs=1),
    "neg_grad": NegGrad(epochs=1),
    "l1_sparse": L1Sparse(epochs=1),
    "salun": SalUn(epochs=1),
    "scrub": SCRUB(epochs=1),
    "nabla_tau": NablaTau(epochs=1),
}


def methods(sizes: Sizes) -> Figures:
    """Return the rates of both ways, whether graphs were taken, and how far apart the weights are after an epoch."""
    found: Figures = {}
    for name, method in METHODS.items():
        if hasattr(method, "batch_size"):
            method = dataclasses.replace(method, batch_size=sizes.batch)  # type: ignore[type-var]
        entry: Figures = {}
        ends = []
        for asked in ("eager", "graphed"):
            model, task = network("resnet18", width=sizes.resnet), _task(sizes, asked)
            began = now()
            method.unlearn(model, task)
            images = sum(task.drawn().values())
            entry[asked] = task.engine | {"images_per_second": images / (now() - began)}
            ends.append([weights.detach().float() for weights in model.parameters()])
        entry["largest_difference"] = max(float((a - b).abs().max()) for a, b in zip(*ends, strict=True))
        found[name] = entry
    return found


def _task(sizes: Sizes, asked: str) -> Task:
    """Return a task on random images, in mixed precision: a tenth is forgotten."""
    count = sizes.images // 2
    rows = {"forget": slice(0, count // 10), "retain": slice(count // 10, count), "validation": slice(0, 64)}
    rng, middle = np.random.default_rng(0), (0.5,) * 3
    x_NCHW = rng.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    y_N, index_N = rng.integers(0, CLASSES, count), np.arange(count)
    augmentation = Augmentation(("crop", "flip"))
    sets = {
        name: ImageSamples(
            x_NCHW[part], y_N[part], index_N[part], middle, middle, augmentation=augmentation, device=DEVICE
        )
        for name, part in rows.items()
    }
    objective = in_precision(Classification(CLASSES), "mixed", torch.device(DEVICE))
    return Task(dict(sets), set(sets), objective, CLASSES, 0, recipe=recipe(sizes, engine=asked))
