"""Where papers and released code differ: the methods of the study, their rows, what each row does."""

from __future__ import annotations

import copy
import re
from html import unescape

import synthetic

from reunlearn.reporting.ledger import Value, build
from reunlearn.reporting.page import make_report

SWITCH = {"default": "reading", "doc": "of both", "paper": "one", "code": "two"}
CARD = {
    "name": "made",
    "paper": "A paper",
    "rows": ["made@paper", "made@paper+turned", "made@code"],
    "divergences": [{"where": "Eq. 1", "paper": "so", "code": "otherwise"}],
    "hyperparameters": {"order": SWITCH, "rate": {"default": 0.1, "doc": "of it"}},
}


def row(name: str, **settings: str) -> dict:
    return {
        "name": name,
        "method": {"name": "made", "reading": name[5:].partition("+")[0], "settings": settings},
    }


def section(page: str) -> str:
    """Return the text of the ledger's part of a page; nothing where there is none."""
    found = re.search('<section id="divergences".*?</section>', page, re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", found[0].replace("<wbr>", ""))).split()) if found else ""


def test_rows_stand_under_their_reading_and_say_what_they_do():
    rows = [
        row("made@paper", order="one"),
        row("made@paper+turned", order="two"),
        row("made@code", order="two"),
    ]
    [entry] = build([CARD], rows)
    assert entry.readings == (("made@paper", "made@paper+turned"), ("made@code",))
    [switch] = entry.switches
    assert (switch.name, switch.meaning) == ("order", "of both")
    assert switch.values == (Value("one", True), Value("two", False), Value("two", True))


def test_a_value_left_to_the_reading_is_the_reading_s():
    rows = [row("made@paper"), row("made@code", order="reading")]
    [entry] = build([CARD | {"rows": ["made@paper", "made@code"]}], rows)
    assert entry.switches[0].values == (Value("one", True), Value("two", True))


def test_experiments_with_settings_of_their_own():
    rows = [row("made@code", order=value) for value in ("two", "one", "two")]
    [entry] = build([CARD | {"rows": ["made@code"]}], rows)
    assert entry.readings == ((), ("made@code",))
    assert entry.switches[0].values == (Value("two or one", False),)


def test_methods_of_one_reading_are_left_out():
    assert build([CARD | {"divergences": []}], [row("made@paper")]) == ()


def test_the_page_shows_the_methods_of_the_study_and_no_other(whole):
    catalogue = copy.deepcopy(synthetic.CATALOGUE)
    catalogue["methods"]["absent"] = {**catalogue["methods"]["gdr_gma"], "name": "absent"}
    text = section(make_report(**whole, catalogue=catalogue).page)
    assert "gdr_gma Paper of gdr_gma" in text
    assert "Paper gdr_gma@paper Released code gdr_gma@code Eq. 5 λ follows the loss λ < ½" in text
    assert "Hyper-parameter gdr_gma@paper gdr_gma@code Meaning" in text
    assert "bank_scope all last what it holds" in text
    assert "epochs" not in text
    assert "set otherwise" not in text
    assert "absent" not in text
    assert "pgu (Paper of pgu)" in text.partition("One reading only")[2]


def test_a_row_that_departs_from_its_reading_is_marked(whole):
    runs = copy.deepcopy(whole["runs"])
    for each in runs["rows"]:
        if each["name"] == "gdr_gma@paper":
            each["method"]["settings"]["bank_scope"] = "last"
    text = section(make_report(**{**whole, "runs": runs}, catalogue=synthetic.CATALOGUE).page)
    assert text.count("set otherwise") == 1
    assert "bank_scope last set otherwise last what it holds" in text


def test_a_reading_without_a_row_says_so(whole):
    runs = copy.deepcopy(whole["runs"])
    runs["rows"] = [r for r in runs["rows"] if r["name"] != "gdr_gma@code"]
    text = section(make_report(**{**whole, "runs": runs}, catalogue=synthetic.CATALOGUE).page)
    assert "Released code no row of this study" in text


def test_nothing_is_shown_where_no_method_differs(whole, whole_report):
    catalogue = copy.deepcopy(synthetic.CATALOGUE)
    catalogue["methods"]["gdr_gma"]["divergences"] = []
    page = make_report(**whole, catalogue=catalogue).page
    assert 'id="divergences"' not in page
    assert "#divergences" not in page
    assert whole_report.page.count('id="divergences"') == whole_report.page.count('href="#divergences"') == 1
