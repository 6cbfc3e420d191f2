"""What generators take in memory: formulas against the networks, estimates against what they are made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build, card
from reunlearn.stages.drawing import TOGETHER
from reunlearn.study import memory
from reunlearn.study.catalogue import catalogue
from reunlearn.study.generator_memory import Size, size_of
from reunlearn.study.load import load_recipe
from reunlearn.study.specs import ArchitectureSpec

TINY = {"width": 16, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0}
NETWORKS = [
    ("ddpm_unet", (1, 8, 8), TINY),
    ("ddpm_unet", (3, 32, 32), {"width": 16, "blocks": 2}),
    ("dit", (4, 32, 32), {"width": 48, "depth": 3, "heads": 4}),
    ("dit", (1, 8, 8), {"width": 32, "depth": 2, "heads": 4, "learned_variance": False}),
]


def size(name: str, shape: tuple[int, int, int], settings: dict[str, Any]) -> Size:
    found = size_of(name, {**card(name)["settings"], **settings}, shape, 10)
    assert found is not None
    return found


def kept(model: nn.Module, shape: tuple[int, int, int]) -> int:
    """Return how many numbers autograd keeps of one sample, besides the parameters."""
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}
    found: dict[int, int] = {}
    held = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in parameters:
            found[storage.data_ptr()] = storage.nbytes()
            held.append(tensor)  # so that no other storage takes its place
        return tensor

    zero = torch.zeros(1, dtype=torch.long)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        model.train()(torch.zeros(1, *shape), zero, zero)
    return sum(found.values()) // 4


@pytest.mark.parametrize(("name", "shape", "settings"), NETWORKS)
def test_formulas_agree_with_the_networks(name: str, shape: tuple[int, int, int], settings: dict) -> None:
    model, found = (
        build(ArchitectureSpec(name=name, settings=settings), shape, 10, 0),
        size(name, shape, settings),
    )
    assert found.parameters == sum(p.numel() for p in model.parameters())
    assert kept(model, shape) == pytest.approx(found.kept, rel=0.15)
    assert 0 < found.live < found.kept


def test_the_networks_of_the_papers_by_their_published_sizes() -> None:
    assert size("ddpm_unet", (3, 32, 32), {}).parameters == 35_751_939
    with_a_thousand = size_of("dit", {**card("dit")["settings"], "vae": None}, (4, 32, 32), 1000)
    assert (
        with_a_thousand is not None and round(with_a_thousand.parameters / 1e6, 1) == 749.8
    )  # diffusers' layout


def test_what_has_no_formula_has_no_size(tmp_path: Path) -> None:
    assert size_of("small_denoiser", {}, (1, 8, 8), 10) is None
    assert size_of("stable_diffusion", {"folder": str(tmp_path)}, (3, 512, 512), 10) is None


def test_a_list_of_numbers_that_is_none_is_one_line() -> None:
    with pytest.raises(UserError, match=r"ddpm_unet: multipliers is '1,2'; write numbers with hyphens"):
        size("ddpm_unet", (1, 8, 8), {"multipliers": "1,2"})


def test_a_pipeline_is_counted_from_its_files(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    config = {
        "block_out_channels": [8, 16],
        "layers_per_block": 1,
        "down_block_types": ["CrossAttnDownBlock2D", "DownBlock2D"],
        "in_channels": 4,
        "out_channels": 4,
    }
    for part, count in (("unet", 500), ("vae", 30), ("text_encoder", 7)):
        (tmp_path / part).mkdir()
        save_file({"a": torch.zeros(count), "b": torch.zeros(2, 3)}, tmp_path / part / "x.safetensors")
    (tmp_path / "unet/config.json").write_text(json.dumps(config))
    found = size_of("stable_diffusion", {"folder": str(tmp_path)}, (3, 64, 64), 10)
    assert found is not None
    assert (found.parameters, found.other) == (506, 36 + 13)
    (tmp_path / "vae/x.safetensors").write_bytes(b"other")
    broken = size_of("stable_diffusion", {"folder": str(tmp_path)}, (3, 64, 64), 10)
    assert broken is not None and broken.other == 13, "an estimate refuses nothing"
    config["down_block_types"] = ["DownBlock2D", "DownBlock2D"]
    (tmp_path / "unet/config.json").write_text(json.dumps(config))
    plain = size_of("stable_diffusion", {"folder": str(tmp_path)}, (3, 64, 64), 10)
    assert plain is not None and plain.kept < found.kept
    (tmp_path / "unet/config.json").write_text("{}")
    assert size_of("stable_diffusion", {"folder": str(tmp_path)}, (3, 64, 64), 10) is None


def test_estimates_grow_with_network_batch_and_guidance() -> None:
    data, recipe = catalogue().datasets["cifar10"], load_recipe("sfr-on-ddpm")
    full, narrow = size("ddpm_unet", (3, 32, 32), {}), size("ddpm_unet", (3, 32, 32), {"width": 16})
    whole = memory.estimate(data, recipe, full)
    parts = 6 * full.parameters + recipe.batch_size * full.kept
    assert whole == pytest.approx(memory.LIBRARIES_MIB + (4 * parts + 2.5 * 60_000 * 3072) / 2**20, abs=100)
    assert whole > 2 * memory.estimate(data, recipe, narrow)
    assert memory.estimate(data, recipe.model_copy(update={"batch_size": 8}), full) < whole / 2
    one = recipe.model_copy(update={"batch_size": 1})  # then sampling takes most
    assert memory.estimate(data, one, full, guided=True) > memory.estimate(data, one, full)
    assert memory.SAMPLED == TOGETHER


def test_more_samples_than_stay_in_memory_ask_for_no_more() -> None:
    recipe = load_recipe("sfr-on-dit")
    data = catalogue().datasets["imagenet"]
    half = data.model_copy(update={"train": data.train // 2})
    few = data.model_copy(update={"train": 1000, "test": 1000})
    assert memory.estimate(data, recipe) == memory.estimate(half, recipe)
    assert memory.estimate(few, recipe) < memory.estimate(data, recipe) < memory.LARGEST / 2**20 * 1.2


def test_quickstart_takes_less_than_is_estimated() -> None:
    """Measured peaks of its jobs are 502 to 557 MiB, of which libraries are most."""
    data, recipe = catalogue().datasets["digits"], load_recipe("digits-ddpm")
    assert 557 < memory.estimate(data, recipe, size("ddpm_unet", (1, 8, 8), TINY)) < 1500
