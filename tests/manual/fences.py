"""The code fences of the manual: where each stands, what language it has, and how a test runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
)
# the word behind ```bash: how its commands are run; without one they are run as they stand
CHECKS = {
    "plan": "what would run is planned: make reproduce becomes make dry-run, reunlearn run becomes reunlearn plan",
    "long": "by make test-thorough as they stand, else as plan",
    "help": "the commands, targets and options exist: it would need a GPU, a cluster, a server, root or hours",
}
SHOWN = {"text", "yaml", "ini", "csv", "diff"}  # languages that nothing runs; of these, files are written
RUN = {"bash", "python"}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml|ini|csv))\n")


@dataclass(frozen=True)
class Fence:
    """A fence of a page.

    Attributes:
        page: path of the page in the project.
        line: of the page, where it begins.
        language: bash, python, or one of SHOWN.
        check: one of CHECKS; empty where it is run as it stands.
        text: what stands in it.
    """

    page: str
    line: int
    language: str
    check: str
    text: str

    @property
    def file(self) -> str:
        """The path that its first line names: it is such a file of the project; empty where it is none."""
        match = FILE.match(self.text)
        return match[1] if match else ""

    @property
    def commands(self) -> list[str]:
        """The commands of a shell, each on a line; lines that go on are one."""
        lines = self.text.replace("\\\n", " ").replace("|\n", "| ").splitlines()
        return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def fences(page: str) -> list[Fence]:
    """Return the fences of a page, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, check = match[1].partition(" ")
        found.append(Fence(page, text.count("\n", 0, match.start()) + 1, language, check, match[2]))
    return found


def files(page: str) -> dict[str, str]:
    """Return the files that a page shows, by their paths."""
    return {fence.file: fence.text for fence in fences(page) if fence.file}


def indented(page: str) -> list[str]:
    """Return the lines of a page that Markdown takes for code though no fence is there."""
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    return re.findall(r"(?<=\n\n)    \S.*", text)
