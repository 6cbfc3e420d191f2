"""Second moments of the inputs of every convolution and linear layer, over the original's training set.

    C = Σ r rᵀ over all patches (convolutions) or inputs (linear layers), no entry for the bias

C is float64, a sum of float32 products (gradients/patch_moments.py): within 10⁻⁵ of its largest entry. Where there are
more patches than directions, the rank at PGU's thresholds is that of float64 products, on the networks of the tests.

PGU, Eq. 2. One pass over the augmented training set, the model in evaluation mode: the released code sets a
flag to leave Dropout active, without effect. Patches are taken at stride 1 and dilation 1 whatever the
layer's own are, as there. PGU keeps eigenvectors and eigenvalues; C holds the same and is what unlearning
subtracts from. A layer with D weights per output takes 8 · D² bytes.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from reunlearn.data.batches import Batch
from reunlearn.gradients.subspace import input_moments
from reunlearn.training.state.registry import FILE, StateRequest
from reunlearn.training.tensor_files import read_tensors, write_tensors

BATCH = 256  # of samples; only the order of summation depends on it


def write(request: StateRequest) -> None:
    """Write state.safetensors: {layer name: C [D, D]}."""
    model, objective = request.model.eval(), request.objective
    generator = torch.Generator().manual_seed(request.seed)

    def forward(batch: Batch) -> Tensor:
        return objective.loss(model, batch, objective.draw(batch, generator))

    moments = input_moments(model, request.samples.batches(BATCH, generator, augmented=True), forward)
    write_tensors(request.folder / FILE, moments)


def read(folder: Path) -> dict[str, Tensor]:
    """Return {layer name: C [D, D]}, float64, on the CPU."""
    return read_tensors(folder / FILE)
