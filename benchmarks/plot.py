"""Draw the ratios of the history over commits, docs/speed.png, and write each benchmark's newest run to docs/speed.md.

python benchmarks/plot.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from history import FILE, Entry, number, read, told
from machine import ROOT
from matplotlib import pyplot

PICTURE, TABLE = ROOT / "docs" / "speed.png", ROOT / "docs" / "speed.md"
RATIO = "×"
HEAD = """# Speed

Written by `make bench` (`benchmarks/plot.py`) from [benchmarks/history.jsonl](../benchmarks/history.jsonl): the newest
run of each benchmark, with the machine that it ran on. What a benchmark compares stands at the head of its file. In a
ratio (×) both sides took turns in one run; more is better for us. On a machine that does other work, too, seconds and
images per second tell little, ratios more. A commit with a plus had changes that were not committed.

![Ratios over commits](speed.png)
"""


def newest(entries: Sequence[Entry]) -> dict[str, Entry]:
    """Return the last run of each benchmark, in the order of their first ones; one that was run in parts, whole."""
    found: dict[str, Entry] = {}
    for entry in entries:
        before, rows = found.get(entry.benchmark), entry.rows
        if before and all(before.machine[fact] == entry.machine[fact] for fact in ("commit", "processor")):
            measured = {row.figure for row in rows}
            rows = (*(row for row in before.rows if row.figure not in measured), *rows)
        found[entry.benchmark] = replace(entry, rows=rows)
    return found


def table(entry: Entry) -> str:
    """Return a run as Markdown."""
    facts = ", ".join(f"{name} {value}" for name, value in entry.machine.items())
    lines = [f"## {entry.benchmark}", "", f"`benchmarks/{entry.benchmark}.py`, {entry.date}: {facts}", ""]
    lines += ["| figure | value | wanted | |", "|---|---|---|---|"]
    for row in entry.rows:
        lines.append(
            f"| {row.figure} | {number(row.value)} {row.unit} | {row.target} | {told(row.details)} |"
        )
    return "\n".join(lines) + "\n"


def ratios(entries: Sequence[Entry]) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Return by benchmark and figure the commits and ratios, oldest first."""
    found: dict[str, dict[str, list[tuple[str, float]]]] = {}
    for entry in entries:
        for row in entry.rows:
            if row.unit == RATIO:
                line = found.setdefault(entry.benchmark, {}).setdefault(row.figure, [])
                line.append((str(entry.machine["commit"]), row.value))
    return found


def draw(lines: Mapping[str, Mapping[str, Sequence[tuple[str, float]]]], file: Path) -> None:
    """Draw a panel per benchmark, a line per figure, over the commits of that benchmark."""
    mpl.use("agg")
    columns = 2
    height = -(-len(lines) // columns)
    figure, axes = pyplot.subplots(height, columns, figsize=(13, 3.6 * height), squeeze=False)
    for panel in axes.flat[len(lines) :]:
        panel.axis("off")
    for panel, (benchmark, figures) in zip(axes.flat, lines.items(), strict=False):
        commits = list(dict.fromkeys(commit for points in figures.values() for commit, _ in points))
        for name, points in figures.items():
            places = [commits.index(commit) for commit, _ in points]
            panel.plot(places, [value for _, value in points], "o-", label=name, markersize=4)
        panel.axhline(1.0, color="grey", linewidth=0.8)
        panel.set(title=benchmark, yscale="log", ylabel="times as fast")
        panel.set_xticks(range(len(commits)), commits, fontsize=7)
        panel.yaxis.set_major_formatter(lambda value, place: f"{value:g}")
        panel.yaxis.set_minor_formatter(lambda value, place: f"{value:g}")
        panel.tick_params(axis="y", which="both", labelsize=7)
        panel.legend(fontsize=6, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    figure.tight_layout()
    figure.savefig(file, dpi=100)
    pyplot.close(figure)


def main(history: Path = FILE, picture: Path = PICTURE, text: Path = TABLE) -> None:
    """Draw and write."""
    entries = read(history)
    draw(ratios(entries), picture)
    text.write_text("\n".join([HEAD, *map(table, newest(entries).values())]), encoding="utf-8")


if __name__ == "__main__":
    main()
