"""The masked training of ERM-KTP against a slow loop, and what it promises of its mask."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from reunlearn.models.registry import build
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.state import entangled
from tests.training.state.requests import request
from tests.unlearning.methods.double_precision import CLASSES, assert_same, distance, make_samples

SETTINGS = {"learning_rate": 0.3, "weight_decay": 0.01, "momentum": 0.8, "epochs": 6, "batch_size": 7}


def network(seed: int) -> nn.Module:
    architecture = ArchitectureSpec(name="masked", settings={"body": "small_cnn", "width": 2})
    return build(architecture, (2, 4, 4), CLASSES, seed).double()


def trained(folder: Path, **settings) -> tuple[nn.Module, dict]:
    recipe = Recipe(**(SETTINGS | settings))
    wanted = request(folder, network(9), make_samples(20, seed=1), CLASSES, 4, result=network, recipe=recipe)
    facts = entangled.write(wanted)
    return entangled.read_into(network(0), folder), facts


def regulariser(mask: Tensor) -> Tensor:
    size = sum(abs(entry) for row in mask for entry in row) - 0.1 * mask.numel()
    columns = list(mask.T)
    pairs = [(i, j) for i in range(len(columns)) for j in range(i + 1, len(columns))]
    overlap = sum(sum(a * b for a, b in zip(columns[i], columns[j], strict=True)) for i, j in pairs)
    return 1e-3 * (torch.clamp(size, min=0) + 0.1 * overlap)


def in_order(mask: Tensor) -> Tensor:
    rows = []
    for row in mask:
        largest = max(row)
        rows.append(torch.stack([min(max(e / largest if largest > 0 else e, 0 * e), 0 * e + 1) for e in row]))
    return torch.stack(rows)


def reference(masked_epochs: tuple[int, ...] = (2, 5), order: bool = True, weight: float = 1.0) -> nn.Module:
    """Return the network after 6 epochs by plain loops."""
    model = network(4).train()
    generator = torch.Generator().manual_seed(4)
    velocity: dict[str, Tensor] = {}
    for epoch in range(6):
        for batch in make_samples(20, seed=1).batches(7, generator, shuffle=True, augmented=True):
            maps = model.body.features(batch.x)
            if epoch in masked_epochs:
                seen = [f * model.mask[:, y].reshape(-1, 1, 1) for f, y in zip(maps, batch.y, strict=True)]
                maps = torch.stack(seen)
            p = torch.softmax(model.body.head(maps.mean(dim=(2, 3))), dim=1)
            loss = -torch.stack([p[i, y].log() for i, y in enumerate(batch.y)]).mean()
            if epoch in masked_epochs:
                loss = loss + weight * regulariser(model.mask)
            model.zero_grad(set_to_none=True)
            loss.backward()
            with torch.no_grad():
                for name, p in model.named_parameters():
                    if p.grad is not None:
                        push = p.grad + 0.01 * p
                        velocity[name] = 0.8 * velocity[name] + push if name in velocity else push
                        p -= 0.3 * velocity[name]
                if order:
                    model.mask.copy_(in_order(model.mask))
    return model


def test_equals_the_slow_loop(tmp_path: Path) -> None:
    model, _ = trained(tmp_path)
    assert_same(model, reference())
    for other in ({"masked_epochs": (0, 3)}, {"order": False}, {"weight": 0.0}):
        assert distance(model, reference(**other)) > 1e-6, other


def test_the_mask_stays_within_its_bounds_and_is_told_of(tmp_path: Path) -> None:
    model, facts = trained(tmp_path)
    mask = model.mask.detach()
    assert 0 <= float(mask.min()) < 1
    assert torch.equal(mask.amax(dim=1), torch.ones(len(mask)).double())
    assert facts["entangled_mask_zeros"] == float((mask == 0).double().mean())
    assert facts["entangled_loss"] > 0


def test_ordinary_epochs_do_not_move_the_mask(tmp_path: Path) -> None:
    masks = [trained(tmp_path / str(n), epochs=n)[0].mask for n in (1, 2, 3, 4)]
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[1], masks[2])
    assert torch.equal(masks[2], masks[3])


def test_the_regulariser_by_hand_and_by_loops() -> None:
    mask = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
    # ‖M‖₁ = 2.5, a tenth of the entries is 0.4, the columns' product 0.5
    assert float(entangled.entanglement(mask)) == pytest.approx(2.1 + 0.1 * 0.5)
    assert float(entangled.entanglement(0.01 * mask)) == pytest.approx(0.1 * 0.5e-4)
    drawn = torch.rand(5, 4, generator=torch.Generator().manual_seed(0)).double()
    assert float(1e-3 * entangled.entanglement(drawn)) == pytest.approx(float(regulariser(drawn)), abs=1e-12)


def test_a_row_without_a_positive_entry_becomes_zero() -> None:
    mask = torch.tensor([[-1.0, -2.0], [0.0, 0.0], [0.5, -0.1]])
    entangled.normalise(mask)
    assert mask.tolist() == [[0, 0], [0, 0], [1, 0]]
