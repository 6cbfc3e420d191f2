"""Where the settings of a row come from, as types: what presets say, what the report shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reunlearn.study.inputs import KEYS
from reunlearn.study.specs import RowSpec

Provenance = Literal["printed", "released", "searched", "unsearched"]
# values of several kinds have the last kind of them
MEANINGS: dict[Provenance, str] = {
    "printed": "all values stand in the paper of the experiment",
    "released": "the others are those of released code, for this dataset and this kind of forgetting",
    "searched": "found by a search that reads neither Retrain nor test data",
    "unsearched": "some are nobody's for this experiment: carried over from another, or chosen by hand",
}


@dataclass(frozen=True)
class Origin:
    """Where a row's settings come from.

    Attributes:
        row: of the table.
        provenance: of all of them together.
        source: which table, script, search, in words.
    """

    __pydantic_config__ = KEYS

    row: RowSpec
    provenance: Provenance
    source: str
