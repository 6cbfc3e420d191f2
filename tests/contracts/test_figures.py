"""What every figure of the report keeps; a new file in reporting/figures/ joins by being there."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from reunlearn.reporting.drawing import style
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.points import COLUMNS
from reunlearn.reporting.figures import registry
from reunlearn.reporting.tables import registry as tables
from reunlearn.study.cards import FigureCard
from reunlearn.study.catalogue import plugin_names
from tests.contracts.shapes import EACH, SHAPES, shaped

NAMES = plugin_names("figures")
# they show what only some studies hold: sweeps, steps, whole classes, logs
NEED_MORE = [name for name in NAMES if registry.card(name).log or not registry.card(name).default]
COLOURS = {*style.VARIABLES, *style.DARK.values(), "#000000"}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_says_what_it_is_and_which_table_it_belongs_to(name: str) -> None:
    card = registry.card(name)
    assert isinstance(card, FigureCard)
    assert card.name == name
    assert card.title[0].isupper() and card.summary and not card.summary.endswith(".")
    assert tables.card(card.table).scope == card.scope


@pytest.mark.parametrize("shape", EACH)
@pytest.mark.parametrize("name", NAMES)
def test_it_draws_or_says_why_not(name: str, shape: str, request) -> None:
    fixture, change = SHAPES[shape]
    data = shaped(request.getfixturevalue(fixture), change, registry.card(name).scope)
    drawn = registry.get(name).draw(data)
    if isinstance(drawn, str):
        assert not drawn or drawn.endswith(".")
        # tests/reporting/figures looks at those of generators, which this study has none of
        assert shape not in ("whole", "thirty methods") or name in NEED_MORE or registry.card(name).samples
        return
    check(name, drawn)


@pytest.mark.parametrize("name", NEED_MORE)
def test_it_draws_what_a_study_with_sweeps_and_logs_holds(name: str, sweeps) -> None:
    if registry.card(name).scope == "study":
        drawn = [registry.get(name).draw(sweeps.whole())]
    else:
        drawn = [registry.get(name).draw(sweeps.data(e.name)) for e in sweeps.study.experiments]
    shown = [figure for figure in drawn if not isinstance(figure, str)]
    assert shown
    for figure in shown[:2]:
        check(name, figure)


def check(name: str, drawn: Drawn) -> None:
    """Refuse what a page cannot show."""
    assert drawn.caption.endswith(".")
    if registry.card(name).points:
        assert len(drawn.points) and list(drawn.points) == COLUMNS
    svg = style.to_svg(drawn.figure)
    ElementTree.fromstring(svg)
    assert set(re.findall(r"#[0-9a-f]{6}\b", svg)) <= COLOURS
