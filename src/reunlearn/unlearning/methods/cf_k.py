"""CF-k, catastrophic forgetting of the last k layers: fine-tune only these on the retain set.

    θ_last ← θ_last − η clip(∇CE(θ; retain batch)),   all layers before do not change

Goel et al. 2022. Sees: retain. unlearning/last_layers.py says which layers are the last. Released: SGD with
momentum 0.9, weight decay 5e-5, gradient norm clipped at 10, batches of 64, 62 epochs, learning rate 0.1 to
0.005 by cosine with warm restarts after 1, 3, 7, 15 and 31 epochs. SCRUB's repository unfreezes the last residual
block instead, without the linear layer, and runs 10 epochs of plain SGD at 0.01.

The released loop keeps frozen layers in training mode: their BatchNorm normalises by the batch and its
statistics follow the retain set (`frozen_bn_mode: train`). Here they do not change, by default.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from reunlearn.unlearning.declarations import Needs, hyper
from reunlearn.unlearning.last_layers import LastLayers
from reunlearn.unlearning.registry import method
from reunlearn.unlearning.task import Task


@method(paper="Goel et al. 2022 (CF-k)", needs=Needs(retain=True), logs=("losses",))
@dataclass(frozen=True)
class CFk(LastLayers):
    """Fine-tune the last k layers on the retain set."""

    epochs: int = hyper(62, "passes over the retain set (released 62; SCRUB's repository 10)", ge=0)

    def unlearn(self, model: nn.Module, task: Task) -> nn.Module:
        """Return the model after `epochs` passes over the retain set."""
        self.train_last(model, task)
        return model
