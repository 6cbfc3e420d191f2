"""The page and the files beside it, whole, with holes, and of nothing."""

from __future__ import annotations

import html.parser
import re
import shutil
import subprocess
from collections import Counter
from html import escape, unescape
from pathlib import Path

import pytest

from reunlearn.reporting.grids import method_grid
from reunlearn.reporting.holes import find_holes
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.tables import method_table

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
        v for k, v in Page(report.page).attributes if k == "href" and v.startswith(("tables/", "figures/"))
    }
    assert linked
    assert linked <= set(report.files)


def test_text_is_escaped(whole_report):
    assert "Digits &lt;quick &amp; synthetic&gt;" in whole_report.page
    assert "<quick" not in whole_report.page
    assert "Retrain&#39;s value &lt;not 50&gt;" in whole_report.page


def test_the_whole_page_shows_the_findings_and_how_to_make_it_again(whole, whole_report):
    text = " ".join(Page(whole_report.page).text.split())
    assert "7 unlearning methods in 8 rows" in text
    assert "comes closest to Retrain" in text
    assert "Incomplete" not in text
    assert "make reproduce STUDY=synthetic" in text
    assert "λ < ½ is never reached & stays" in text
    assert "0123456789ab" in text
    for run in whole.gathered.runs:
        assert f"reunlearn show {run.model}" in text


def test_reading_and_label_stand_apart_from_the_method(whole_report):
    reading, label = '<span class="badge reading">code</span>', '<span class="badge">wide</span>'
    heading = f'<th scope="row">gdr_<wbr>gma {reading} {label}</th>'
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
        for figure in ("gap-time", "roc", "loss", "entropy"):
            assert whole_report.files[f"figures/{experiment}-{figure}.pdf"].startswith(b"%PDF")
            assert "<svg" in whole_report.files[f"figures/{experiment}-{figure}.svg"]


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


def test_a_method_of_which_every_run_diverged_says_so(whole):
    results = whole.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    data = whole.data("class-3", results=results)
    grid = method_grid(method_table(data), data)
    cells = {row.key: row.cells for row in grid.rows}
    shown = [c.key for c in grid.columns]
    lur, pgu = RowKey("lur"), RowKey("pgu")
    assert cells[lur][shown.index("accuracy_forget")].main == "diverged"
    assert cells[lur][shown.index("runs")].below == "3 diverged"
    assert cells[pgu][shown.index("accuracy_forget")].main != "diverged"


def widths(page: str, width: int, folder: Path) -> tuple[int, int]:
    """Return (width of the content, width of the window) of a page in a frame, as a browser lays it out."""
    measure = "document.title = [frames[0].document.documentElement.scrollWidth, frames[0].innerWidth].join()"
    style = f"border:0;width:{width}px;height:900px"
    frame = f'<iframe style="{style}" srcdoc="{escape(page)}" onload="{measure}"></iframe>'
    (folder / "frame.html").write_text(f"<!doctype html><title>unset</title>{frame}")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
    ]
    options += ["--disable-component-update", "--disable-sync", f"--user-data-dir={folder / 'profile'}"]
    options += ["--window-size=1400,1000", "--dump-dom", (folder / "frame.html").as_uri()]
    done = subprocess.run(["chromium", *options], capture_output=True, text=True, timeout=120, check=True)
    title = re.search("<title>(.*?)</title>", done.stdout)
    assert title is not None
    content, window = map(int, unescape(title[1]).split(","))
    return content, window


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_does_not_scroll_sideways(holed_report, tmp_path, width):
    content, window = widths(holed_report.page, width, tmp_path)
    assert content <= window == width


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
def test_a_page_that_scrolls_sideways_would_be_noticed(empty_report, tmp_path):
    wide = empty_report.page.replace("</main>", '<div style="width: 600px">wide</div></main>')
    assert widths(wide, 390, tmp_path)[0] > 600


def test_templates_are_package_data():
    templates = Path(__file__).parents[2] / "src/reunlearn/reporting/templates"
    used = set()
    for path in templates.glob("*.html"):
        used |= set(re.findall(r'{% (?:include|from) "([^"]+)"', path.read_text()))
    assert used | {"page.html", "audit.html"} == {p.name for p in templates.iterdir()}
