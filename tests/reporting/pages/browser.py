"""Chromium for tests of pages: what it lays out, what axe-core finds, and what scripts leave behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import escape, unescape
from pathlib import Path
from typing import Any, Literal

import pytest

from reunlearn.reporting.pages.report import Report
from reunlearn.stages.pages import write_report

FETCHED = Path(__file__).parents[3] / ".reunlearn/axe/node_modules/axe-core/axe.min.js"  # by `make axe`
AXE = Path(os.environ.get("REUNLEARN_AXE", FETCHED))
SCHEMES = {"dark": 0, "light": 1}  # as Chromium counts them
Scheme = Literal["dark", "light"]

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: `make axe` fetches it")


def ask(report: Report, folder: Path, script: str, *, width: int = 1280, scheme: Scheme = "light") -> Any:
    """Return what a script hands to `answer(…)`; it sees the page as `page` (a window), in a frame of some width.

    A frame, because a window of Chromium is never narrower than 500 pixels.
    """
    if not (folder / "index.html").exists():
        write_report(report, folder)
    style = f"border:0;width:{width}px;height:900px"
    answer = "const answer = (value) => { document.title = JSON.stringify(value); };"
    run = f"{answer} const page = frames[0]; (async () => {{ {script} }})();"
    frame = f'<iframe style="{style}" srcdoc="{escape(report.page)}" onload="{escape(run)}"></iframe>'
    head = '<!doctype html><meta name="color-scheme" content="light dark"><title>unset</title>'
    wrapper = folder / "frame.html"  # beside the page: its links to figures lead somewhere
    wrapper.write_text(head + frame, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"]
    options += ["--disable-background-networking", "--disable-component-update"]
    options += [
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1400,1000",
        "--virtual-time-budget=30000",
    ]
    options += [f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--dump-dom", wrapper.as_uri()]
    done = subprocess.run(["chromium", *options], capture_output=True, text=True, timeout=240, check=True)
    title = re.search("<title>(.*?)</title>", done.stdout, flags=re.DOTALL)
    assert title is not None and title[1] != "unset", done.stderr[-2000:]
    return json.loads(unescape(title[1]))


def findings(report: Report, folder: Path, width: int, scheme: Scheme) -> list[str]:
    """Return what axe-core calls serious or critical, with everything that can be opened open."""
    script = """
    const document_ = page.document;
    for (const details of document_.querySelectorAll("details")) details.open = true;
    document_.querySelector("[popover]")?.showPopover();
    await new Promise((done) => setTimeout(done, 300));
    const result = await page.axe.run(document_, { resultTypes: ["violations"] });
    answer(result.violations.map((v) => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 160)]));
    """
    with_axe = report.page.replace("</body>", f'<script src="{AXE.resolve().as_uri()}"></script></body>')
    found = ask(Report(with_axe, report.files), folder, script, width=width, scheme=scheme)
    return [str(entry) for entry in found if entry[0] in ("serious", "critical")]
