"""What a module computes, as a digest: its syntax tree without comments, docstrings and other words.

Words are read by people and change no result: the help of a hyper-parameter, a paper's name, the text of a divergence,
a definition card, the message of an error. Whatever else stands in a module counts.
"""

from __future__ import annotations

import ast
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The arguments of a call that are words, by position and by keyword."""

    places: tuple[int, ...]
    keywords: tuple[str, ...]


CALLS = {
    "hyper": Words((1,), ("doc",)),
    "by_reading": Words((0,), ("doc",)),
    "DatasetCard": Words((), ("summary", "source", "licence")),
}
DECORATOR, OF_METHODS = "method", Words((0,), ("paper", "divergences"))
DIVERGENCE = "Divergence"  # of a paper and its released code: words, however many there are
WORD_METHODS = ("words",)  # of a class: they return sentences
LISTED = "SUPER_CLASSES"  # of a dataset: which class each sub-class is of; only listings read it
CARD = "CARD"  # of an attack or a measure: what the plan takes from it stands in the specification
ATTACK_CARD = "AttackCard"  # the call that makes an attack's; a measure's is written as a mapping


def meaning(source: bytes) -> str:
    """Return 16 hex digits that stay the same as long as a module computes the same."""
    tree = _Compute().visit(ast.parse(source))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:16]


def imported(source: bytes) -> set[str]:
    """Return the absolute names of all that a module imports, anywhere but for type checkers alone.

    Of `from a.b import c` these are a.b and a.b.c: one of them is a module.
    """
    names: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level or not node.module:
                raise ValueError("a relative import: the digest of code follows absolute ones only")
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        if isinstance(node, ast.If) and _for_type_checkers(node):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
    return names


def _for_type_checkers(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


class _Compute(ast.NodeTransformer):
    """Leaves out of a tree what does not compute."""

    def visit_Module(self, node: ast.Module) -> ast.AST:
        return self._without_docstring(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for decorator in node.decorator_list:
            if isinstance(decorator, ast.Call) and _called(decorator) == DECORATOR:
                _leave_out(decorator, OF_METHODS)
        return self._without_docstring(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        return None if node.name in WORD_METHODS else self._without_docstring(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._without_docstring(node)

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        if _for_type_checkers(node):
            return [self.visit(statement) for statement in node.orelse]
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc = node.exc.func
        return self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id == LISTED:
            return None
        return None if self._is_card(target, node.value) else self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return None if self._is_card(node.target, node.value) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if words := CALLS.get(_called(node)):
            _leave_out(node, words)
        return self.generic_visit(node)

    def visit_Tuple(self, node: ast.Tuple) -> ast.AST:
        node.elts = [element for element in node.elts if _called(element) != DIVERGENCE]
        return self.generic_visit(node)

    def _without_docstring(
        self, node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    ) -> ast.AST:
        if ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        return self.generic_visit(node)

    @staticmethod
    def _is_card(target: ast.expr, value: ast.expr | None) -> bool:
        """Tell whether the card of an attack or a measure is assigned, or a part of it, as `_CARD`."""
        name = target.id.lstrip("_") if isinstance(target, ast.Name) else ""
        return name == CARD and (isinstance(value, ast.Dict) or _called(value) == ATTACK_CARD)


def _called(node: ast.AST | None) -> str:
    """Return the name that is called; nothing where the node is no call of a plain name."""
    return node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""


def _leave_out(call: ast.Call, words: Words) -> None:
    """Take the arguments that are words out of a call."""
    call.args = [argument for place, argument in enumerate(call.args) if place not in words.places]
    call.keywords = [keyword for keyword in call.keywords if keyword.arg not in words.keywords]
