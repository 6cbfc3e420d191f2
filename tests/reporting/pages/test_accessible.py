"""What people need of the page: screen reader, keyboard, narrow screens, both themes; in a browser where one is."""

from __future__ import annotations

import dataclasses
import itertools
import re

import pytest

from tests.reporting.pages.browser import ask, findings, needs_axe, needs_chromium
from tests.reporting.pages.test_audit import REFERENCES, audit

PAGES = ("holed_report", "audit_report")


@pytest.fixture(scope="module")
def audit_report(whole):
    """The page of an audit."""
    return audit(whole, *REFERENCES, "lur")


@needs_chromium
@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(name, width, scheme, request, tmp_path):
    assert findings(request.getfixturevalue(name), tmp_path, width, scheme) == []


@needs_chromium
@needs_axe
def test_control_axe_finds_a_picture_without_words(audit_report, tmp_path):
    worse = dataclasses.replace(audit_report, page=re.sub(r' alt="[^"]*"', "", audit_report.page))
    assert "image-alt" in str(findings(worse, tmp_path, 1280, "light"))


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_the_page_does_not_scroll_sideways(name, request, tmp_path, width):
    script = """
    for (const details of page.document.querySelectorAll("details")) details.open = true;
    answer([page.document.documentElement.scrollWidth, page.innerWidth]);
    """
    content, window = ask(request.getfixturevalue(name), tmp_path, script, width=width)
    assert content <= window == width


@needs_chromium
def test_control_a_page_that_scrolls_sideways_is_noticed(empty_report, tmp_path):
    page = empty_report.page.replace("</main>", '<div style="width: 600px">wide</div></main>')
    script = "answer(page.document.documentElement.scrollWidth);"
    assert ask(dataclasses.replace(empty_report, page=page), tmp_path, script, width=390) > 600


SORT = """
const table = page.document.querySelector("table.sortable");
const heading = table.tHead.rows[0].cells[1];
const column = () => [...table.tBodies[0].rows].map((row) => [row.className, row.cells[1].dataset.value ?? null]);
const seen = [];
for (let clicks = 0; clicks < 4; clicks++) {
  seen.push([heading.getAttribute("aria-sort"), column()]);
  heading.querySelector("button.sort").click();
}
answer(seen);
"""


@needs_chromium
def test_a_click_on_a_heading_sorts_by_the_number_and_keeps_references_on_top(whole_report, tmp_path):
    seen = ask(whole_report, tmp_path, SORT)
    assert [direction for direction, _ in seen] == [None, "ascending", "descending", None]
    references = [values[:3] for _, values in seen]
    assert all(part == references[0] for part in references)
    assert all("reference" in name for name, _ in references[0])
    up, down = ([float(value) for _, value in values[3:]] for _, values in seen[1:3])
    assert up == sorted(up) and down == up[::-1]
    assert seen[0][1] == seen[3][1] != seen[1][1]


FILTER = """
const input = page.document.querySelector(".filter input");
input.value = "Salun, gdr";
input.dispatchEvent(new page.Event("input", { bubbles: true }));
const rows = [...page.document.querySelectorAll("table.sortable tbody tr")].filter((row) => !row.hidden);
answer([
  [...new Set(rows.filter((row) => !row.className).map((row) => row.querySelector(".name").textContent))],
  rows.some((row) => row.className),
  page.document.querySelector(".filter output").textContent,
]);
"""


@needs_chromium
def test_one_field_filters_the_rows_of_all_tables(whole_report, tmp_path):
    names, references, said = ask(whole_report, tmp_path, FILTER)
    assert {name.split()[0] for name in names} == {"salun", "gdr_gma"}
    assert references
    assert said == "3 of 8 rows, and the references"


@needs_chromium
def test_a_link_opens_what_its_target_lies_in_and_contents_follow(whole_report, tmp_path):
    script = """
    const contents = page.document.querySelector(".contents");
    page.document.documentElement.style.scrollBehavior = "auto";
    page.location.hash = "table-class-3-costs";
    await new Promise((done) => setTimeout(done, 1500));
    const details = page.document.getElementById("table-class-3-costs").closest("details");
    answer([contents.open, details.open, page.document.querySelector("[aria-current]")?.hash ?? ""]);
    """
    assert ask(whole_report, tmp_path, script) == [True, True, "#class-3"]


@pytest.mark.parametrize("name", [*PAGES, "whole_report", "empty_report"])
def test_tables_and_figures_say_what_they_are(name, request):
    page = request.getfixturevalue(name).page
    tables = re.findall(r"<table[^>]*>", page)
    assert tables
    assert all("aria-label" in table for table in tables)
    assert all('scope="' in heading for heading in re.findall(r"<th\b[^>]*>", page))
    assert all(re.search(r' alt="[^"]+"', image) for image in re.findall("<img[^>]*>", page))
    assert all("tabindex" in box for box in re.findall(r'<div class="scroll" role[^>]*>', page))
    labelled = re.findall(r'aria-labelledby="([^"]+)"', page)
    assert all(f'id="{label}"' in page for label in labelled)
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_nothing_is_hidden_without_the_script(whole_report):
    page = re.sub(r"<script>.*?</script>", "", whole_report.page, flags=re.DOTALL)
    assert re.findall(r"<(\w+)[^>]* hidden>", page) == ["form"]  # the filter, which does nothing without it
    assert '<details class="contents" open>' in page
