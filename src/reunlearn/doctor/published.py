"""The files that a dataset is prepared from, where its authors publish them."""

from __future__ import annotations

import importlib
from pathlib import Path

from reunlearn.artifacts.digest import module_path
from reunlearn.artifacts.meaning import imported
from reunlearn.data.sources import Archive, LooseFile

DATA, SOURCES = "reunlearn.data", "reunlearn.data.sources"


def files_of(dataset: str) -> list[Archive | LooseFile]:
    """Return what a dataset's module, and what it imports, name as published; nothing if it ships or is the user's."""
    modules = [importlib.import_module(name) for name in sorted(_naming_files(f"{DATA}.sets.{dataset}"))]
    known = [value for module in modules for value in vars(module).values()]
    files = {file.url: file for file in known if isinstance(file, Archive | LooseFile)}
    return list(files.values())


def _naming_files(module: str) -> set[str]:
    """Return those of a module, and of those for data that it imports, that may name files; others may import torch."""
    seen: dict[str, set[str]] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = module_path(name) if name.startswith(f"{DATA}.") and name not in seen else None
        if path is not None:
            seen[name] = imported(path.read_bytes())
            waiting += seen[name]
    return {name for name, imports in seen.items() if SOURCES in imports}


def is_held(file: Archive | LooseFile, folder: Path) -> bool:
    """Tell whether a mirror, or the folder of downloads, holds a file: packed, or as its unpacked members."""
    if isinstance(file, LooseFile):
        return (folder / file.name).is_file()
    return (folder / file.file).is_file() or any((folder / name).exists() for name in unpacked(file))


def unpacked(archive: Archive) -> list[str]:
    """Return names that an unpacked archive has."""
    return list(archive.members) or [archive.folder]
