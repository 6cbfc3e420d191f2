"""Small faults put into our code while a comparison runs, to show that it would notice them.

A mutation is (module, old text, new text). The old text occurs exactly once in the module's source, inside a
function; the functions are given the code of the changed source, so that every importer has the fault at once.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

Mutation = tuple[str, str, str]


def codes_in(code: CodeType) -> dict[str, CodeType]:
    """Return all functions' code below a module's, by qualified name."""
    codes = {}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            codes[constant.co_qualname] = constant
            codes |= codes_in(constant)
    return codes


def functions_in(module: ModuleType) -> list[FunctionType]:
    """Return the functions and methods that a module defines, without their decorators."""
    places: list[Any] = list(vars(module).values())
    for kind in [p for p in places if inspect.isclass(p) and p.__module__ == module.__name__]:
        places += vars(kind).values()
    functions = []
    for place in places:
        inner = place.fget if isinstance(place, property) else getattr(place, "__func__", place)
        if callable(inner) and not inspect.isclass(inner):
            inner = inspect.unwrap(inner)
        if isinstance(inner, FunctionType) and inner.__module__ == module.__name__:
            functions.append(inner)
    return functions


@contextmanager
def mutated(module_name: str, old: str, new: str) -> Iterator[None]:
    """Let a module's functions have the code of its source with `old` replaced by `new`."""
    module = importlib.import_module(module_name)
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{module_name} has {source.count(old)} times: {old}"
    filename = str(module.__file__)
    before = codes_in(compile(source, filename, "exec", dont_inherit=True))
    after = codes_in(compile(source.replace(old, new), filename, "exec", dont_inherit=True))
    functions = {f.__qualname__: f for f in functions_in(module)}
    changed = [n for n in functions if n in after and after[n] != before[n]]
    assert changed, f"{module_name}: the text is in no function: {old}"
    originals = {name: functions[name].__code__ for name in changed}
    try:
        for name in changed:
            functions[name].__code__ = after[name]
        yield
    finally:
        for name, code in originals.items():
            functions[name].__code__ = code


def is_noticed(mutation: Mutation, comparison: Callable[[str], None], kinds: tuple[str, ...]) -> bool:
    """Tell whether the comparison fails on one of the networks while the fault is there."""
    with mutated(*mutation):
        for kind in kinds:
            try:
                comparison(kind)
            except AssertionError:
                return True
    return False
