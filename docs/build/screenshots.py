"""Make the pictures of the manual anew: `make screenshots`, after `make reproduce`. Needs chromium.

report.png, table.png and figure.png show reports/quickstart; samples.png shows the committed report of a generator.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from html import unescape
from pathlib import Path

from PIL import Image

from reunlearn.base.errors import UserError
from reunlearn.commands import report

DOCS = Path("docs")
STUDY, GENERATOR = "quickstart", "generation-on-digits"
WIDTH, HEIGHT = 1280, 1500
MARGIN = 16  # pixels around a part of a page
# picture: what it shows of the page; None: its top
PICTURES = {"report": None, "table": "#random .table.methods", "figure": "#random .drawing"}
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *(
        "--force-device-scale-factor=1",
        "--virtual-time-budget=10000",
        "--blink-settings=preferredColorScheme=1",
    ),
)
ASK = """<script>addEventListener("load", () => {
  const all = document.querySelectorAll("details"); for (const one of all) one.open = true;
  for (const image of document.images) image.loading = "eager";
  const found = document.querySelector(PART); const box = found.getBoundingClientRect();
  document.title = JSON.stringify([box.left, box.top + scrollY, box.right, box.bottom + scrollY]);
});</script>"""


def main() -> None:
    """Make all of them."""
    page = Path("reports") / STUDY / "index.html"
    if shutil.which("chromium") is None:
        raise UserError("chromium is not there; on Debian: apt-get install chromium")
    if not page.exists():
        raise UserError(f"{page} is not there; `make reproduce` makes it")
    with tempfile.TemporaryDirectory() as folder:
        for name, part in PICTURES.items():
            draw(page, DOCS / f"{name}.png", part, Path(folder))
        made = Path(folder) / GENERATOR
        report.run(GENERATOR, f"reports/reference/{GENERATOR}", str(made))
        (samples,) = (made / "figures").glob("*generated_samples.svg")
        draw(samples, DOCS / "samples.png", "svg", Path(folder))


def draw(page: Path, picture: Path, part: str | None, folder: Path) -> None:
    """Write a picture of a page, or of a part of it, which a CSS selector names."""
    if part is None:
        shoot(page, picture, HEIGHT, folder)
        print(picture)
        return
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".svg":
        text = f"<!doctype html><body style='margin:16px'>{text[text.index('<svg') :]}"
    copy = page.with_name(".screenshot.html")  # beside the page: its links lead somewhere
    try:
        copy.write_text(text + ASK.replace("PART", json.dumps(part)), encoding="utf-8")
        box = [round(float(edge)) for edge in measure(copy, folder)]
        shoot(copy, picture, box[3] + MARGIN, folder)
    finally:
        copy.unlink(missing_ok=True)
    with Image.open(picture) as image:
        edges = (
            max(box[0] - MARGIN, 0),
            max(box[1] - MARGIN, 0),
            min(box[2] + MARGIN, WIDTH),
            box[3] + MARGIN,
        )
        image.crop(edges).save(picture, optimize=True)
    print(picture)


def measure(page: Path, folder: Path) -> list[float]:
    """Return left, top, right and bottom of what the page's script was asked for."""
    printed = chromium("--dump-dom", page, 1000, folder)
    title = re.search(r"<title>(\[.*?\])</title>", printed)
    if title is None:
        raise UserError(f"{page}: has no such part; did the report change?")
    return list(json.loads(unescape(title[1])))


def shoot(page: Path, picture: Path, height: int, folder: Path) -> None:
    """Write a picture of the upper part of a page."""
    chromium(f"--screenshot={picture.resolve()}", page, height, folder)


def chromium(action: str, page: Path, height: int, folder: Path) -> str:
    """Return what Chromium prints of a page."""
    profile, size = f"--user-data-dir={folder / 'profile'}", f"--window-size={WIDTH},{height}"
    command = ["chromium", *OPTIONS, profile, size, action, page.resolve().as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
