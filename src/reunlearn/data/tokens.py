"""Texts as token ids: the byte-level BPE of GPT-2 and RoBERTa with a numbering of this project.

    0 <pad>   1 <s>   2 </s>   3 <unk>   4 + n: token n of GPT-2

RoBERTa has the same 50,000 merges, so it cuts texts into the same tokens, but it numbers them differently. GPT-2
numbers its 256 bytes first, then the merges in their order, then <|endoftext|>, so that its merges file determines all
numbers. Every text consists of bytes, so <unk> never occurs.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reunlearn.data.sources import LooseFile, read_loose

SPECIAL = ("<pad>", "<s>", "</s>", "<unk>")
PAD, START, END = range(3)
LAST = "<|endoftext|>"  # GPT-2's only special token; never used, but it has a number
MERGES = LooseFile(
    url="https://openaipublic.blob.core.windows.net/gpt-2/encodings/main/vocab.bpe",
    md5="75a37753dd7a28a2c5df80c28bf06e4e",
    name="gpt2-bpe/merges.txt",
)
VOCABULARY = 50_261


def read_merges(content: str) -> list[tuple[str, str]]:
    """Return the merges of a file in GPT-2's format, most important first."""
    lines = [line for line in content.split("\n") if line and not line.startswith("#version")]
    return [(left, right) for left, _, right in (line.partition(" ") for line in lines)]


def byte_letters() -> list[str]:
    """Return the letter that stands for each byte, in GPT-2's order: printable bytes as they are come first."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = 256 - len(printable)
    return [chr(code) for code in (*printable, *range(256, 256 + others))]


def token_names(merges: Sequence[tuple[str, str]]) -> list[str]:
    """Return the names of all tokens in the order of their numbers [4 + 256 + merges + 1]."""
    return [*SPECIAL, *byte_letters(), *(left + right for left, right in merges), LAST]


def encode(texts: Sequence[str], merges: Sequence[tuple[str, str]], length: int) -> np.ndarray:
    """Return <s> text </s> of each text as ids [N, length] uint16, 0 after the end.

    A text of more than length − 2 tokens is cut off, but still ends with </s>.
    """
    from tokenizers import Tokenizer, models, pre_tokenizers

    numbers = {name: number for number, name in enumerate(token_names(merges))}
    tokenizer = Tokenizer(models.BPE(vocab=numbers, merges=list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    ids_NL = np.full((len(texts), length), PAD, dtype=np.uint16)
    for row, encoding in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
        ids = [START, *encoding.ids[: length - 2], END]
        ids_NL[row, : len(ids)] = ids
    return ids_NL


def encode_official(texts: Sequence[str], downloads: Path, length: int) -> np.ndarray:
    """Return `encode` of the texts with OpenAI's own merges, read from the mirror or downloaded.

    Raises:
        UserError: the merges are missing or damaged.
    """
    return encode(texts, read_merges(read_loose(MERGES, downloads).decode("utf-8")), length)
