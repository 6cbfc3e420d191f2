"""What every table of the report keeps; a new file in reporting/tables/ joins by being there."""

from __future__ import annotations

import pandas as pd
import pytest

from reunlearn.reporting import rows
from reunlearn.reporting.frames import COLUMNS, TESTS
from reunlearn.reporting.pages import export
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.tables import registry
from reunlearn.study.cards import TableCard
from reunlearn.study.catalogue import plugin_names
from tests.contracts.shapes import EACH, SHAPES, shaped
from tests.reporting.paper_tables import numbered
from tests.reporting.test_printed import meetings
from tests.study.printed_cells import cell

NAMES = plugin_names("tables")
PRINTED = numbered(cell(), cell(metric="RTE"), cell("SSD"), cell("Retrain"), cell(metric="Avg_Gap", std=""))


@pytest.fixture(params=EACH)
def data(request):
    """Return the data of a scope, in one shape after the other."""
    fixture, shape = SHAPES[request.param]
    made = request.getfixturevalue(fixture)
    return lambda scope: shaped(made, shape, scope, printed=meetings(*PRINTED))


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_it_is(name: str) -> None:
    card = registry.card(name)
    assert isinstance(card, TableCard)
    assert card.name == name
    assert card.title[0].isupper() and card.summary and "\n" not in card.summary
    assert not card.summary.endswith(".")


def test_no_two_tables_of_a_scope_stand_in_one_place() -> None:
    places = [(card.scope, card.order) for card in map(registry.card, NAMES)]
    assert len(set(places)) == len(places)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_computed_once_and_belongs_to_a_row(name: str, data) -> None:
    of = data(registry.card(name).scope)
    frame = of.frame(name)
    assert frame is of.frame(name)
    assert list(frame.index.names) == rows.KEY
    pd.testing.assert_frame_equal(frame, registry.get(name).compute(of))
    if set(COLUMNS) - set(TESTS) <= set(frame):
        assert not frame.reset_index().duplicated([*rows.KEY, "number"]).any()
        assert (frame["n"] >= 0).all()
        assert not (frame["gap"] < 0).any()
        assert not (frame["low"] > frame["high"]).any()


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_is_defined_and_whole(name: str, data) -> None:
    of = data(registry.card(name).scope)
    frame = of.frame(name)
    table = registry.get(name).show(frame, of)
    if table is None:
        return
    assert table.card == registry.card(name)
    assert table.of == of.name
    keys = [column.key for column in table.columns]
    assert len(set(keys)) == len(keys)
    assert all(column.card is not None and column.card.compares for column in table.columns)
    assert {row.key for row in table.rows} <= {RowKey(*key) for key in frame.index}
    for row in table.rows:
        assert len(row.cells) == len(table.columns)
        for shown in row.cells:
            assert shown.main
            assert not {"nan", "inf", "None"} & set(f"{shown.main} {shown.below}".split())
    assert export.tex(table).count(r"\\") == 1 + len(table.rows)
    lines = [line for line in export.markdown(table).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(table.rows)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_shown_of_a_whole_study_is_something(name: str, whole) -> None:
    of = shaped(whole, SHAPES["whole"][1], registry.card(name).scope, printed=meetings(*PRINTED))
    alone = "a file alone" in registry.card(name).summary
    # the synthetic study has no further measures, retains every class, searches nothing and draws nothing
    if name not in ("others", "confusion", "searches", "generated", "detections"):
        assert len(of.frame(name))
        assert (registry.get(name).show(of.frame(name), of) is None) == alone
