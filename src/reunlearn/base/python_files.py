"""A Python file of the user's, read and never run: what it defines, what it imports, what it computes as a digest."""

from __future__ import annotations

import ast
import hashlib
from pathlib import Path

from reunlearn.base.errors import UserError

Definition = ast.ClassDef | ast.FunctionDef
WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def read_tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file.

    Raises:
        UserError: there is none, or Python cannot read it.
    """
    if not path.is_file():
        raise UserError(f"{path}: {'a folder, not a file' if path.is_dir() else 'no such file'}")
    try:
        return ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise UserError(f"{path}: line {error.lineno}: {error.msg}") from None
    except ValueError as error:
        raise UserError(f"{path}: no Python file ({error})") from None


def code_digest(tree: ast.Module) -> str:
    """Return 16 hex digits that stay the same as long as a file computes the same: no comment or docstring counts.

    They are made from the text that Python writes of the tree, which differs less between versions than the tree does.
    """
    for node in ast.walk(tree):
        if isinstance(node, WITH_DOCSTRING) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return hashlib.sha256(ast.unparse(tree).encode()).hexdigest()[:16]


def definitions(tree: ast.Module) -> dict[str, Definition]:
    """Return the classes and functions of a file, by name."""
    return {node.name: node for node in tree.body if isinstance(node, Definition)}


def constants(tree: ast.Module) -> dict[str, object]:
    """Return the names to which a file assigns plain values."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = literal(node.value)
    return found


def literal(node: ast.expr) -> object:
    """Return the plain value that an expression writes out; None of any other."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return None


def arguments_of(name: str, known: dict[str, Definition]) -> ast.arguments | None:
    """Return the arguments that a call of a class or function takes; None where the file does not tell.

    A class takes those of its `__init__`, or of that of its first base class.
    """
    node = known.get(name)
    if isinstance(node, ast.FunctionDef):
        return node.args
    if node is None:
        return None
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__":
            return inner.args
    base = node.bases[0] if node.bases else None
    return arguments_of(base.id, known) if isinstance(base, ast.Name) and base.id != name else None


def imports(tree: ast.Module) -> list[tuple[str, int]]:
    """Return the absolute names of all that a file imports, with the line; a relative import begins with a dot."""
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found += [(module, node.lineno), *((f"{module}.{a.name}", node.lineno) for a in node.names)]
    return found
