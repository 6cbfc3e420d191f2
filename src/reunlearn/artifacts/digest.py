"""The digest of a job's code: the meaning of the modules that its specification names and of all that they import.

The neutral modules below never change a result; the format version guards them.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from reunlearn.artifacts.meaning import imported, meaning
from reunlearn.base.caches import state_dir, write_cache
from reunlearn.base.files import read_json
from reunlearn.study.stages import STAGES

FORMAT = 3  # raise it when a neutral module changes what is written, so that everything is made again
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "reunlearn"
NEUTRAL = (
    "reunlearn.artifacts",
    "reunlearn.base",
    "reunlearn.storage",
    "reunlearn.study",
    "reunlearn.tracking",
    "reunlearn.cli",
    "reunlearn.worker",
    "reunlearn.stages.execution",
    "reunlearn.stages.serving",
    "reunlearn.measures._numbers",
)


def is_neutral(module: str) -> bool:
    """Tell whether a module is left out of every digest."""
    return any(module == n or module.startswith(n + ".") for n in NEUTRAL)


def job_digest(stage: str, modules: Sequence[str]) -> str:
    """Return the code digest of a job; the report's covers its templates too."""
    return _digest(tuple(sorted(modules)), _data_files(stage))


def job_parts(stage: str, modules: Sequence[str]) -> dict[str, str]:
    """Return {module or data file: its digest}: what the code digest of a job is made from."""
    return _parts(tuple(sorted(modules)), _data_files(stage))


def code_digest(modules: Iterable[str]) -> str:
    """Return the digest of some modules and of all that they import."""
    return _digest(tuple(sorted(modules)), ())


def _data_files(stage: str) -> tuple[str, ...]:
    """Return the files of the package, besides modules, that a stage depends on."""
    folder = STAGES[stage].data
    if folder is None:
        return ()
    return tuple(f"{folder}/{p.name}" for p in sorted((ROOT / folder).iterdir()) if p.is_file())


@functools.cache
def _digest(modules: tuple[str, ...], files: tuple[str, ...]) -> str:
    parts = [f"format {FORMAT}", *(f"{name} {digest}" for name, digest in _parts(modules, files).items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _parts(modules: tuple[str, ...], files: tuple[str, ...]) -> dict[str, str]:
    parts = {name: _facts(name)[0] for name in sorted(reachable(modules))}
    return parts | {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in files}


def reachable(modules: Iterable[str]) -> set[str]:
    """Return the project modules reached from `modules` through imports, neutral ones left out."""
    seen: set[str] = set()
    waiting = [m for m in modules if not is_neutral(m)]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        waiting += [m for m in _facts(module)[1] if not is_neutral(m)]
    return seen


def module_path(module: str) -> Path | None:
    """Return the file of a project module, or None if there is none."""
    base = ROOT.joinpath(*module.split(".")[1:])
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@functools.cache
def _facts(module: str) -> tuple[str, list[str]]:
    """Return (digest of the module's meaning, project modules it imports), remembered on disk."""
    path = module_path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module}")
    status = path.stat()
    key = f"{path.relative_to(ROOT)}:{status.st_size}:{status.st_mtime_ns}"
    memory = _memory()
    if key not in memory:
        source = path.read_bytes()
        try:
            names = {name for name in imported(source) if name.split(".")[0] == PACKAGE}
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
        memory[key] = (meaning(source), sorted(name for name in names if module_path(name) is not None))
        _remember(memory)
    digest, imports = memory[key]
    return digest, imports


@functools.cache
def _memory() -> dict[str, tuple[str, list[str]]]:
    path = state_dir() / f"digests-{FORMAT}.json"
    try:
        return {k: (v[0], v[1]) for k, v in read_json(path).items()}
    except (OSError, ValueError, IndexError, AttributeError):
        return {}


def _remember(memory: dict[str, tuple[str, list[str]]]) -> None:
    """Keep the newest fact per file on disk."""
    newest = {key.split(":")[0]: key for key in memory}
    write_cache(
        state_dir() / f"digests-{FORMAT}.json", json.dumps({key: memory[key] for key in newest.values()})
    )
