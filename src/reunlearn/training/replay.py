"""Train the original once more, to see what was not kept: the same specification gives the same bits.

On another device it may not. Then the folder of the state also holds where this training ended, and how far from
the original that is: what was seen belongs to those weights, so unlearning starts from them.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from reunlearn.base.files import write_json
from reunlearn.training.loop import Around, train
from reunlearn.training.replayed import FACTS, WEIGHTS
from reunlearn.training.state.registry import StateRequest
from reunlearn.training.tensor_files import save_model


def replay(request: StateRequest, model: nn.Module, around: Around) -> dict[str, Any]:
    """Train `model`, fresh from `request.start(request.seed)`, as the original was; return facts for the record.

    Where it does not end in the original's very weights and buffers, replay.json and replayed.safetensors are written.

    Args:
        request: says how the original was trained, and what came of it.
        model: is trained in place.
        around: watches each step; see training.loop.train.
    """
    train(model, request.samples, request.objective, request.recipe, request.seed, around=around)
    facts = difference(model, request.model)
    if facts["replay_distance"] != 0:
        save_model(model, request.folder / WEIGHTS)
        write_json(request.folder / FACTS, {**facts, "device": str(request.samples.device)})
    return facts


def difference(model: nn.Module, other: nn.Module) -> dict[str, float]:
    """Return the Euclidean distance of all weights and buffers, and the largest single difference.

    Both are 0 if and only if all entries are equal; NaN equals NaN here, and next to a number it is infinitely far.
    """
    square, largest = 0.0, 0.0
    theirs = other.state_dict()
    for name, mine in model.state_dict().items():
        a, b = mine.double(), theirs[name].to(mine.device).double()
        apart = torch.where((a == b) | (a.isnan() & b.isnan()), 0.0, a - b)
        apart = apart.nan_to_num(nan=math.inf, posinf=math.inf, neginf=-math.inf)
        square += float(apart.square().sum())
        largest = max(largest, float(apart.abs().max()) if apart.numel() else 0.0)
    return {"replay_distance": max(math.sqrt(square), largest), "replay_largest": largest}
