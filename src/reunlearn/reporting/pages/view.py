"""How pages are written: the templates, their filters, and what every page needs to know of itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from reunlearn.reporting import numbers
from reunlearn.reporting.pages.glossary import Glossary

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class View:
    """One page.

    Attributes:
        glossary: its definitions.
        tables: the names of the tables that it shows.
        root: the project's folder as the page's links reach it; None where the runs are not on this disk.
        single: everything is in one file, so nothing beside it is linked.
    """

    glossary: Glossary
    tables: frozenset[str]
    root: str | None
    single: bool

    def runs_page(self, section: str) -> str:
        """Return the page that lists the runs of a section; nothing where this page does."""
        return "" if self.single else f"runs/{section}.html"


def environment() -> jinja2.Environment:
    """Return the templates' environment: everything is escaped but our own drawings."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = numbers.seconds
    environment.filters["number"] = numbers.plain
    environment.filters["drawing"] = Markup
    environment.filters["breakable"] = breakable
    environment.filters["sortable"] = sortable
    return environment


def breakable(name: str) -> Markup:
    """Return a name, escaped, that may be broken after an underscore on narrow screens."""
    return escape(name).replace("_", Markup("_<wbr>"))


def sortable(value: float | None) -> str:
    """Return the number by which a cell is sorted; nothing where there is none."""
    return f"{value:.6g}" if value is not None and math.isfinite(value) else ""
