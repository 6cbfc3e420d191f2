"""Small pipelines made from nothing: words are tokens, a seed gives the weights, parts fit together."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from reunlearn.data.diffusers_compat import transformers
from reunlearn.models._small_pipeline import END, LATENT, TINY, make_unet, make_vae, write
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

WORDS = ("an", "image", "of", "a", "3", "8", "church")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("made"), WORDS, TINY)


def weights_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.safetensors")}


def test_each_word_is_a_token_and_others_are_spelled(folder: Path) -> None:
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)

    def own(text: str) -> list[int]:
        return tokenizer(text, add_special_tokens=False).input_ids

    assert len({tuple(own(word)) for word in WORDS}) == len(WORDS)
    assert {len(own(word)) for word in WORDS} == {1}
    assert own("an image of a 3") == [own(word)[0] for word in ("an", "image", "of", "a", "3")]
    assert len(own("chur")) > 1, "control: a word that it was not told"
    assert tokenizer.model_max_length == TINY.tokens and tokenizer.pad_token == END


def test_the_seed_gives_the_weights_and_leaves_the_global_state(folder: Path, tmp_path: Path) -> None:
    before = torch.random.get_rng_state()
    again, other = (write(tmp_path / name, WORDS, TINY, seed=seed) for name, seed in (("a", 0), ("b", 1)))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert weights_of(again) == weights_of(folder)
    first, second = weights_of(folder), weights_of(other)
    assert first.keys() == second.keys() and all(first[name] != second[name] for name in first)


def test_a_network_may_start_from_the_folder_or_from_its_seed(folder: Path) -> None:
    def network(seed: int, trained: bool) -> torch.nn.Module:
        settings = {"folder": str(folder), "trained": trained}
        spec = ArchitectureSpec(name="stable_diffusion", settings=settings)
        return build(spec, (4, 8, 8), 2, seed=seed, class_names=("3", "8"))

    def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
        ours, theirs = a.state_dict(), b.state_dict()
        assert ours.keys() == theirs.keys()
        return all(torch.equal(ours[name], theirs[name]) for name in ours)

    assert same(network(0, trained=True), network(1, trained=True))
    assert same(network(0, trained=False), network(0, trained=False))
    assert not same(network(0, trained=False), network(1, trained=False))
    assert not same(network(0, trained=False), network(0, trained=True))
    assert torch.equal(network(0, trained=False).texts, network(1, trained=True).texts)


@torch.no_grad()
def test_latents_shrink_with_each_level_of_the_vae_and_every_level_of_the_u_net_attends() -> None:
    deep = dataclasses.replace(TINY, vae=(8, 8, 8))
    for sizes, side in ((TINY, 8), (deep, 4)):
        assert sizes.latent_side == side
        latents = make_vae(sizes).encode(torch.zeros(1, 1, 16, 16)).latent_dist.mean
        assert latents.shape == (1, LATENT, side, side)
    layers = [name for name, _ in make_unet(TINY).named_modules() if name.endswith("attn2")]
    levels = {name.split(".attentions")[0] for name in layers}
    assert levels == {"down_blocks.0", "down_blocks.1", "mid_block", "up_blocks.0", "up_blocks.1"}
