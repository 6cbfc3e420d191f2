"""The small transformer: a slow obvious version of it, padding that changes nothing, second derivatives."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build, card
from reunlearn.study.specs import ArchitectureSpec

LENGTH, VOCABULARY, CLASSES = 9, 30, 5
SMALL = {"width": 12, "depth": 2, "heads": 3}


def make(seed: int = 0, **settings: Any) -> nn.Module:
    return build(
        ArchitectureSpec(name="small_transformer", settings={**SMALL, **settings}),
        (LENGTH, VOCABULARY),
        CLASSES,
        seed,
    )


def texts() -> Tensor:
    """Return ids [4, 9] of texts of different lengths, one of them the longest."""
    x_NL = torch.randint(1, VOCABULARY, (4, LENGTH), generator=torch.Generator().manual_seed(3))
    for row, length in enumerate((9, 4, 1, 6)):
        x_NL[row, length:] = 0
    return x_NL


def slowly(model: nn.Module, tokens: list[int]) -> Tensor:
    """Return the logits of one text without padding: token by token, head by head."""
    x = [model.tokens.weight[t] + model.positions[p] for p, t in enumerate(tokens)]
    for block in model.blocks:
        normed = [block.norm1(v) for v in x]
        mixed = attend(block.attention, normed)
        x = [v + a for v, a in zip(x, mixed, strict=True)]
        x = [v + block.inner(block.norm2(v)) for v in x]
    return model.head(torch.stack([model.norm(v) for v in x]).mean(0))


def attend(attention: nn.Module, x: list[Tensor]) -> list[Tensor]:
    """Return the attention's output for each token."""
    width = len(x[0])
    part = width // attention.heads
    query, key, value = ([attention.enter(v)[k * width : (k + 1) * width] for v in x] for k in range(3))
    found = []
    for q in query:
        heads = []
        for head in range(attention.heads):
            own = slice(head * part, (head + 1) * part)
            weights = torch.stack([q[own] @ k[own] / math.sqrt(part) for k in key]).softmax(0)
            heads.append(sum(w * v[own] for w, v in zip(weights, value, strict=True)))
        found.append(attention.leave(torch.cat(heads)))
    return found


@torch.no_grad()
def test_it_computes_what_the_slow_version_does() -> None:
    model = make().eval()
    for parameter in model.parameters():  # far from the fresh values, so that every part counts
        parameter.add_(
            torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())) / 3
        )
    x_NL = texts()
    expected = torch.stack([slowly(model, [t for t in row if t]) for row in x_NL.tolist()])
    torch.testing.assert_close(model(x_NL), expected, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(expected[0], expected[1], atol=1e-2)


@torch.no_grad()
def test_padding_changes_nothing() -> None:
    model, x_NL = make().eval(), texts()
    torch.testing.assert_close(model(x_NL[1:2, :4]), model(x_NL)[1:2], atol=1e-6, rtol=1e-5)
    changed = x_NL.clone()
    changed[1, 4] = 7
    assert not torch.allclose(model(changed)[1], model(x_NL)[1], atol=1e-5), "the control: a token more"


def test_texts_without_tokens_stay_finite() -> None:
    model = make()
    x_NL = torch.zeros(3, 4, dtype=torch.int64)
    logits_NK = model.eval()(x_NL)
    assert torch.equal(logits_NK, model.head.bias.expand(3, -1))
    functional.cross_entropy(model.train()(x_NL), torch.arange(3)).backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_second_derivatives_are_right() -> None:
    model = make(dropout=0.0, depth=1).double()
    x_NL, y_N = texts(), torch.arange(4)
    named = dict(model.named_parameters())
    generator = torch.Generator().manual_seed(1)
    direction = {n: torch.randn(p.shape, dtype=p.dtype, generator=generator) for n, p in named.items()}

    def gradient(shift: float) -> dict[str, Tensor]:
        moved = {n: p + shift * direction[n] for n, p in named.items()}
        loss = functional.cross_entropy(torch.func.functional_call(model, moved, (x_NL,)), y_N)
        return dict(
            zip(moved, torch.autograd.grad(loss, list(moved.values()), create_graph=True), strict=True)
        )

    along = sum((g * direction[n]).sum() for n, g in gradient(0.0).items())
    second = dict(zip(named, torch.autograd.grad(along, list(named.values())), strict=True))
    step = 1e-6
    ahead, behind = gradient(step), gradient(-step)
    for name in named:
        slope = (ahead[name] - behind[name]) / (2 * step)
        torch.testing.assert_close(second[name], slope.detach(), atol=1e-5, rtol=1e-3)
    assert second["blocks.0.attention.enter.weight"].abs().max() > 1e-3


def test_the_size_follows_the_formula() -> None:
    width, depth = SMALL["width"], SMALL["depth"]
    block = 2 * 2 * width + (width * 3 * width + 3 * width) + (width**2 + width) + 8 * width**2 + 5 * width
    total = VOCABULARY * width + LENGTH * width + depth * block + 2 * width + width * CLASSES + CLASSES
    assert sum(p.numel() for p in make().parameters()) == total


def test_weights_follow_from_the_seed() -> None:
    first, again, other = (make(seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["tokens.weight"], other["tokens.weight"])
    assert not torch.equal(first["positions"], other["positions"])


def test_the_last_layer_is_the_head() -> None:
    model = make()
    assert [m for m in model.modules() if isinstance(m, nn.Linear)][-1] is model.head


def test_its_card_says_that_it_reads_texts() -> None:
    about = card("small_transformer")
    assert about["inputs"] == "text"
    assert about["settings"] == {"width": 128, "depth": 2, "heads": 4, "dropout": 0.1}


def test_a_width_that_does_not_go_with_the_heads_is_refused() -> None:
    with pytest.raises(UserError, match="'width' is 12, which is no multiple of 5, the 'heads'"):
        make(heads=5)
