"""The DDPM U-Net: what it predicts, its levels, and settings that do not fit."""

from __future__ import annotations

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

TINY = {"width": 8, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}


def network(**settings):
    return build(ArchitectureSpec(name="ddpm_unet", settings={**TINY, **settings}), (1, 8, 8), 3, seed=0)


@torch.no_grad()
def test_predicts_noise_that_depends_on_time_and_class() -> None:
    model = network().eval()
    x, zero = torch.randn(2, 1, 8, 8), torch.zeros(2, dtype=torch.int64)
    first = model(x, zero, zero)
    assert first.shape == x.shape
    assert not torch.equal(first, model(x, zero + 500, zero))
    for label in (1, 3):  # another class, and none
        assert not torch.equal(first, model(x, zero, zero + label))


def test_attention_is_where_it_is_asked_for() -> None:
    def blocks(**settings) -> list[str]:
        return [type(block).__name__ for block in network(**settings).unet.down_blocks]

    assert blocks() == ["DownBlock2D", "AttnDownBlock2D"]
    assert blocks(attention="8-4") == ["AttnDownBlock2D"] * 2
    assert blocks(attention="") == ["DownBlock2D"] * 2


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"multipliers": "1-1-1-1-1"}, "halves 8 pixels 4 times"),
        ({"multipliers": "1,2"}, "multipliers is '1,2'; write numbers with hyphens"),
        ({"attention": "0"}, "attention is '0'"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        network(**settings)
