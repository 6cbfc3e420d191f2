"""What `reunlearn.unlearn` returns: the model, and how it came to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from reunlearn.study.cards import Reading, Value


@dataclass(frozen=True)
class Record:
    """How an unlearning went.

    Attributes:
        method, reading: what was run.
        settings: every hyper-parameter.
        preset: the source of the preset that settings were taken from; None: the defaults of the method.
        seed: of the method's draws.
        device, precision: that it computed on and in.
        status: finished; diverged, where a weight or the last logged number is not finite.
        seconds: that the method took, without reading data.
        sizes: samples of each set that it may see.
        drawn: samples that it took of each of these, counted with repeats.
        history: what the method logged: an entry per step or epoch.
        series: NAME.step [N] and NAME.value [N] of what `log` asked for.
    """

    method: str
    reading: Reading | None
    settings: Mapping[str, Value]
    preset: str | None
    seed: int
    device: str
    precision: str
    status: str
    seconds: float
    sizes: Mapping[str, int]
    drawn: Mapping[str, int]
    history: tuple[Mapping[str, Any], ...]
    series: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Unlearned:
    """The unlearned model, a copy of the one that was given, and its record."""

    model: nn.Module
    record: Record
