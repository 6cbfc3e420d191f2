"""The synthetic study in the shapes that a report must bear: nothing, one seed, holes, labels, steps, one method, …"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from reunlearn.reporting.experiment import OWN_COLUMNS, ExperimentData, Tables
from reunlearn.reporting.paper_data import PaperData
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.claims import Claim
from tests.reporting.paper_tables import laid_out, paper_data
from tests.reporting.synthetic import Made

Shape = Callable[[pd.DataFrame], pd.DataFrame]
MANY = 30
CLAIMS = [
    Claim.model_validate(
        {
            "name": f"{expects} {number}",
            "says": "what is claimed & more",
            "source": "Table 1",
            "experiments": ["random-0.2", "class-3"],
            "row": "pgu",
            "number": number,
            "expects": expects,
            "margin": 2.0 if expects == "within" else 0.0,
        }
    )
    for expects in ("lower", "within")
    for number in ("avg_gap", "accuracy_test", "nobody_measured")
]
REFERENCES = ("retrain", "noise_floor", "original")


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({name: object for name in ("method", "label") if name in frame})


def _one_seed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["train_seed"] == 0]


def _labels(frame: pd.DataFrame) -> pd.DataFrame:
    more = [frame[frame["method"] == "pgu"].assign(label=label) for label in ("wide & long", "no_bank")]
    return pd.concat([frame, *more])


def _steps(frame: pd.DataFrame) -> pd.DataFrame:
    if "metric" not in frame:
        return frame
    earlier = frame[frame["metric"] == "size_forget"].assign(metric="size_earlier", value=50.0)
    return pd.concat([frame, earlier])


def _one_method(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["method"].isin([*REFERENCES, "pgu"])]


def _no_reference(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~frame["method"].isin(REFERENCES)]


def _thirty(frame: pd.DataFrame) -> pd.DataFrame:
    one = frame[frame["method"] == "pgu"]
    return pd.concat([frame, *(one.assign(method=f"method_{k:02d}") for k in range(MANY))])


SHAPES: dict[str, tuple[str, Shape]] = {  # the study's fixture, and what is made of its tables
    "whole": ("whole", lambda frame: frame),
    "empty": ("nothing", lambda frame: frame),
    "one seed": ("whole", _one_seed),
    "a diverged seed": ("holed", lambda frame: frame),
    "labels": ("whole", _labels),
    "steps": ("whole", _steps),
    "one method": ("whole", _one_method),
    "no reference": ("whole", _no_reference),
    "thirty methods": ("whole", _thirty),
}


RARE = ("one seed", "labels", "steps", "no reference", "thirty methods")  # by make test-thorough
EACH = [pytest.param(shape, marks=pytest.mark.thorough if shape in RARE else ()) for shape in SHAPES]


def shaped(made: Made, shape: Shape, scope: str, **changes: Any) -> ExperimentData | StudyData | PaperData:
    """Return the data of one experiment, of the whole study or of a paper's table, in another shape."""
    experiments = [_experiment(made, shape, e.name, **changes) for e in made.study.experiments]
    if scope == "paper":
        return paper_data(laid_out([meeting.cell for meeting in changes.get("printed", ())]), experiments)
    return experiments[-1] if scope == "experiment" else StudyData(experiments, made.job().whole, CLAIMS)


def _experiment(made: Made, shape: Shape, name: str, **changes: Any) -> ExperimentData:
    tables = Tables(made.tables, name)
    known = {table: shape(_plain(tables[table])) for table in ("results", *OWN_COLUMNS)}
    return made.data(name, **known, **changes)
