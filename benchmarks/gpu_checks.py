"""Whether a GPU computes what it should: engines against each other, draws, a training that is interrupted."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import torch
from gpu_setup import CLASSES, Figures, Sizes, epochs, images, network, recipe

from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.training.engines.choose import choose
from reunlearn.training.loop import train


def check(sizes: Sizes) -> Figures:
    """Compare engines on small networks: the losses of two epochs, how far apart the weights end, other equalities."""
    samples, found = images(10 * sizes.batch + 7), Figures()
    changes: dict[str, Figures] = {
        "sgd": {},
        "nesterov, per step": {"nesterov": True, "schedule": "cosine", "schedule_per": "step"},
        "adam": {"optimizer": "adam", "learning_rate": 1e-3},
        "adamw": {"optimizer": "adamw", "learning_rate": 1e-3},
        "clipped, averaged": {"clip": 0.5, "average": 0.9},
        "mixed": {"precision": "mixed"},
    }
    for name, change in list(changes.items())[: sizes.checks]:
        for kind in ("resnet18", "small_vgg"):  # the second one has dropout
            ends: dict[str, list[torch.Tensor]] = {}
            entry: Figures = {}
            for asked in ("eager", "graphed"):
                wanted, model = recipe(sizes, **change, engine=asked), network(kind, width=8)
                choice = choose(model, samples, Classification(CLASSES), wanted)
                entry[asked] = choice.facts | epochs([model], samples, wanted, choice.engine)
                ends[asked] = [weights.detach().float() for weights in model.parameters()]
            pairs = zip(ends["eager"], ends["graphed"], strict=True)
            entry["largest_difference"] = max(float((a - b).abs().max()) for a, b in pairs)
            found[f"{kind}, {name}"] = entry
    found["equal"] = {
        "images drawn ahead and on the CPU, largest difference": _drawn_ahead(samples, sizes),
        "resumed and uninterrupted, largest difference": _resumed(samples, sizes),
    }
    return found


def _drawn_ahead(samples: ImageSamples, sizes: Sizes) -> float:
    """Return how far a pass that is drawn ahead for the device is from one that is drawn batch by batch on a CPU."""
    generators = [torch.Generator().manual_seed(1) for _ in range(2)]
    mine = torch.cat([batch.x.cpu() for batch in samples.batches_ahead(sizes.batch, generators[0])])
    other = images(len(samples), device="cpu").batches(
        sizes.batch, generators[1], shuffle=True, augmented=True
    )
    return float((mine - torch.cat([batch.x for batch in other])).abs().max())


def _resumed(samples: ImageSamples, sizes: Sizes) -> float:
    """Return how far a training that was interrupted and went on ends from one that was not; 0 is wanted."""

    class _KilledError(Exception):
        pass

    def die(numbers: Figures, _: int) -> None:
        if numbers["epoch"] == 2:
            raise _KilledError

    wanted, objective, ends = recipe(sizes, epochs=3, engine="graphed"), Classification(CLASSES), []
    with tempfile.TemporaryDirectory() as folder:
        for interrupted in (False, True):
            kept: Figures = {"checkpoints": Path(folder), "seconds_between": 0} if interrupted else {}
            if interrupted:
                with contextlib.suppress(_KilledError):
                    train(network("resnet18", width=8), samples, objective, wanted, 0, progress=die, **kept)
            model = network("resnet18", width=8)
            train(model, samples, objective, wanted, 0, **kept)
            ends.append(model)
    pairs = zip(ends[0].parameters(), ends[1].parameters(), strict=True)
    return max(float((a - b).detach().abs().max()) for a, b in pairs)
