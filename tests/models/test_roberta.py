"""RoBERTa: transformers' own results under our numbering of tokens, and one line for what is missing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.data.tokens import END, PAD, START, token_names
from reunlearn.models.registry import build
from reunlearn.models.roberta import FILES
from reunlearn.study.specs import ArchitectureSpec

MERGES = [("h", "e"), ("he", "l"), ("Ġ", "w"), ("l", "o")]
NAMES = token_names(MERGES)
VOCABULARY, CLASSES = len(NAMES), 5
SMALL = {"width": 24, "depth": 2, "heads": 3, "inner": 40}


def make(shape: tuple[int, int] = (16, VOCABULARY), seed: int = 0, **settings: Any) -> nn.Module:
    return build(ArchitectureSpec(name="roberta", settings=settings), shape, CLASSES, seed)


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random RoBERTa as its repository has one: special tokens first, the others shuffled, and a <mask>."""
    from reunlearn.data.torchvision_compat import declare_operators

    declare_operators()
    from transformers import RobertaConfig, RobertaForMaskedLM

    place = tmp_path_factory.mktemp("roberta-base")
    order = torch.randperm(len(NAMES) - 4, generator=torch.Generator().manual_seed(0)).tolist()
    theirs = ["<s>", "<pad>", "</s>", "<unk>", *(NAMES[4 + n] for n in order), "<mask>"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        config = RobertaConfig(
            vocab_size=len(theirs),
            hidden_size=24,
            num_hidden_layers=2,
            num_attention_heads=3,
            intermediate_size=40,
            max_position_embeddings=34,
            type_vocab_size=1,
            initializer_range=0.5,  # far from linear: a wrong row or position shows
        )
        RobertaForMaskedLM(config).save_pretrained(place)
    (place / "vocab.json").write_text(json.dumps({name: n for n, name in enumerate(theirs)}))
    lines = ["#version: 0.2", *(" ".join(pair) for pair in MERGES), ""]
    (place / "merges.txt").write_text("\n".join(lines), encoding="utf-8")
    return place


def texts() -> Tensor:
    """Return ids [4, 12] of texts of different lengths in our numbering."""
    x_NL = torch.randint(4, VOCABULARY, (4, 12), generator=torch.Generator().manual_seed(3))
    x_NL[:, 0] = START
    for row, length in enumerate((12, 7, 3, 9)):
        x_NL[row, length - 1] = END
        x_NL[row, length:] = PAD
    return x_NL


def their_logits(folder: Path, x_NL: Tensor, model: nn.Module) -> Tensor:
    """Return the logits of transformers' own model on the same tokens under its own numbers, by our last layer."""
    from transformers import RobertaForMaskedLM

    vocab = json.loads((folder / "vocab.json").read_text())
    rows = [[vocab[NAMES[n]] for n in row] for row in x_NL.tolist()]
    own = RobertaForMaskedLM.from_pretrained(
        folder, attn_implementation="eager", local_files_only=True
    ).eval()
    ids_NL = torch.tensor(rows)
    hidden = own.roberta(input_ids=ids_NL, attention_mask=(ids_NL != vocab["<pad>"]).long()).last_hidden_state
    return model.head(hidden[:, 0])


@torch.no_grad()
def test_logits_are_those_of_transformers(folder: Path) -> None:
    model, x_NL = make(pretrained=str(folder)).eval(), texts()
    torch.testing.assert_close(model(x_NL), their_logits(folder, x_NL, model), atol=1e-6, rtol=0)
    swapped = x_NL.clone()
    swapped[swapped == START] = 3
    assert not torch.allclose(model(swapped), model(x_NL), atol=1e-2), "the control: a token matters"


@torch.no_grad()
def test_the_prefix_of_a_wrapped_network_is_taken_off(folder: Path, tmp_path: Path) -> None:
    wrapped = shutil.copytree(folder, tmp_path / "wrapped")
    found = load_file(folder / "model.safetensors")
    save_file({f"module.{key}": value for key, value in found.items()}, wrapped / "model.safetensors")
    ours, plain = make(pretrained=str(wrapped)).state_dict(), make(pretrained=str(folder)).state_dict()
    assert all(torch.equal(value, plain[key]) for key, value in ours.items())


def test_padding_changes_nothing(folder: Path) -> None:
    model, x_NL = make(pretrained=str(folder)).eval(), texts()
    longer = nn.functional.pad(x_NL, (0, 4))
    torch.testing.assert_close(model(longer), model(x_NL), atol=2e-5, rtol=0)
    torch.testing.assert_close(model(x_NL[1:2, :7]), model(x_NL[1:2]), atol=2e-5, rtol=0)
    assert model(torch.zeros(2, 5, dtype=torch.int64)).isfinite().all()


def test_the_first_row_and_no_other_is_padding() -> None:
    model = make(**SMALL)
    x_NL = torch.tensor([[START, 7, END, PAD]])
    model(x_NL).sum().backward()
    gradient = model.encoder.embeddings.word_embeddings.weight.grad
    assert (gradient.abs().sum(1) > 0).nonzero()[:, 0].tolist() == [START, END, 7]


def test_it_has_the_size_of_roberta_base() -> None:
    per_block = 4 * (768 * 768 + 768) + (768 * 3072 + 3072) + (3072 * 768 + 768) + 2 * 2 * 768
    base = 50_265 * 768 + 514 * 768 + 768 + 2 * 768 + 12 * per_block
    assert base == 124_055_040
    with torch.device("meta"):
        head = 768 * CLASSES + CLASSES
        assert count(make((128, 50_265))) == base + head
        assert count(make((128, 50_261))) == base - 4 * 768 + head


def test_fresh_weights_follow_from_the_seed() -> None:
    first, again, other = (make(seed=s, **SMALL).state_dict() for s in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])
    word = "encoder.embeddings.word_embeddings.weight"
    assert not torch.equal(first[word], other[word])
    assert first[word][PAD].eq(0).all()


def test_the_last_layer_is_the_head() -> None:
    model = make(**SMALL)
    assert [m for m in model.modules() if isinstance(m, nn.Linear)][-1] is model.head


def test_it_has_second_derivatives() -> None:
    model = make(**SMALL, dropout=0.0)
    loss = nn.functional.cross_entropy(model(texts()), torch.arange(4))
    parameters = list(model.parameters())
    first = torch.autograd.grad(loss, parameters, create_graph=True)
    squares = sum(g.square().sum() for g in first)
    second = torch.autograd.grad(squares, parameters, allow_unused=True)
    found = {
        n for (n, _), g in zip(model.named_parameters(), second, strict=True) if g is not None and g.any()
    }
    assert "encoder.encoder.layer.0.attention.self.query.weight" in found
    assert "head.weight" in found


def test_dropout_is_ours_to_choose(folder: Path) -> None:
    kinds = [make(pretrained=str(folder), dropout=share).train() for share in (0.0, 0.3)]
    assert torch.equal(kinds[0](texts()), kinds[0](texts()))
    assert not torch.equal(kinds[1](texts()), kinds[1](texts()))


def test_nothing_is_downloaded(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    make(pretrained=str(folder))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_one_line_that_says_where_it_comes_from(
    folder: Path, tmp_path: Path, name: str
) -> None:
    for file in folder.iterdir():
        if file.name != name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    refused(tmp_path, str(tmp_path / name), "https://huggingface.co/FacebookAI/roberta-base")


def refused(folder: Path, *parts: str, shape: tuple[int, int] = (16, VOCABULARY)) -> None:
    """Loading must fail with one line that holds these parts."""
    with pytest.raises(UserError) as caught:
        make(shape, pretrained=str(folder))
    assert "\n" not in str(caught.value)
    for part in parts:
        assert part in str(caught.value)


def test_the_cache_is_read_and_an_empty_one_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    refused(Path("cache"), str(tmp_path), "https://huggingface.co/FacebookAI/roberta-base")
    kept = tmp_path / "models--FacebookAI--roberta-base"
    (kept / "refs").mkdir(parents=True)
    (kept / "refs/main").write_text("0123")
    shutil.copytree(folder, kept / "snapshots/0123")
    found, wanted = make(pretrained="cache").state_dict(), make(pretrained=str(folder)).state_dict()
    assert all(torch.equal(found[key], value) for key, value in wanted.items())


def test_weights_that_lack_a_part_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    tensors = load_file(folder / "model.safetensors")
    assert "lm_head.bias" in tensors, "the file holds more than the encoder, as the official one does"
    save_file(
        {k: v for k, v in tensors.items() if "layer.1.output.dense.bias" not in k},
        tmp_path / "model.safetensors",
    )
    refused(tmp_path, "holds no encoder.layer.1.output.dense.bias")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    refused(tmp_path / "no-such-folder", "no-such-folder", "no such file")


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.json"])
def test_a_damaged_file_is_one_line(folder: Path, tmp_path: Path, name: str) -> None:
    for file in folder.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[: len(content) // 2] if file.name == name else content)
    refused(tmp_path, str(tmp_path))


def test_other_tokens_are_refused(folder: Path, tmp_path: Path) -> None:
    refused(folder, "merges.txt", str(VOCABULARY), shape=(16, VOCABULARY + 1))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    vocab = json.loads((folder / "vocab.json").read_text())
    del vocab["hel"]
    (tmp_path / "vocab.json").write_text(json.dumps(vocab))
    refused(tmp_path, "vocab.json", "'hel'")


def test_texts_longer_than_its_positions_are_refused(folder: Path) -> None:
    refused(folder, "at most 32 tokens", shape=(33, VOCABULARY))


def test_a_width_that_does_not_go_with_the_heads_is_refused() -> None:
    with pytest.raises(UserError, match="no multiple of 5, the 'heads'"):
        make(width=24, heads=5)
