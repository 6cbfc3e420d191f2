"""What MkDocs does to the pages besides: links that leave docs/, and words behind a fence's language.

Pages are written so that they read well on a code host, where docs/ is one folder of the project. A link to a page
outside docs/ brings that page into the manual, under its path in the project; what it links to comes with it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#)([^)\s#]+)")
FENCE = re.compile(r"^(```\w+) [^\n]+$", re.MULTILINE)  # its words are for the tests


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the files outside docs/ that pages link to."""
    pages = [DOCS / file.src_uri for file in files.documentation_pages()] + [ROOT / "CONTRIBUTING.md"]
    if not files.get_file_from_path("CONTRIBUTING.md"):
        files.append(File.generated(config, "CONTRIBUTING.md", abs_src_path=str(ROOT / "CONTRIBUTING.md")))
    while pages:
        page = pages.pop()
        for target in map(_file, _targets(page)):
            if target.exists() and not target.is_relative_to(DOCS):
                uri = target.relative_to(ROOT).as_posix()
                if not files.get_file_from_path(uri):
                    files.append(File.generated(config, uri, abs_src_path=str(target)))
                    pages += [target] if target.suffix == ".md" else []
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Lead links to the places that their targets have in the manual."""
    source = Path(page.file.abs_src_path)
    here = Path(page.file.src_uri).parent
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.DOTALL | re.MULTILINE)
    for place in range(0, len(parts), 2):  # fences are left alone
        parts[place] = LINK.sub(lambda link: _led(link[1], source, here), parts[place])
    return FENCE.sub(r"\1", "".join(parts))


def _led(link: str, source: Path, here: Path) -> str:
    target = _file(Path(os.path.normpath(source.parent / link)))
    if not target.exists():
        return link  # MkDocs says so
    base = DOCS if target.is_relative_to(DOCS) else ROOT
    return Path(os.path.relpath(target.relative_to(base), here)).as_posix()


def _targets(page: Path) -> list[Path]:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return [Path(os.path.normpath(page.parent / link)) for link in LINK.findall(text)]


def _file(path: Path) -> Path:
    """Return a file; of a folder its README."""
    return path / "README.md" if path.is_dir() else path
