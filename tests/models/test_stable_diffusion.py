"""A Stable Diffusion pipeline as a network conditional on classes: captions, latents, and folders that are none."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.models._small_pipeline import TINY, write
from reunlearn.models.registry import build, coder, prompted
from reunlearn.study.specs import ArchitectureSpec

NAMES = ("tench", "church", "radio")
WORDS = ("an", "image", "of", "a", *NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("pipeline"), WORDS, TINY)


def network(folder: Path, names: tuple[str, ...] = NAMES, **settings):
    spec = ArchitectureSpec(name="stable_diffusion", settings={"folder": str(folder), **settings})
    return build(spec, (4, 8, 8), len(names), seed=0, class_names=names)


@torch.no_grad()
def test_a_class_is_its_caption(folder: Path) -> None:
    model = network(folder).eval()
    assert model.texts.shape == (4, TINY.tokens, TINY.text)
    z, time = torch.randn(4, 4, 8, 8), torch.full((4,), 7)
    predicted = model(z, time, torch.tensor([0, 1, 2, 3]))
    for k in range(4):
        expected = model.unet(z[k : k + 1], time[:1], encoder_hidden_states=model.texts[k : k + 1]).sample
        torch.testing.assert_close(predicted[k : k + 1], expected)
    alike = model(z[:1].repeat(4, 1, 1, 1), time, torch.tensor([0, 1, 2, 3]))
    assert len({float(x.sum()) for x in alike}) == 4, "every caption, and none, predicts something else"


def test_the_tokens_of_the_name_are_known(folder: Path) -> None:
    model = network(folder)
    place = 1 + 4  # the token that begins a text, then: an image of a
    assert [row.nonzero().flatten().tolist() for row in model.named] == [[place]] * 3 + [[]]
    spelled = network(folder, names=("tench", "ab", "radio"))
    assert spelled.named[1].nonzero().flatten().tolist() == [place, place + 1], "a name of two tokens"


def test_prompts_take_the_place_of_classes(folder: Path) -> None:
    model = network(folder)
    spec = ArchitectureSpec(name="stable_diffusion", settings={"folder": str(folder)})
    made = prompted(model, spec, ["an image of a church", "a radio", "a " * 40])
    assert made.unet is model.unet, "the same weights, not a copy"
    assert made.texts.shape[0] == 4
    torch.testing.assert_close(made.texts[0], model.texts[1])
    torch.testing.assert_close(made.texts[-1], model.texts[-1])  # of no caption
    assert not torch.equal(made.texts[1], model.texts[2]), (
        "a prompt is read as it stands, without the caption"
    )
    cut = prompted(model, spec, ["a " * 30]).texts[0]
    torch.testing.assert_close(made.texts[2], cut)  # both are longer than a caption can be


def test_weights_are_those_of_the_u_net_alone(folder: Path) -> None:
    assert all(name.startswith("unet.") for name in network(folder).state_dict())


def test_latents_are_those_of_the_pipeline(folder: Path) -> None:
    made = coder(ArchitectureSpec(name="stable_diffusion", settings={"folder": str(folder)}), "cpu")
    assert made is not None
    latents = made.encode(torch.randn(2, 1, 16, 16))
    assert latents.shape == (2, 4, 8, 8)
    assert made.decode(latents).shape == (2, 1, 16, 16)


def test_what_is_no_pipeline_is_refused(folder: Path, tmp_path: Path) -> None:
    def refused(words: str, place: Path, **settings) -> None:
        with pytest.raises(UserError, match=words) as caught:
            network(place, **settings)
        assert "\n" not in str(caught.value)

    refused("no folder unet or vae or text_encoder or tokenizer in it", tmp_path)
    refused("needs {} once", folder, caption="an image")
    refused("'a b c d e f g h i j k l' does not fit", folder, names=("a b c d e f g h i j k l",))
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    weights = next((copy / "unet").glob("*.safetensors"))
    weights.rename(weights.with_suffix(".bin"))
    refused("is a pickle, which is never opened", copy)
    with pytest.raises(UserError, match="give the setting 'folder'"):
        build(ArchitectureSpec(name="stable_diffusion"), (4, 8, 8), 3, seed=0, class_names=NAMES)
