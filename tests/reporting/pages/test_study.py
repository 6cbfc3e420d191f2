"""The page and the files beside it, whole, with holes, and of nothing."""

from __future__ import annotations

import html.parser
import re
from collections import Counter
from pathlib import Path
from urllib.parse import quote

import pytest

from reunlearn.reporting.parts.missing import find_holes
from reunlearn.reporting.tables.methods import average_gaps
from tests.reporting.conftest import report_of, report_with_holes

VOID = {"meta", "link", "br", "wbr", "img", "input", "hr"}


class Page(html.parser.HTMLParser):
    """Collects identifiers, links and text; refuses tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: Counter[str] = Counter()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Note a tag."""
        self.attributes += attrs
        self.ids.update(v for k, v in attrs if k == "id")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        """Note a tag without content."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        """Check that it closes the last one opened."""
        assert self.open.pop() == tag

    def handle_data(self, data):
        """Collect text that is shown."""
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data


@pytest.mark.parametrize("name", ["whole_report", "holed_report", "empty_report"])
def test_the_page_is_well_formed_and_self_contained(name, request):
    report = request.getfixturevalue(name)
    page = Page(report.page)
    assert page.open == []
    assert [i for i, count in page.ids.items() if count > 1] == []
    for key, value in page.attributes:
        if key in ("href", "src", "xlink:href", "popovertarget"):
            assert value is not None
            assert not value.startswith(("http", "//", "data:"))
        if key == "popovertarget" or (key in ("href", "xlink:href") and value.startswith("#")):
            assert value.removeprefix("#") in page.ids
    referenced = set(re.findall(r"url\(#([^)]+)\)", report.page))
    assert referenced <= set(page.ids)


@pytest.mark.parametrize("name", ["whole_report", "holed_report", "empty_report"])
def test_links_to_tables_and_figures_lead_somewhere(name, request):
    report = request.getfixturevalue(name)
    linked = {
        v.split("#")[0]
        for k, v in Page(report.page).attributes
        if k in ("href", "src") and v.startswith(("tables/", "figures/", "runs/"))
    }
    assert len(linked) > 10
    assert linked <= set(report.files)


@pytest.mark.parametrize("name", ["whole_report", "holed_report", "empty_report"])
def test_every_table_leads_to_the_runs_of_its_rows(name, request, whole):
    report = request.getfixturevalue(name)
    pages = {n: Page(text) for n, text in report.files.items() if n.startswith("runs/")}
    assert set(pages) == {"runs/random-0.2.html", "runs/class-3.html"}
    targets = [
        v for k, v in Page(report.page).attributes if k == "href" and v.startswith("runs/") and "#" in v
    ]
    assert len(targets) > 50
    for target in set(targets):
        page, anchor = target.split("#")
        assert anchor in pages[page].ids
    linked = {v for page in pages.values() for k, v in page.attributes if k == "href"}
    for run in whole.gathered.runs:
        page = f"runs/{run.experiment}.html"
        assert f"reunlearn show {run.model}" in pages[page].text
        assert f"{run.model}/specification.json" in pages[page].text
        assert f"../../../{quote(run.model)}/specification.json" in linked
        assert all(f"../../../{quote(folder)}/" in linked for folder in run.measured.values())


def test_a_report_is_the_same_on_two_cores(holed, holed_report):
    assert report_with_holes(holed, cores=2) == holed_report


def test_runs_that_are_not_on_this_disk_are_named_but_not_linked(whole):
    report = report_of(whole, root=None, figures=False)
    assert "../runs/" not in "".join(text for text in report.files.values() if isinstance(text, str))
    assert "reunlearn show" in report.files["runs/class-3.html"]


def test_a_number_is_defined_once_however_many_tables_show_it(whole_report):
    cards = re.findall(r'<div class="card".*?</div>', whole_report.page, flags=re.DOTALL)
    buttons = re.findall(r'popovertarget="([^"]+)"', whole_report.page)
    contents = [re.sub(r'id="[^"]+"', "", card) for card in cards]
    assert len(set(contents)) == len(contents) == len(set(buttons)) < len(buttons)


def test_a_single_file_holds_everything(whole):
    report = report_of(whole, single=True)
    page = Page(report.page)
    assert report.files == {}
    assert report.page.count("<svg") > 8
    assert [i for i, count in page.ids.items() if count > 1] == []
    for key, value in page.attributes:
        if key in ("href", "src", "xlink:href") and not value.startswith("../../runs/"):
            assert value.startswith("#") and value[1:] in page.ids, value
    assert set(re.findall(r"url\(#([^)]+)\)", report.page)) <= set(page.ids)


def test_cells_carry_the_number_by_which_they_are_sorted(whole, whole_report):
    table = re.search(r'id="table-class-3-methods".*?</table>', whole_report.page, flags=re.DOTALL)
    assert table is not None
    values = [float(v) for v in re.findall(r'<td[^>]* data-value="([^"]+)"', table[0])]
    gaps = average_gaps(whole.data("class-3")).values()
    assert all(min(abs(gap - v) for v in values) < 1e-4 for gap in gaps)
    assert '<td class="muted">—</td>' in table[0]  # what has no number sorts last


def test_text_is_escaped(whole_report):
    assert "Digits &lt;quick &amp; synthetic&gt;" in whole_report.page
    assert "<quick" not in whole_report.page
    assert "Retrain&#39;s value &lt;not 50&gt;" in whole_report.page


def test_the_whole_page_shows_the_findings_and_how_to_make_it_again(whole_report):
    text = " ".join(Page(whole_report.page).text.split())
    assert "7 unlearning methods in 8 rows" in text
    assert "comes closest to Retrain" in text
    assert "Incomplete" not in text
    assert "make reproduce STUDY=synthetic" in text
    assert "λ < ½ is never reached & stays" in text
    assert "0123456789ab" in text


def test_reading_and_label_stand_apart_from_the_method(whole_report):
    reading, label = '<span class="badge reading">code</span>', '<span class="badge">wide</span>'
    heading = f'<th scope="row"><span class="name">gdr_<wbr>gma {reading} {label}</span>'
    tables = re.findall(r"<tbody>.*?</tbody>", whole_report.page, flags=re.DOTALL)
    assert len([table for table in tables if heading in table]) > 10
    body = re.sub(r"<svg.*?</svg>", "", whole_report.page, flags=re.DOTALL)
    assert not re.search(r"<t[hd][^>]*>[^<]*(?:<wbr>)?[^<]*@", body)


def test_exports_have_three_columns_that_name_a_row(whole_report):
    names = [name for name in whole_report.files if name.startswith("tables/")]
    for name in names:
        head = whole_report.files[name].splitlines()
        if name.endswith(".csv"):
            assert head[0].startswith("method,reading,label,"), name
            rows = [line for line in head if line.startswith("gdr_gma")]
            assert {tuple(row.split(",")[1:3]) for row in rows} <= {("paper", ""), ("code", "wide")}
        elif name.endswith(".md"):
            assert head[2].startswith("| Method | Reading | Label | "), name
            assert any(line.startswith("| gdr_gma | code | wide | ") for line in head), name
        else:
            assert any(line.startswith("Method & Reading & Label & ") for line in head), name
            assert any(line.startswith(r"gdr\_gma & code & wide & ") for line in head), name


def test_files(whole_report):
    for experiment in ("random-0.2", "class-3"):
        for table in ("methods", "attacks"):
            assert {f"tables/{experiment}-{table}.{kind}" for kind in ("csv", "tex", "md")} <= set(
                whole_report.files
            )
        for figure in ("gap_time", "roc", "loss_histograms", "entropy_histograms"):
            assert whole_report.files[f"figures/{experiment}-{figure}.pdf"].startswith(b"%PDF")
            assert "<svg" in whole_report.files[f"figures/{experiment}-{figure}.svg"]
        for figure in ("roc", "loss_histograms", "entropy_histograms"):
            numbers = whole_report.files[f"figures/{experiment}-{figure}.csv"].splitlines()
            assert numbers[0] == "panel,series,x,y"
            assert len(numbers) > 50


def test_holes_are_named_with_their_logs(holed, holed_report):
    text = " ".join(Page(holed_report.page).text.split())
    assert "Incomplete: 20 of " in text
    assert "19 jobs not begun" in text
    for folder in holed.gathered.missing:
        assert f"logs/{folder}.log" in text
    assert "1 diverged" in text
    assert "1 missing" in text


def test_holes_know_their_stage_and_whether_they_began(holed):
    missing = holed.gathered.missing
    holes = find_holes(missing, {missing[3]})
    assert [h.folder for h in holes if h.begun] == [missing[3]]
    assert holes[0].folder == missing[3]
    assert Counter(h.stage for h in holes) == {"unlearn": 4, "measure": 16}


def test_a_study_of_which_nothing_ran_still_has_a_page(empty_report):
    text = " ".join(Page(empty_report.page).text.split())
    assert "No method can be ranked" in text
    assert "No job has finished yet" in text
    assert "No histograms" in text
    assert not [name for name in empty_report.files if name.startswith("figures/")]


def test_templates_are_package_data():
    templates = Path(__file__).parents[3] / "src/reunlearn/reporting/pages/templates"
    used = set()
    for path in templates.glob("*.html"):
        used |= set(re.findall(r'{% (?:include|from|extends) "([^"]+)"', path.read_text()))
    assert used | {"page.html", "audit.html", "runs.html", "overview.html"} == {
        p.name for p in templates.iterdir()
    }
