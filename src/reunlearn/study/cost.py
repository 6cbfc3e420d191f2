"""What a job is expected to take, from numbers that were measured: `calibration.json`, shipped with its provenance.

    seconds = set-up + models · samples · share · (step / batch + sample)

`samples`: rounds · (a · forget + b · retain) + c · (forget + retain + held out), where a, b and c belong to the kind of
work (a method's are fitted to the samples that its records say it drew; some have one round whatever they are told);
`share`: what a sample of that work takes,
measured in samples of plain training; `step` and `sample`: what a step and a sample of plain training take on that
network and image size.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from reunlearn.study.cards import Catalogue, Value
from reunlearn.study.specs import TrainingSpec
from reunlearn.study.work import Work

SHIPPED = Path(__file__).with_name("calibration.json")
CONFIG = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Network:
    """What tells apart networks that cost differently: name, all settings, side of images or length of texts."""

    name: str
    settings: tuple[tuple[str, Value], ...]
    side: int


class Unit(BaseModel):
    """What plain training takes on one network and one size of inputs, on one thread or one GPU.

    Attributes:
        network: name.
        settings: of it, such as width.
        side: height and width of the images; length of the texts.
        device: cpu or cuda.
        step_ms: of a step, whatever its batch.
        sample_ms: of a sample forward, backward and in the optimizer.
        forward_ms: of a sample forward alone.
        parameters: of the network.
        measured: on what, when, how.
    """

    model_config = CONFIG

    network: str
    settings: dict[str, Value]
    side: int
    device: str
    step_ms: float
    sample_ms: float
    forward_ms: float
    parameters: int
    measured: str

    @property
    def of(self) -> Network:
        """The network that was measured."""
        return Network(self.network, tuple(sorted(self.settings.items())), self.side)


class Kind(BaseModel):
    """A kind of work: which samples it takes, and what one takes.

    Attributes:
        forget, retain: samples per round and sample of these sets.
        once: whether the rounds of its settings change nothing.
        every: samples per sample of all sets, once.
        share: of what a sample of plain training takes.
        own_ms: of a sample, where the network does not matter; None where it does.
        setup: seconds.
        records: how many it was fitted to.
    """

    model_config = CONFIG

    forget: float = 0.0
    retain: float = 0.0
    once: bool = False
    every: float = 0.0
    share: float = 1.0
    own_ms: float | None = None
    setup: float = 0.0
    records: int = 0

    def samples(self, work: Work) -> float:
        """Return the samples of a job."""
        forget, retain, held = work.sets
        rounds = 1.0 if self.once else work.rounds
        return rounds * (self.forget * forget + self.retain * retain) + self.every * (forget + retain + held)


class Calibration(BaseModel):
    """All that was measured.

    Attributes:
        provenance: where it comes from, in words.
        errors: how far predictions are from what was measured, by source, fitted without its dataset.
        units: what plain training takes on each network.
        kinds: what each kind of work takes.
    """

    model_config = CONFIG

    provenance: dict[str, str] = {}
    errors: dict[str, str] = {}
    units: tuple[Unit, ...]
    kinds: dict[str, Kind]


@dataclass(frozen=True)
class Cost:
    """What a job is expected to take. `extrapolated`: from a network of another size than was measured."""

    seconds: float
    extrapolated: bool


@functools.cache
def shipped() -> Calibration:
    """Return the calibration that comes with this package."""
    return Calibration.model_validate(json.loads(SHIPPED.read_text(encoding="utf-8")))


def network_of(training: TrainingSpec, cards: Catalogue) -> Network:
    """Return the network of a training."""
    own, card = training.architecture, cards.datasets[training.dataset.name]
    known = {} if own.file else cards.models[own.name].settings
    settings = {**known, **own.settings}
    settings.pop("pretrained", None)
    side = training.recipe.resize or training.dataset.side or card.shape[-1]
    if card.modality == "text":
        side = card.shape[0]
    return Network(own.key, tuple(sorted(settings.items())), side)


def predict(work: Work, network: Network, device: str, calibration: Calibration) -> Cost | None:
    """Return what a job is expected to take; None where neither its network nor its work were ever measured.

    Args:
        work: what it computes.
        network: that it computes with.
        device: cpu or cuda.
        calibration: what was measured.
    """
    kind = calibration.kinds.get(work.key)
    if kind is not None and kind.own_ms is not None:
        return Cost(kind.setup + kind.samples(work) * kind.own_ms / 1000, False)
    unit = unit_of(network, device, calibration.units)
    if unit is None or kind is None:
        return None
    milliseconds = unit.step_ms / max(work.batch, 1) + unit.sample_ms
    seconds = kind.setup + work.models * kind.samples(work) * kind.share * milliseconds / 1000
    return Cost(seconds, unit.of != network)


def unit_of(network: Network, device: str, units: Sequence[Unit]) -> Unit | None:
    """Return the unit of a network; else that of the nearest width and side, scaled by the squares of both."""
    same = [unit for unit in units if unit.network == network.name and unit.device == device]
    if not same:
        return None
    nearest = min(same, key=lambda unit: (unit.of != network, abs(math.log(_ratio(network, unit)))))
    if nearest.of == network:
        return nearest
    scale = _ratio(network, nearest)
    changes = {"sample_ms": nearest.sample_ms * scale, "forward_ms": nearest.forward_ms * scale}
    return nearest.model_copy(update=changes)


def _ratio(network: Network, unit: Unit) -> float:
    """Return how many times as much a sample takes: computation grows with the squares of width and side."""
    ratio = (network.side / unit.side) ** 2
    wide, known = dict(network.settings).get("width"), unit.settings.get("width")
    if isinstance(wide, int | float) and isinstance(known, int | float):
        ratio *= (wide / known) ** 2
    return ratio


def parameters_of(network: Network, units: Sequence[Unit]) -> int | None:
    """Return the number of a network's parameters, if just this network was measured."""
    return next((unit.parameters for unit in units if unit.of == network), None)
