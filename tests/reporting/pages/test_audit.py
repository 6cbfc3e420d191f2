"""The page of an audit: a study's section without what only a study of several seeds can show."""

from __future__ import annotations

import re
from html import unescape

import pytest

from reunlearn.reporting.experiment import OWN_COLUMNS, Tables
from reunlearn.reporting.pages.audit import File, make_audit_page
from reunlearn.reporting.pages.report import Report
from tests.reporting.synthetic import Made

FILES = [File("model", "mine.safetensors", "ab" * 32)]
REFERENCES = ("retrain", "noise_floor", "original")


def audit(made: Made, *methods: str) -> Report:
    """Return the page on the models of seed 0 of some rows."""
    (experiment, *_) = made.study.experiments
    whole = Tables(made.tables, experiment.name)
    frames = {name: whole[name] for name in ("results", *OWN_COLUMNS)}
    known = {n: f[f.method.isin(methods) & (f.train_seed == 0)] for n, f in frames.items()}
    tables = Tables(made.tables, experiment.name, known)
    runs = [r for r in made.gathered.runs if r.row.method in methods and r.seeds.train == 0]
    return make_audit_page(
        made.study.model_copy(update={"experiments": (experiment,)}),
        tables,
        made.gathered.model_copy(update={"runs": tuple(runs)}),
        made.cards,
        files=FILES,
        left_out={"lira": "needs shadow models"},
        command="reunlearn audit --model mine.safetensors",
    )


def text_of(report: Report) -> str:
    """Return what the page shows."""
    page = re.sub(r"<(style|script|svg).*?</\1>", "", report.page, flags=re.DOTALL)
    return " ".join(unescape(re.sub("<[^>]+>", " ", page.replace("<wbr>", ""))).split())


@pytest.fixture(scope="module")
def page(whole) -> Report:
    """The audit of one model with all references."""
    return audit(whole, *REFERENCES, "lur")


def test_it_shows_the_model_beside_its_references(page):
    text = text_of(page)
    assert re.search(
        r"The audited model lies \d+\.\d\d points \(Avg\. Gap\) from Retrain; the original ", text
    )
    assert "one row per model" in text
    assert "Retain 240 samples" in text
    assert "60 of 300 samples" in text
    assert "lira did not run: needs shadow models." in text
    assert FILES[0].sha256 in text
    assert "reunlearn audit --model mine.safetensors" in text


def test_it_has_no_ranks_seeds_and_costs(page):
    text = text_of(page)
    assert "best" not in text
    assert "2nd" not in text
    assert not [name for name in page.files if "significance" in name or "costs" in name]
    assert not re.search("Run time|Passes|Seeds", text)


def test_without_a_reference_it_names_what_is_missing(whole):
    text = text_of(audit(whole, "original", "lur"))
    assert "There is no Retrain to compare with (--reference)" in text
