"""The data mirror: whether it is there, and which datasets it holds. Names are looked at, no bytes."""

from __future__ import annotations

import os
from pathlib import Path

from reunlearn.commands.printing import joined
from reunlearn.data.sources import MIRROR
from reunlearn.doctor.findings import Asked, CheckCard, Found
from reunlearn.doctor.published import files_of, is_held
from reunlearn.study.catalogue import plugin_names

CARD = CheckCard(order=100, title="data mirror")


def look(asked: Asked) -> Found:
    """Say which datasets could be prepared from the mirror."""
    mirror = os.environ.get(MIRROR)
    if not mirror:
        yield "ok", f"{MIRROR} is not set: what a study needs is downloaded", ""
        return
    folder = Path(mirror)
    if not folder.is_dir():
        yield (
            "problem",
            f"{MIRROR}={mirror}: no such folder, and with it set nothing is downloaded",
            (f"name the folder that holds the datasets, or unset {MIRROR}"),
        )
        return
    published = {name: files for name in plugin_names("datasets") if (files := files_of(name))}
    held = [name for name, files in published.items() if all(is_held(file, folder) for file in files)]
    absent = [name for name in published if name not in held]
    lacking = f"; not {joined(absent)}" if absent else ""
    if held:
        yield "ok", f"{mirror} holds {joined(held)}{lacking}", ""
    else:
        yield (
            "warning",
            f"{mirror} holds none of {joined(list(published))}",
            f"put them there, or unset {MIRROR}",
        )
