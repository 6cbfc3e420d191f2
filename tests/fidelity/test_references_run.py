"""Every reference runs in float64 on both small networks; two answers known in advance for each family."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .reference_batches import SHAPES, batch, network
from .reference_cases import CALLS, run
from .references import finetune, optimizers, plain


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("name", CALLS)
def test_runs_in_float64_and_changes_the_weights(name: str, kind: str) -> None:
    before, after = run(name, kind)
    changed = [not torch.equal(p, q) for p, q in zip(before.parameters(), after.parameters(), strict=True)]
    assert any(changed)
    if name not in ("cf_k", "eu_k"):
        assert all(changed)
    assert all(p.dtype == torch.float64 and bool(p.isfinite().all()) for p in after.parameters())


@pytest.mark.parametrize("name", CALLS)
def test_gives_the_same_weights_again(name: str) -> None:
    once, again = run(name, "conv")[1], run(name, "conv")[1]
    for key, value in once.state_dict().items():
        assert torch.equal(value, again.state_dict()[key])


@pytest.mark.parametrize("name", CALLS)
def test_moves_the_running_statistics_as_often_as_it_says(name: str) -> None:
    """BatchNorm counts its training-mode forwards."""
    expected = {
        **dict.fromkeys(["finetune", "gradient_ascent", "l1_sparse", "amnesiac_relabel", "bad_teacher"], 4),
        **dict.fromkeys(["neg_grad", "neg_grad_plus", "gdr_gma_paper", "gdr_gma_code", "nabla_tau"], 12),
        **dict.fromkeys(["lur_exact", "lur_first_order"], 12),
        **dict.fromkeys(["random_labels", "salun_exact", "salun_drift"], 9),
        **{"scrub": 10, "unsir": 2, "sfr_on": 9, "cf_k": 0, "eu_k": 0},
    }
    if name == "scrub_rewind":  # which of the three epochs is kept is not the point here
        return
    after = run(name, "conv")[1]
    assert [int(m.num_batches_tracked) for m in after if isinstance(m, nn.BatchNorm2d)] == [
        expected[name]
    ] * 2


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"name": "sgd"}, torch.optim.SGD),
        ({"name": "sgd", "momentum": 0.9, "weight_decay": 0.1}, torch.optim.SGD),
        ({"name": "adam", "weight_decay": 0.1, "betas": (0.8, 0.9)}, torch.optim.Adam),
        ({"name": "adamw"}, torch.optim.AdamW),
    ],
)
def test_optimizers_are_torchs(settings: dict[str, Any], kind: type[torch.optim.Optimizer]) -> None:
    """Also where a gradient is absent in some steps, and with a rate that changes."""
    mine = [p.detach().clone().requires_grad_() for p in network("two_layer").parameters()]
    theirs = [p.detach().clone().requires_grad_() for p in mine]
    update = optimizers.build(mine, settings)
    other = kind(theirs, lr=0.1, **{k: v for k, v in settings.items() if k != "name"})
    draw = torch.Generator().manual_seed(0)
    for step in range(5):
        given = [torch.randn(p.shape, generator=draw, dtype=torch.float64) for p in mine]
        grads: list[Tensor | None] = [None if i == step % 2 else g for i, g in enumerate(given)]
        update.step(grads, 0.1 / (1 + step))
        other.param_groups[0]["lr"] = 0.1 / (1 + step)
        for p, g in zip(theirs, grads, strict=True):
            p.grad = g
        other.step()
    for p, q in zip(mine, theirs, strict=True):
        torch.testing.assert_close(p, q, rtol=1e-13, atol=1e-15)


def test_adams_first_step_is_the_sign_of_the_gradient() -> None:
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64)
    optimizers.build([weight], {"name": "adam", "eps": 0.0}).step([torch.tensor([3.0, -0.5])], 0.1)
    torch.testing.assert_close(weight, torch.tensor([0.9, -1.9], dtype=torch.float64))


def test_clipping_is_torchs() -> None:
    grads = [torch.tensor([3.0, 0.0], dtype=torch.float64), None, torch.tensor([4.0], dtype=torch.float64)]
    clipped = optimizers.clipped(grads, 1.0)
    assert clipped[1] is None and clipped[0] is not None and clipped[2] is not None
    assert clipped[0][0] == 3 / (5 + 1e-6) and clipped[2][0] == 4 / (5 + 1e-6)
    assert optimizers.clipped(grads, 6.0)[2] == 4.0


def test_losses_are_torchs_and_known_in_closed_form() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)], [1000.0, 0.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0])
    expected = torch.tensor([math.log(4.0), 0.0], dtype=torch.float64)
    torch.testing.assert_close(plain.cross_entropies(logits, labels), expected)
    own = plain.cross_entropy(logits, labels)
    torch.testing.assert_close(own, nn.functional.cross_entropy(logits, labels))
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    torch.testing.assert_close(
        plain.kl_divergence(p, torch.log(q)), torch.tensor(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    )


def test_a_weight_that_the_loss_does_not_reach_stays() -> None:
    model = network("two_layer")
    model[0].weight.requires_grad_(False)
    kept = copy.deepcopy(model[0].weight)
    settings: dict[str, Any] = {"optimizer": {"name": "sgd", "weight_decay": 0.5}, "learning_rates": 0.1}
    finetune.reference(model, [[batch("two_layer", 1)]], **settings)
    assert torch.equal(model[0].weight, kept)
