"""GoEmotions: rows with a single label, in the official order, as tokens."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data import tokens
from reunlearn.data.prepared import check
from reunlearn.data.sets import goemotions
from reunlearn.data.sets.registry import Arrays, Source
from reunlearn.data.sources import MIRROR, LooseFile, read_loose

needs_mirror = pytest.mark.skipif(
    not os.environ.get(MIRROR), reason=f"{MIRROR} is not set: no GoEmotions here"
)
NOWHERE = Source(Path("nowhere"))
MERGES = "#version: 0.2\nh e\nl l\n"
ROWS = {
    "TRAIN": 'hello\t3\ta\nboth\t1,2\tb\n"quoted ""twice""\t27\tc\n',
    "TEST": "he\u2028he\t0\td\nnone of\t5,6,7\te\n",  # a line separator that ends no row
}


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of tiny files in the official format, whose checksums are taken for the official ones."""
    monkeypatch.setenv(MIRROR, str(tmp_path))

    def place(module: object, name: str, content: str) -> None:
        file: LooseFile = getattr(module, name)
        (tmp_path / file.name).parent.mkdir(exist_ok=True)
        (tmp_path / file.name).write_bytes(content.encode())
        monkeypatch.setattr(module, name, replace(file, md5=hashlib.md5(content.encode()).hexdigest()))

    for name, content in ROWS.items():
        place(goemotions, name, content)
    place(tokens, "MERGES", MERGES)
    return tmp_path


def spelled(ids: np.ndarray) -> list[str]:
    """Return the tokens of a text as the fake merges name them."""
    names = tokens.token_names(tokens.read_merges(MERGES))
    return [names[number] for number in ids if number]


def test_only_rows_with_a_single_label_count(fake: Path) -> None:
    arrays = goemotions.load(NOWHERE)
    assert arrays.train_y.tolist() == [3, 27]
    assert arrays.test_y.tolist() == [0]
    assert arrays.train_x.shape == (2, 128)
    assert arrays.train_x.dtype == np.uint16
    assert spelled(arrays.train_x[0]) == ["<s>", "he", "ll", "o", "</s>"]
    assert "".join(spelled(arrays.train_x[1])) == '<s>"quotedĠ""twice""</s>'
    assert spelled(arrays.test_x[0])[1] == spelled(arrays.test_x[0])[-2] == "he"


@pytest.mark.parametrize("name", ["goemotions/train.tsv", "goemotions/test.tsv", "gpt2-bpe/merges.txt"])
@pytest.mark.parametrize("change", ["truncate", "empty", "remove"])
def test_a_damaged_file_is_one_line_that_names_it(fake: Path, name: str, change: str) -> None:
    path = fake / name
    content = path.read_bytes()
    path.unlink() if change == "remove" else path.write_bytes(content[:-1] if change == "truncate" else b"")
    with pytest.raises(UserError, match=name) as error:
        goemotions.load(NOWHERE)
    assert "\n" not in str(error.value)
    assert "https://" in str(error.value)


def test_every_emotion_has_a_name() -> None:
    assert len(set(goemotions.CARD.classes)) == len(goemotions.CARD.classes) == 28
    assert goemotions.CARD.classes[-1] == "neutral"
    assert len(goemotions.CARD.class_counts) == 28
    assert sum(goemotions.CARD.class_counts) == goemotions.CARD.train


@functools.cache
def official() -> Arrays:
    """Return the real comments."""
    return goemotions.load(NOWHERE)


@needs_mirror
def test_the_official_files_are_what_the_card_says() -> None:
    arrays = official()
    check(goemotions.CARD, arrays)
    names = (Path(os.environ[MIRROR]) / "goemotions/emotions.txt").read_text().split()
    assert names == list(goemotions.CARD.classes)
    neutral = np.bincount(arrays.test_y).argmax()
    assert goemotions.CARD.classes[neutral] == "neutral"
    assert arrays.train_x[0, :4].tolist() == [
        tokens.START,
        3666 + 4,
        12507 + 4,
        2057 + 4,
    ]  # My favourite food
    for x in (arrays.train_x, arrays.test_x):
        lengths = (x != tokens.PAD).sum(1)
        assert round(float(lengths.mean())) == 19
        assert (x[np.arange(len(x)), lengths - 1] == tokens.END).all()
        assert (x == tokens.END).sum() == len(x)


@needs_mirror
def test_the_documentation_counts_the_truncated_comments_right() -> None:
    longer = []
    for file in (goemotions.TRAIN, goemotions.TEST):
        texts, _ = goemotions.read_rows(read_loose(file, NOWHERE.downloads))
        ids_NL = tokens.encode_official(texts, NOWHERE.downloads, 2000)
        longer.append(int(((ids_NL != 0).sum(1) > goemotions.LENGTH).sum()))
    assert longer == [4, 1]
    assert "Four training comments and one test comment" in goemotions.__doc__


@needs_mirror
def test_the_prepared_bytes_are_the_same_everywhere() -> None:
    arrays = official()
    digest = hashlib.sha256(arrays.train_x.astype("<u2").tobytes()).hexdigest()
    assert digest == "b1d934323c037a8d5fae444506b152aa1a83ac66c0d3e30276d68e32725049b0"
