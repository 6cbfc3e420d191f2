"""One run of a method of ours on a tiny float64 U-Net, with every draw that a reference needs to repeat it."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.models.registry import build
from reunlearn.objectives.noise_prediction import Draw, NoisePrediction
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.task import Task
from tests.fidelity.generators.references.common import Named
from tests.fidelity.harness import declared_needs
from tests.unlearning.making import make

CLASSES, SHAPE, TIMESTEPS = 3, (1, 8, 8), 20
FORGOTTEN = 1
UNET = {"width": 8, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}
WITHIN = 1e-9  # of the largest change of a weight


class DoubleSamples(Samples):
    """Images in float64."""

    def __init__(self, x: Tensor, y: np.ndarray, index: np.ndarray) -> None:
        super().__init__(y, index)
        self.x = x

    @property
    def places(self) -> int:
        """Of an image."""
        return 64

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return x of some rows."""
        return self.x[rows]


@dataclass(frozen=True)
class Recorded(NoisePrediction):
    """The objective, which notes each draw in `notes`: (guidance, batch, draw)."""

    notes: list[tuple[float, Batch, Draw]] = field(default_factory=list, compare=False)

    def draw(self, batch: Batch, generator: torch.Generator, labels: Tensor | None = None) -> Draw:
        """Return the draw."""
        draw = super().draw(batch, generator, labels)
        self.notes.append((self.guidance, batch, draw))
        return draw


@dataclass
class Run:
    """A method, the network before and after it, and its draws in order; those of masks are guided."""

    method: Any
    before: nn.Module
    after: nn.Module
    objective: Recorded

    @property
    def kept(self) -> Tensor:
        """ᾱ."""
        return self.objective.kept

    @property
    def mask_draws(self) -> list[Any]:
        """Draws that masks are made from, in the reference's form."""
        return [plain(batch, draw) for guidance, batch, draw in self.objective.notes if guidance]

    @property
    def step_draws(self) -> list[tuple[Batch, Draw]]:
        """Draws of steps."""
        return [(batch, draw) for guidance, batch, draw in self.objective.notes if not guidance]


def plain(batch: Batch, draw: Draw, rows: slice = slice(None)) -> Any:
    """Return (x0, noise, t, y) of some rows."""
    return batch.x[rows], draw.noise[rows], draw.timestep[rows], draw.label[rows]


@functools.cache
def original() -> nn.Module:
    """Return the U-Net before it forgets, its weights taken a little away from their first values."""
    model = build(ArchitectureSpec(name="ddpm_unet", settings=UNET), SHAPE, CLASSES, seed=0).double()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    return model


def sets() -> dict[str, Samples]:
    """Return 6 images of the forgotten class and 11 of the others."""
    generator = torch.Generator().manual_seed(1)
    found: dict[str, Samples] = {}
    for name, labels, first in (("forget", [FORGOTTEN] * 6, 0), ("retain", [0, 2] * 5 + [0], 6)):
        y = np.array(labels)
        x = torch.randn((len(y), *SHAPE), generator=generator, dtype=torch.float64).clamp(-1, 1)
        found[name] = DoubleSamples(x, y, np.arange(first, first + len(y)))
    return found


def run(row: str, settings: dict[str, Any], **objective: Any) -> Run:
    """Run a method; `row`: as in tables, the method with its reading."""
    name, _, reading = row.partition("@")
    method = make(name, reading or None, {"optimizer": "adam", "weight_decay": 0.0, **settings})
    recorded = Recorded(CLASSES, **{"timesteps": TIMESTEPS, "label_drop": 0.0, "beta_end": 0.2, **objective})
    scenario = read_scenario({"kind": "class", "classes": [FORGOTTEN]})
    task = Task(sets(), declared_needs(name, method), recorded, CLASSES, 0, scenario=scenario)
    after = method.unlearn(copy.deepcopy(original()), task)
    return Run(method, original(), after, recorded)


def assert_equal(ours: Run, expected: Named) -> None:
    """Refuse weights that differ by more than WITHIN of the largest change."""
    before, after = ours.before.state_dict(), ours.after.state_dict()
    assert after.keys() == expected.keys()
    # attention does not depend on the bias of its keys: Adam makes steps of the rounding in its gradient
    after = {name: weight for name, weight in after.items() if not name.endswith("to_k.bias")}
    change = max(float((after[n] - before[n]).abs().max()) for n in after)
    difference = max(float((after[n] - expected[n]).abs().max()) for n in after)
    assert change > 1e-6, "the run changed nothing"
    assert difference <= WITHIN * change, f"differs by {difference / change:.1e} of the change"
