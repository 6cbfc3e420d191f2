"""Where papers and released code differ: the methods of the study, their rows, what each row does."""

from __future__ import annotations

import dataclasses
import re
import shutil
from html import unescape

import pandas as pd

from reunlearn.reporting.parts.divergences import Used, Value, build, used_methods
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.study.cards import Divergence, Hyperparameter
from reunlearn.study.specs import MethodSpec, RowSpec, RunSpec
from tests.reporting import cards, synthetic
from tests.reporting.conftest import report_of

PAPER, TURNED = RowKey("made", "paper"), RowKey("made", "paper", "turned")
CODE = RowKey("made", "code")
CARD = cards.method(
    "made",
    readings=("paper", "code"),
    divergences=(Divergence(where="Eq. 1", paper="so", code="otherwise"),),
    hyperparameters={
        "order": Hyperparameter(type="str", default="reading", doc="of both", paper="one", code="two"),
        "rate": Hyperparameter(type="float", default=0.1, doc="of it"),
    },
)


def run(row: RowKey, **settings: str) -> RunSpec:
    """Return a run of a row with these hyper-parameters."""
    spec = RowSpec.model_validate({k: v or None for k, v in row._asdict().items()})
    planned = synthetic.run_of(synthetic.study().experiments[0], next(iter(synthetic.METHODS)), 0)
    method = MethodSpec(name=row.method, reading=spec.reading, settings=settings)
    return planned.changed(row=spec, method=method)


def with_card(made, **changes):
    """Return the study with another card of gdr_gma."""
    methods = made.cards.methods
    changed = {**methods, "gdr_gma": methods["gdr_gma"].model_copy(update=changes)}
    return dataclasses.replace(made, cards=made.cards.model_copy(update={"methods": changed}))


def with_runs(made, runs):
    """Return the study with other runs."""
    gathered = made.gathered.model_copy(update={"runs": tuple(runs)})
    return dataclasses.replace(made, gathered=gathered)


def section(page: str) -> str:
    """Return the text of the ledger's part of a page; nothing where there is none."""
    found = re.search('<section id="divergences".*?</section>', page, re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", found[0].replace("<wbr>", ""))).split()) if found else ""


def test_rows_stand_under_their_reading_and_show_what_they_do():
    runs = [run(PAPER, order="one"), run(TURNED, order="two"), run(CODE, order="two")]
    [entry] = build([Used(CARD, (PAPER, TURNED, CODE))], runs)
    assert entry.readings == ((PAPER, TURNED), (CODE,))
    [switch] = entry.switches
    assert (switch.name, switch.meaning) == ("order", "of both")
    assert switch.values == (Value("one", True), Value("two", False), Value("two", True))


def test_a_value_left_to_the_reading_is_the_reading_s():
    [entry] = build([Used(CARD, (PAPER, CODE))], [run(PAPER), run(CODE, order="reading")])
    assert entry.switches[0].values == (Value("one", True), Value("two", True))


def test_experiments_with_settings_of_their_own():
    runs = [run(CODE, order=value) for value in ("two", "one", "two")]
    [entry] = build([Used(CARD, (CODE,))], runs)
    assert entry.readings == ((), (CODE,))
    assert entry.switches[0].values == (Value("two or one", False),)


def test_methods_of_one_reading_are_left_out():
    assert build([Used(CARD.model_copy(update={"divergences": ()}), (PAPER,))], [run(PAPER)]) == ()


def test_methods_stand_in_the_order_of_the_runs_each_with_its_rows():
    used = used_methods([run(CODE), run(PAPER), run(CODE)], {"made": CARD, "absent": CARD})
    assert used == [Used(CARD, (CODE, PAPER))]


def test_the_page_shows_the_methods_of_the_study_and_no_other(whole):
    methods = whole.cards.methods
    more = {**methods, "absent": methods["gdr_gma"].model_copy(update={"name": "absent"})}
    catalogue = whole.cards.model_copy(update={"methods": more})
    text = section(report_of(dataclasses.replace(whole, cards=catalogue), figures=False).page)
    assert "gdr_gma Paper of gdr_gma" in text
    assert "Paper gdr_gma paper Released code gdr_gma code wide Eq. 5 λ follows the loss λ < ½" in text
    assert "Hyper-parameter gdr_gma paper gdr_gma code wide Meaning" in text
    assert "bank_scope all last what it holds" in text
    assert "epochs" not in text
    assert "set to another value" not in text
    assert "absent" not in text
    assert "pgu (Paper of pgu)" in text.partition("One reading only")[2]


def test_a_row_that_departs_from_its_reading_is_marked(whole):
    runs = [
        planned.changed(method=planned.method.changed(settings={"bank_scope": "last"}))
        if planned.row.reading == "paper"
        else planned
        for planned in whole.gathered.runs
    ]
    text = section(report_of(with_runs(whole, runs), figures=False).page)
    assert text.count("set to another value") == 1
    assert "bank_scope last set to another value last what it holds" in text


def test_a_reading_without_a_row_is_named(whole, tmp_path):
    runs = [planned for planned in whole.gathered.runs if planned.row.reading != "code"]
    shutil.copytree(whole.tables.folder, tmp_path, dirs_exist_ok=True)
    for name in ("runs", "results"):
        table = pd.read_parquet(tmp_path / f"{name}.parquet")
        table[table["reading"] != "code"].to_parquet(tmp_path / f"{name}.parquet", index=False)
    made = dataclasses.replace(whole, tables=StudyTables(tmp_path))
    assert "Released code no row of this study" in section(
        report_of(with_runs(made, runs), figures=False).page
    )


def test_nothing_is_shown_where_no_method_differs(whole, whole_report):
    page = report_of(with_card(whole, divergences=()), figures=False).page
    assert 'id="divergences"' not in page
    assert "#divergences" not in page
    assert whole_report.page.count('id="divergences"') == whole_report.page.count('href="#divergences"') == 1
