"""Tokens: GPT-2's own segmentation and numbers, shifted by four; every text can be read back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer, pre_tokenizers

from reunlearn.data.sources import MIRROR, read_loose
from reunlearn.data.tokens import (
    END,
    LAST,
    MERGES,
    PAD,
    SPECIAL,
    START,
    VOCABULARY,
    byte_letters,
    encode,
    read_merges,
    token_names,
)

needs_mirror = pytest.mark.skipif(
    not os.environ.get(MIRROR), reason=f"{MIRROR} is not set: no GPT-2 merges here"
)
FEW = [("h", "e"), ("l", "l"), ("he", "ll"), ("Ġ", "w"), ("hell", "o")]


def words(ids: np.ndarray, merges: list[tuple[str, str]]) -> list[str]:
    """Return the tokens of one text without those behind its end."""
    names = token_names(merges)
    return [names[number] for number in ids if number != PAD]


def text_of(ids: np.ndarray, merges: list[tuple[str, str]]) -> str:
    """Read a text back: letters stand for bytes."""
    letters = "".join(word for word in words(ids, merges) if word not in SPECIAL)
    codes = {letter: byte for letter, byte in zip(byte_letters(), byte_order(), strict=True)}
    return bytes(codes[letter] for letter in letters).decode("utf-8")


def byte_order() -> list[int]:
    """Return the byte that each letter stands for, in GPT-2's order: those that print, then the others."""
    first = [b for b in range(256) if chr(b).isprintable() and b != 32]
    return first + [b for b in range(256) if b not in first]


def test_merges_are_applied_in_their_order() -> None:
    row = encode(["hello world"], FEW, 16)[0]
    assert words(row, FEW) == ["<s>", "hello", "Ġw", "o", "r", "l", "d", "</s>"]
    assert row.dtype == np.uint16
    assert row[8:].tolist() == [PAD] * 8
    fewer = encode(["hello"], FEW[:2], 16)[0]
    assert words(fewer, FEW[:2]) == ["<s>", "he", "ll", "o", "</s>"]


def test_numbers_begin_with_the_special_tokens() -> None:
    names = token_names(FEW)
    assert names[:4] == ["<pad>", "<s>", "</s>", "<unk>"]
    assert (names[PAD], names[START], names[END], "<unk>") == SPECIAL
    assert len(names) == len(set(names)) == 4 + 256 + len(FEW) + 1
    assert names[-1] == LAST


def test_the_letters_of_bytes_are_those_of_the_library() -> None:
    assert sorted(byte_letters()) == sorted(pre_tokenizers.ByteLevel.alphabet())


@pytest.mark.parametrize(("letters", "kept"), [(5, 5), (6, 6), (7, 6), (40, 6)])
def test_long_texts_lose_their_end_and_keep_its_mark(letters: int, kept: int) -> None:
    row = encode(["x" * letters], [], 8)[0]
    assert words(row, []) == ["<s>", *["x"] * kept, "</s>"]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4))
def test_every_text_can_be_read_back(texts: list[str]) -> None:
    ids_NL = encode(texts, FEW, 90)
    assert [text_of(row, FEW) for row in ids_NL] == texts
    assert not np.isin(ids_NL, SPECIAL.index("<unk>")).any()


def test_special_tokens_in_a_text_are_plain_letters() -> None:
    row = encode(["</s><pad>" + LAST], FEW, 64)[0]
    assert np.count_nonzero(row == END) == 1
    assert row.max() < 4 + 256 + len(FEW)


def test_the_version_line_is_no_merge() -> None:
    assert read_merges("#version: 0.2\nĠ t\nh e\n# #\n") == [("Ġ", "t"), ("h", "e"), ("#", "#")]


@needs_mirror
def test_the_official_numbers_follow_from_the_official_merges() -> None:
    merges = read_merges(read_loose(MERGES, Path("nowhere")).decode("utf-8"))
    assert len(merges) == 50_000
    names = token_names(merges)
    assert len(names) == VOCABULARY
    numbers = json.loads((Path(os.environ[MIRROR]) / "gpt2-bpe/vocab.json").read_text(encoding="utf-8"))
    assert {name: number for number, name in enumerate(names[4:])} == numbers


@needs_mirror
def test_the_segmentation_is_that_of_the_library() -> None:
    folder = Path(os.environ[MIRROR]) / "gpt2-bpe"
    theirs = ByteLevelBPETokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=False
    )
    merges = read_merges((folder / "merges.txt").read_text(encoding="utf-8"))
    texts = [
        "My favourite food is [NAME]!",
        "  two  spaces\tand a tab",
        "naïve ☕ 日本",
        "'ll we've 1234",
        "",
    ]
    for row, text in zip(encode(texts, merges, 64), texts, strict=True):
        ids = [START, *(4 + n for n in theirs.encode(text).ids), END]
        assert row[row != PAD].tolist() == ids
    assert encode(["Hello world"], merges, 5)[0].tolist() == [START, 15496 + 4, 995 + 4, END, PAD]
