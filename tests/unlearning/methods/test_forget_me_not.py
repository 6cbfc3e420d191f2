"""Forget-me-not on a tiny pipeline: its loss against diffusers' own attention, and what it does to it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.data.images import ImageSamples
from reunlearn.data.latents import LatentSamples
from reunlearn.models._small_pipeline import TINY, write
from reunlearn.models.registry import build, coder
from reunlearn.objectives.noise_prediction import NoisePrediction
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.unlearning.methods.forget_me_not import ForgetMeNot, attention_to, noted_attention
from reunlearn.unlearning.task import Task
from tests.models.test_stable_diffusion import NAMES, WORDS

OBJECTIVE = NoisePrediction(len(NAMES), timesteps=50)
SETTINGS: dict[str, Any] = {"steps": 12, "batch_size": 4, "learning_rate": 1e-2}
FORGOTTEN = 1


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ArchitectureSpec:
    folder = write(tmp_path_factory.mktemp("pipeline"), WORDS, TINY)
    return ArchitectureSpec(name="stable_diffusion", settings={"folder": str(folder)})


def network(spec: ArchitectureSpec) -> nn.Module:
    return build(spec, (4, 8, 8), len(NAMES), seed=0, class_names=NAMES)


def task_of(spec: ArchitectureSpec) -> Task:
    x = np.random.default_rng(0).integers(0, 256, (8, 1, 16, 16)).astype(np.uint8)
    images = ImageSamples(x, np.full(8, FORGOTTEN), np.arange(8), (0.5,), (0.5,))
    made = coder(spec, "cpu")
    assert made is not None
    scenario = read_scenario({"kind": "class", "classes": [FORGOTTEN]})
    sets = {"forget": LatentSamples(images, made.encode)}
    return Task(sets, {"forget"}, OBJECTIVE, len(NAMES), 0, scenario=scenario)


def cross(model: nn.Module) -> list[nn.Module]:
    return [m for name, m in model.named_modules() if name.endswith(".attn2")]


@torch.no_grad()
def seen(model: nn.Module, label: int) -> float:
    """Return the loss on fixed latents and times, under a class."""
    generator = torch.Generator().manual_seed(1)
    z, label_B = torch.randn((6, 4, 8, 8), generator=generator), torch.full((6,), label)
    with noted_attention(cross(model)) as maps:
        model.eval()(z, torch.full((6,), 20), label_B)
    return float(attention_to(maps, model.named[label_B]))


@torch.no_grad()
def test_noting_changes_nothing_but_the_kernel(spec: ArchitectureSpec) -> None:
    model = network(spec).eval()
    z, time, label_B = torch.randn(2, 4, 8, 8), torch.tensor([3, 40]), torch.tensor([0, 2])
    plain = model(z, time, label_B)
    with noted_attention(cross(model)) as maps:
        torch.testing.assert_close(model(z, time, label_B), plain, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model(z, time, label_B), plain)
    assert len(maps) == len(cross(model)) > 1
    for probabilities in maps:
        assert probabilities.shape[0] == 2 and probabilities.shape[-1] == TINY.tokens
        torch.testing.assert_close(probabilities.sum(dim=-1), torch.ones_like(probabilities[..., 0]))


def test_the_norm_is_over_the_named_tokens() -> None:
    maps = [torch.rand(2, 3, 4, 5), torch.rand(2, 1, 9, 5)]
    named_BL = torch.tensor([[False, True, True, False, False], [False, False, False, True, False]])
    total = 0.0
    for probabilities in maps:
        for b in range(2):
            for token in range(5):
                if named_BL[b, token]:
                    total += float(probabilities[b, :, :, token].square().sum())
    assert float(attention_to(maps, named_BL)) == pytest.approx(total**0.5, rel=1e-5)


def test_attention_leaves_the_name(spec: ArchitectureSpec) -> None:
    model = network(spec)
    after = ForgetMeNot(**SETTINGS).unlearn(copy.deepcopy(model), task_of(spec))
    assert seen(after, FORGOTTEN) < 0.9 * seen(model, FORGOTTEN)
    again = ForgetMeNot(**SETTINGS).unlearn(copy.deepcopy(model), task_of(spec))
    assert all(torch.equal(p, q) for p, q in zip(after.parameters(), again.parameters(), strict=True))


def test_cross_attention_alone_changes_where_asked_for(spec: ArchitectureSpec) -> None:
    model = network(spec)
    after = ForgetMeNot(**{**SETTINGS, "steps": 1, "weights": "xattn"}).unlearn(
        copy.deepcopy(model), task_of(spec)
    )
    pairs = zip(model.named_parameters(), after.parameters(), strict=True)
    changed = {name for (name, before), now in pairs if not torch.equal(before, now)}
    assert changed and all(".attn2." in name for name in changed)


def test_a_network_without_captions_is_refused(spec: ArchitectureSpec) -> None:
    plain = build(
        ArchitectureSpec(name="ddpm_unet", settings={"width": 8, "multipliers": "1-2", "attention": ""}),
        (4, 8, 8),
        len(NAMES),
        seed=0,
    )
    with pytest.raises(UserError, match="it is for text to image"):
        ForgetMeNot(**SETTINGS).unlearn(plain, task_of(spec))
