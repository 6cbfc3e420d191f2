"""The digest of code by meaning: syntax trees without comments and docstrings, imports followed.

A job's digest covers the modules its specification names and every project module that these import,
transitively. The neutral modules below never change a result; the format version guards them.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from pathlib import Path

from reunlearn.base.files import write_text
from reunlearn.study.paths import state_dir

FORMAT = 1  # raise it when a neutral module changes what is written, so that everything is made again
ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "reunlearn"
NEUTRAL = (
    "reunlearn.artifacts",
    "reunlearn.base",
    "reunlearn.storage",
    "reunlearn.tracking",
    "reunlearn.study",
    "reunlearn.cli",
    "reunlearn.worker",
    "reunlearn.stages.execution",
)


def is_neutral(module: str) -> bool:
    """Tell whether a module is left out of every digest."""
    return any(module == n or module.startswith(n + ".") for n in NEUTRAL)


def job_digest(stage: str, modules: tuple[str, ...] | list[str]) -> str:
    """Return the code digest of a job; the report's covers its templates too."""
    return code_digest(tuple(modules), _data_files(stage))


def job_parts(stage: str, modules: tuple[str, ...] | list[str]) -> dict[str, str]:
    """Return {module or data file: its digest}: what the code digest of a job is made from."""
    return _parts(tuple(modules), _data_files(stage))


def _data_files(stage: str) -> tuple[str, ...]:
    """Return the files of the package, besides modules, that a stage depends on."""
    if stage != "report":
        return ()
    templates = sorted((ROOT / "reporting" / "templates").iterdir())
    return tuple(f"reporting/templates/{p.name}" for p in templates if p.is_file())


def code_digest(modules: tuple[str, ...], files: tuple[str, ...] = ()) -> str:
    """Return the digest of some modules, all they import, and some data files of the package."""
    return _digest(tuple(sorted(modules)), tuple(sorted(files)))


@functools.cache
def _digest(modules: tuple[str, ...], files: tuple[str, ...]) -> str:
    parts = [f"format {FORMAT}", *(f"{name} {digest}" for name, digest in _parts(modules, files).items())]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def _parts(modules: tuple[str, ...], files: tuple[str, ...]) -> dict[str, str]:
    found = {name: _facts(name)[0] for name in sorted(reachable(modules))}
    return found | {name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest() for name in files}


def reachable(modules: tuple[str, ...]) -> set[str]:
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


def _facts(module: str) -> tuple[str, list[str]]:
    """Return (digest of the module's meaning, project modules it imports), remembered on disk."""
    path = module_path(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module}")
    status = path.stat()
    key = f"{path}:{status.st_size}:{status.st_mtime_ns}"
    memory = _memory()
    if key not in memory:
        memory[key] = _read(path)
        _remember(memory)
    digest, imports = memory[key]
    return digest, imports


def _read(path: Path) -> tuple[str, list[str]]:
    tree = ast.parse(path.read_bytes())
    imports = sorted(_imports(tree))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            _drop_docstring(node)
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16], imports


def _drop_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    first = node.body[0] if node.body else None
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        node.body = node.body[1:]


def _imports(tree: ast.Module) -> set[str]:
    """Return the project modules that a module imports, anywhere in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {m for m in found if m.split(".")[0] == PACKAGE and module_path(m) is not None}


@functools.cache
def _memory() -> dict[str, tuple[str, list[str]]]:
    path = state_dir() / "digests.json"
    try:
        return {k: (v[0], v[1]) for k, v in json.loads(path.read_text()).items()}
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def _remember(memory: dict[str, tuple[str, list[str]]]) -> None:
    """Keep the newest fact per file on disk."""
    newest = {key.split(":")[0]: key for key in memory}
    path = state_dir() / "digests.json"
    write_text(path, json.dumps({key: memory[key] for key in newest.values()}))
