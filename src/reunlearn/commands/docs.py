"""Write every page and schema that is generated from the sources. Run as a module by `make docs`."""

from __future__ import annotations

from pathlib import Path

from reunlearn.base.files import write_text
from reunlearn.commands import claims_docs, config_docs, ledger_docs, numbers_docs, settings_docs

PAGES = (config_docs, settings_docs, numbers_docs, ledger_docs, claims_docs)


def generated() -> dict[Path, str]:
    """Return the content of every generated file."""
    schemas = {config_docs.SCHEMAS / file: text for file, text in config_docs.schemas().items()}
    return {module.PAGE: module.page() for module in PAGES} | schemas


if __name__ == "__main__":
    for file, text in generated().items():
        write_text(file, text)
