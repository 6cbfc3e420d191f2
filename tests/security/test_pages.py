"""Texts of a study, a paper, a preset or a record are shown as they are and never run: page, LaTeX, Markdown, CSV."""

from __future__ import annotations

import csv
import html
import html.parser
import io
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from reunlearn.artifacts.record import Git, Record
from reunlearn.reporting.cells import AsPrinted, Cell, Column, Row, Table
from reunlearn.reporting.drawing import style
from reunlearn.reporting.pages import export, overview
from reunlearn.reporting.pages.report import Report
from reunlearn.reporting.pages.study import make_report
from reunlearn.reporting.pages.view import TEMPLATES
from reunlearn.reporting.rows import NOBODY
from reunlearn.study.cards import Catalogue, TableCard
from reunlearn.study.layout import Layout
from reunlearn.study.origin import Origin
from reunlearn.study.specs import RowSpec
from tests.reporting.paper_tables import laid_out, numbered
from tests.reporting.synthetic import forgotten
from tests.study.printed_cells import cell

HOSTILE = (
    """"'></style></script></title><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}{% x %}"""
    "$x_{$&amp;\\"
)
# what cards of plugins say in words
WORDS = {"summary", "compares", "ideal", "paper", "code", "where", "idea", "title"}


class Page(html.parser.HTMLParser):
    """Collects what would run: scripts, attributes of events, addresses; and what is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.bad: list[str] = []
        self.shown = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self._inside = tag
        if tag == "script":
            self.scripts.append("")
        self.bad += [tag] if tag in ("iframe", "object", "embed", "base") else []
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or address.startswith(("javascript:", "data:text")) or value == "x":
                self.bad.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        """Note that it is left."""
        self._inside = ""

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.shown += data


def spoilt(content: Any, key: str = "") -> Any:
    """Return JSON in which all words of cards end with something hostile."""
    if isinstance(content, dict):
        return {k: spoilt(v, k) for k, v in content.items()}
    if isinstance(content, list | tuple):
        return [spoilt(v, key) for v in content]
    return content + HOSTILE if isinstance(content, str) and key in WORDS and content else content


def record_of(record: Record) -> Record:
    """Return a record whose words are hostile."""
    words = {"processor": f"cpu{HOSTILE}", "host": f"host{HOSTILE}", "versions": {"torch": f"2{HOSTILE}"}}
    return record.model_copy(update={**words, "git": Git(commit=f"abc{HOSTILE}", dirty=False)})


@pytest.fixture(scope="module", params=["page", "single file"])
def report(holed: Any, request: pytest.FixtureRequest) -> Report:
    """The report of a study with holes, in which every word of study, paper, presets, cards and records is hostile."""
    numbers = numbered(*(cell(m, fraction=f) for m in ("Retrain", f"SalUn{HOSTILE}") for f in ("20%", "50%")))
    table = laid_out(
        [number.model_copy(update={"note": f"note{HOSTILE}"}) for number in numbers],
        rows=("dataset", "method"),
        columns=("fraction", "metric"),
        title=f"Table{HOSTILE}",
        caption=f"caption{HOSTILE}",
        headings={"fraction": {"20%": f"a fifth{HOSTILE}"}},
        says={numbers[0].metric: f"says{HOSTILE}"},
    )
    study = holed.study.model_copy(update={"title": f"Title{HOSTILE}", "description": f"Words{HOSTILE}"})
    job = holed.job(
        study=study,
        cards=Catalogue.model_validate(spoilt(holed.cards.model_dump(mode="json"))),
        forgotten={name: f"forgotten{HOSTILE}" for name in forgotten(study)},
        paper_tables=(table,),
        of_paper=Layout(("paper",), ()),
        origins={
            e.name: (Origin(RowSpec(method="pgu"), "printed", f"source{HOSTILE}"),) for e in study.experiments
        },
    )
    few = {name: replace(layout, figures=layout.figures[:1]) for name, layout in job.sections.items()}
    jobs = {
        folder: result.model_copy(update={"record": record_of(result.record)})
        for folder, result in holed.gathered.jobs.items()
    }
    return make_report(
        replace(job, sections=few),
        holed.tables,
        holed.gathered.model_copy(update={"jobs": jobs}),
        logs={holed.gathered.missing[0]},
        single=request.param == "single file",
    )


def pages_of(report: Report) -> dict[str, str]:
    """Return all pages by their name."""
    beside = {name: str(text) for name, text in report.files.items() if name.endswith(".html")}
    return {"index.html": report.page, **beside}


def test_nothing_in_a_page_runs_but_our_own_script(report: Report) -> None:
    own = (TEMPLATES / "page.js").read_text(encoding="utf-8").strip()
    for name, text in pages_of(report).items():
        page = Page(text)
        assert page.bad == [], name
        assert [script.strip() for script in page.scripts] == [own], name
        assert "49" not in page.shown.partition("alert(1)")[2][:40]


def test_what_is_hostile_is_shown_as_it_is(report: Report) -> None:
    """Control: the words reached the page."""
    shown = Page(report.page).shown
    for word in ("Title", "Words", "Table", "caption", "a fifth", "forgotten", "source", "cpu", "2"):
        assert f"{word}{HOSTILE}" in shown, word


def test_no_text_leaves_the_style_or_the_script(report: Report) -> None:
    for text in pages_of(report).values():
        assert text.count("<style>") == 1
        assert text.lower().count("</script>") == 1
        assert text.lower().count("</title>") == 1 + text.count("<title>", text.index("</title>"))


def test_control_what_would_run_is_seen() -> None:
    for text in (
        "<script>alert(1)</script>",
        "<b onclick='x()'>",
        "<a href=' JavaScript:x()'>",
        "<iframe src=a>",
        "<img src=x>",
    ):
        page = Page(f"<p>{text}</p>")
        assert page.bad or page.scripts


def test_the_list_of_reports_escapes_what_they_say() -> None:
    summary = overview.Summary(
        kind="study", title=f"T{HOSTILE}", headline=f"H{HOSTILE}", experiments=2, made="", jobs=1, missing=0
    )
    page = Page(overview.list_page([overview.Entry('a b"><script>', summary), overview.Entry("old", None)]))
    assert page.bad == []
    assert len(page.scripts) == 1
    assert f"T{HOSTILE}" in page.shown


TABLE = Table(
    TableCard(name="paper", title="T", summary="s", order=1),
    "x",
    (Column("a", f"A|{HOSTILE}\n# b", "%", group="g|\r\n"),),
    (
        Row(
            NOBODY,
            (Cell(f"1\n{HOSTILE}"),),
            title=f"r|{HOSTILE}\n\n- x",
            group=f"*g* [l](javascript:x) {HOSTILE}",
        ),
    ),
    printed=AsPrinted(f"T{HOSTILE}\n", f"caption{HOSTILE}\n\\input{{/etc/passwd}}", "Group", "Row"),
)


def test_latex_prints_it_and_a_comment_stays_one() -> None:
    text = export.tex(TABLE)
    first, second = text.splitlines()[:2]
    assert first.startswith("% ")
    assert second.startswith(r"\begin{tabular}")
    commands = set(re.findall(r"\\[a-zA-Z]+", text.partition("\n")[2]))
    known = {r"\begin", r"\end", r"\toprule", r"\midrule", r"\bottomrule", r"\multicolumn", r"\textbackslash"}
    assert commands <= known | {r"\textasciicircum", r"\textasciitilde", r"\textless", r"\textgreater"}
    assert not re.search(r"(?<!\\)[&#$%_]", text.splitlines()[-4].replace(" & ", "").replace("$\\pm$", ""))


def test_markdown_keeps_its_cells_and_holds_no_html_and_no_link() -> None:
    lines = export.markdown(TABLE).splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len(rows) == 3
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}
    assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(", export.markdown(TABLE))


@pytest.mark.parametrize(
    "text", ["=1+1", "+a", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n =1", "=HYPERLINK(1)"]
)
def test_csv_holds_no_formula(text: str) -> None:
    frame = pd.DataFrame(
        {text: [-1.5, float("-inf")], "b": [text, "plain"]}, index=pd.Index([text, "row"], name="a")
    )
    lines = [*csv.reader(io.StringIO(export.csv(frame), newline=""))]
    shown = f"'{text}".replace("\r", " ").replace("\n ", " ")
    assert lines[0] == ["a", shown, "b"]
    assert lines[1] == [shown, "-1.5", shown]
    assert lines[2] == ["row", "-inf", "plain"]


@pytest.mark.parametrize("text", ["-1.5", "+1e-3", "plain", "a = b", "—", "−1"])
def test_csv_leaves_numbers_and_words(text: str) -> None:
    assert export.csv(pd.DataFrame({"a": [text]}, index=pd.Index(["r"], name="k"))) == f"k,a\nr,{text}\n"


def test_figures_draw_it_as_text() -> None:
    with style.house_style():
        figure = Figure()
        axes = figure.subplots()
        axes.set_title(HOSTILE)
        axes.plot([1e-3, 1e3], [0, 1])
    svg = style.to_svg(figure)
    assert "<script" not in svg
    assert "<img" not in svg
    assert html.escape(HOSTILE[3:9], quote=False) in svg
    element = style.inline(svg, "f", f"label{HOSTILE}")
    assert Page(element).bad == Page(element).scripts == []
