"""Whose numbers are compared: rows whose samples other weights judged are marked, in every table that shows them."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

from reunlearn.reporting import judges
from reunlearn.reporting.parts.setting import setting
from reunlearn.reporting.rows import KEY, RETRAIN, SEEDS, RowKey
from reunlearn.study.generators import Sampling
from reunlearn.study.schema import Classifier
from tests.reporting import cards
from tests.reporting.reading import shown

EXPERIMENT, PGU, LUR = "class-3", RowKey("pgu"), RowKey("lur")
OURS, OTHERS = "a" * 64, "b" * 64


def data_of(whole, **other: str):
    """Return an experiment whose samples one classifier judged, but for those of some rows."""
    runs = whole.data(EXPERIMENT).results.drop_duplicates([*KEY, *SEEDS])[[*KEY, *SEEDS]]
    table = runs.assign(network="classifier", weights=[other.get(name, OURS) for name in runs["method"]])
    number = cards.number("clf_fd").model_copy(update={"table": "generated"})
    measure = cards.measure("comparison").model_copy(update={"numbers": {"clf_fd": number}})
    catalogue = whole.cards.model_copy(update={"measures": whole.cards.measures | {"comparison": measure}})
    results = whole.results.replace({"metric": {"kl_test": "clf_fd"}})
    return whole.data(EXPERIMENT, judges=table, results=results, cards=catalogue)


def test_one_classifier_is_named_and_no_row_is_marked(whole) -> None:
    data = data_of(whole)
    assert judges.judges_of(data)[PGU] == {"classifier": {OURS}}
    assert judges.weights_of(data) == {"classifier": OURS}
    assert judges.remarks_of(data) == {}
    table = shown(data, "generated")
    assert [column.key for column in table.columns] == ["clf_fd"]
    assert OURS[: judges.DIGITS] in table.notes[0] and OURS not in table.notes[0]


def test_a_row_that_another_classifier_judged_is_marked(whole) -> None:
    data = data_of(whole, pgu=OTHERS)
    assert judges.weights_of(data) == {"classifier": OURS}
    for name in ("generated", "methods"):
        remarks = {row.key: row.remark for row in shown(data, name).rows}
        assert "other weights" in remarks.pop(PGU)
        assert set(remarks.values()) == {""} and {RETRAIN, LUR} <= set(remarks)


def test_a_row_is_marked_if_one_of_its_runs_was_judged_otherwise(whole) -> None:
    table = data_of(whole).tables["judges"].copy()
    table.loc[(table["method"] == "lur") & (table["train_seed"] == 1), "weights"] = OTHERS
    assert set(judges.remarks_of(whole.data(EXPERIMENT, judges=table))) == {LUR}


def test_networks_are_compared_each_for_itself(whole) -> None:
    table = data_of(whole).tables["judges"]
    both = pd.concat([table, table.assign(network="Inception", weights=OTHERS)])
    data = whole.data(EXPERIMENT, judges=both)
    assert judges.weights_of(data) == {"classifier": OURS, "Inception": OTHERS}
    assert judges.remarks_of(data) == {}


def test_where_nothing_is_judged_nothing_is_said(whole) -> None:
    data = whole.data(EXPERIMENT)
    assert judges.judges_of(data) == {} == judges.remarks_of(data)
    assert "Classifier" not in dict(setting(data))


@pytest.mark.parametrize("judged", [True, False])
def test_the_facts_of_an_experiment_say_how_samples_are_drawn_and_judged(whole, judged) -> None:
    data = data_of(whole) if judged else whole.data(EXPERIMENT)
    classifier = Classifier.model_validate(
        {"architecture": {"name": "small_cnn"}, "recipe": "digits-classifier"}
    )
    update = {"sampling": Sampling(images=40, steps=10, guidance=1.0), "classifier": classifier}
    data = dataclasses.replace(data, experiment=data.experiment.model_copy(update=update))
    facts = dict(setting(data))
    assert facts["Samples"] == "40 of each class, 10 steps of DDIM, guidance 1"
    assert facts["Classifier"].startswith("small_cnn by digits-classifier, seed 0")
    assert (OURS[: judges.DIGITS] in facts["Classifier"]) is judged
