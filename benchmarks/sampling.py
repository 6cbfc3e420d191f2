"""Samples of a small DDPM with guidance, its two predictions in one pass against one pass each: CPU seconds.

The U-Net of quickstart-generation, DDIM, one thread, evaluation mode. The two sides give the same images up to
rounding; they take turns.

    python benchmarks/sampling.py [--quick]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from history import Row, options, publish
from torch import Tensor, nn
from turns import cpu_seconds

from reunlearn.models.registry import build
from reunlearn.objectives._sampling import Sampler, sample
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.allocator import keep_large_blocks

CLASSES, SHAPE = 10, (1, 8, 8)
UNET = {"width": 16, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}
BATCHES, STEPS, TURNS = (8, 32, 100), 20, 3


@dataclass(frozen=True)
class OneEach(NoisePrediction):
    """Noise prediction whose guidance takes a pass for the class and another one for no class."""

    def predict(self, model: nn.Module, x_t: Tensor, timestep_B: Tensor, label_B: Tensor) -> Tensor:
        """Return the guided prediction."""
        given = model(x_t, timestep_B, label_B)
        null = model(x_t, timestep_B, torch.full_like(label_B, self.null))
        return (1 + self.guidance) * given - self.guidance * null


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    keep_large_blocks()
    sampler = Sampler(SHAPE, 2 if asked.quick else STEPS, guidance=2.0)
    model = build(ArchitectureSpec(name="ddpm_unet", settings=UNET), SHAPE, CLASSES, 0).eval()
    rows = []
    for size in BATCHES[: 1 if asked.quick else None]:
        labels = torch.arange(size) % CLASSES

        def drawn(objective: NoisePrediction, labels: Tensor = labels) -> Tensor:
            generators = [torch.Generator().manual_seed(number) for number in range(len(labels))]
            return sample(objective, model, labels, generators, sampler)

        one, two = NoisePrediction(CLASSES, guidance=2.0), OneEach(CLASSES, guidance=2.0)
        torch.testing.assert_close(drawn(one), drawn(two), rtol=0, atol=1e-3)
        works = {"one pass": lambda d=drawn, o=one: d(o), "two passes": lambda d=drawn, o=two: d(o)}
        found = cpu_seconds(works, 1 if asked.quick else TURNS)
        details = {"images a CPU second": size / found.median("one pass"), "steps": sampler.steps}
        ratio = found.ratio("two passes", "one pass")
        rows.append(Row(f"batches of {size}: one pass against two", ratio, details=details))
    publish("sampling", rows, asked.quick)


if __name__ == "__main__":
    main()
