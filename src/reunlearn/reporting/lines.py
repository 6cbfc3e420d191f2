"""Which run belongs to which line of a table: Retrain, the noise floor, the original, the methods."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reunlearn.study.expand import FLOOR_SEED

RETRAIN, FLOOR, ORIGINAL = "Retrain", "Noise floor", "Original"
REFERENCES = (RETRAIN, FLOOR, ORIGINAL)
RUN = ["train_seed", "split_seed", "method_seed"]


def line_of(row: dict[str, Any]) -> str:
    """Return the table line of a row of runs.json."""
    if row["name"] == "retrain":
        return FLOOR if row["method_seed"] >= FLOOR_SEED else RETRAIN
    return ORIGINAL if row["name"] == "original" else row["name"]


def with_line(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with a column `line`: a reference's name, or the method's row name.

    The second retrained model of each seed has a method seed of FLOOR_SEED or more: Retrain against Retrain.
    """
    if frame.empty:
        return frame.assign(line=pd.Series(dtype=object))
    line = frame["row"].astype(object).where(frame["row"] != "original", ORIGINAL)
    retrain = frame["row"] == "retrain"
    second = retrain & (frame["method_seed"] >= FLOOR_SEED)
    return frame.assign(line=line.mask(retrain, RETRAIN).mask(second, FLOOR))


def of_experiment(frame: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Return the lines of one experiment, with `line`; empty if there is nothing."""
    if frame.empty or "experiment" not in frame:
        return with_line(pd.DataFrame())
    return with_line(frame[frame["experiment"] == experiment])


def order(frame: pd.DataFrame) -> list[str]:
    """Return the lines of one experiment: the references first, then the methods as the study lists them."""
    present = list(dict.fromkeys(frame["line"]))
    return [r for r in REFERENCES if r in present] + [x for x in present if x not in REFERENCES]


def only_finished(frame: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return the entries of per-sample tables whose run finished; diverged outputs are no distribution."""
    if frame.empty:
        return frame
    keys = ["experiment", "row", *RUN]
    finished = results.loc[results["status"] == "finished", keys].drop_duplicates()
    return frame.merge(finished, on=keys, how="inner")
