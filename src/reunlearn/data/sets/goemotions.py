"""GoEmotions: Reddit comments and the emotion that readers assigned to them, with the official split.

The official rows have one or more of 28 labels: 27 emotions and neutral (∇τ names 26 emotions). As in ∇τ only rows
with a single label are used: 36,308 of 43,410 for training and 4,590 of 5,427 for testing, in the official order.
The official dev split (4,548 such rows) is not used: a study draws its validation set from the training set, so that
forget and validation samples come from the same set.

A comment is <s>, its tokens, </s>: 19 numbers on average, 128 at most. Four training comments and one test comment
are longer and are cut off. The authors publish no checksums; those here were computed from a copy of the two files,
which has as many characters and rows as the official ones.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.sources import LooseFile, read_loose
from reunlearn.data.tokens import VOCABULARY, encode_official

URL = "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data"
TRAIN = LooseFile(f"{URL}/train.tsv", "83a206cc5aa2fa9749ee45675f866d03", "goemotions/train.tsv")
TEST = LooseFile(f"{URL}/test.tsv", "8c3482a12f52ff56429a5d178257be09", "goemotions/test.tsv")
LENGTH = 128  # tokens, <s> and </s> included


def read_rows(content: bytes) -> tuple[list[str], np.ndarray]:
    """Return texts and labels [N] int64 of the rows with a single label: text, labels with commas, comment id."""
    rows = [line.split("\t") for line in content.decode("utf-8").split("\n") if line]
    single = [(text, int(labels)) for text, labels, _ in rows if "," not in labels]
    return [text for text, _ in single], np.array([label for _, label in single], dtype=np.int64)


def load(source: Source) -> Arrays:
    """Return both parts as token ids [N, 128] uint16."""
    parts = [_part(file, source.downloads) for file in (TRAIN, TEST)]
    (train_x, train_y), (test_x, test_y) = parts
    return Arrays(train_x, train_y, test_x, test_y)


def _part(file: LooseFile, downloads: Path) -> tuple[np.ndarray, np.ndarray]:
    texts, y_N = read_rows(read_loose(file, downloads))
    return encode_official(texts, downloads, LENGTH), y_N


EMOTIONS = (
    "admiration amusement anger annoyance approval caring confusion curiosity desire disappointment disapproval "
    "disgust embarrassment excitement fear gratitude grief joy love nervousness optimism pride realization relief "
    "remorse sadness surprise neutral"
)

CARD = DatasetCard(
    name="goemotions",
    summary="Reddit comments and their emotion: 27 emotions and neutral, comments with a single label only",
    classes=tuple(EMOTIONS.split()),
    shape=(LENGTH, VOCABULARY),
    train=36_308,
    test=4_590,
    mean=(),
    std=(),
    source=f"{URL} (Demszky et al. 2020), MD5 of our copy: train.tsv {TRAIN.md5}, test.tsv {TEST.md5}; "
    "official split without rows of several labels, dev unused",
    licence="CC BY 4.0, as all data of its repository; Reddit comments, some of them offensive",
    load=load,
    modality="text",
    class_counts=(
        *(2710, 1652, 1025, 1451, 1873, 649, 858, 1389, 389, 709, 1402, 498, 203, 510),
        *(430, 1857, 39, 853, 1427, 85, 861, 51, 586, 88, 353, 817, 720, 12_823),
    ),
)
