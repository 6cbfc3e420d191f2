"""YAML as everybody writes it: `1e-3` is a number, a key stands once, and nothing is read as what nobody meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_text

TAG = "tag:yaml.org,2002:"
MOST_REPEATED = 100_000  # values that a file may name again by aliases: a few lines could stand for billions
OCTAL = re.compile(r"[-+]?0[0-9_]+")


class _Refused(yaml.YAMLError):
    """Something that YAML allows and that is most likely a mistake; the text names its line."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.1 takes 1e-3 for text, since it has neither a dot nor a signed exponent; YAML 1.2 does not."""

    def construct_document(self, node: yaml.Node) -> Any:
        """Return the content of a document, after a look at how it is written."""
        self._check(node, {})
        return super().construct_document(node)

    def _check(self, node: yaml.Node, sizes: dict[int, int]) -> int:
        """Refuse surprising values, keys that stand twice, anchors that hold themselves, and aliases without end.

        Args:
            node: to look at.
            sizes: how many values lie in each node that was looked at; 0 in those that are being looked at.

        Returns:
            How many values lie in it, those of aliases counted each time.
        """
        if id(node) in sizes:  # an alias
            if not sizes[id(node)]:
                raise _Refused(f"{_line(node)}: an anchor that holds itself; write out what is meant")
            return sizes[id(node)]
        sizes[id(node)] = 0
        if isinstance(node, yaml.ScalarNode):
            if surprise := _surprise(node):
                raise _Refused(f"{_line(node)}: {surprise}")
        elif isinstance(node, yaml.MappingNode):
            self._check_keys(node)
        size = 1 + sum(self._check(part, sizes) for part in _parts(node))
        if size > len(sizes) + MOST_REPEATED:
            raise _Refused(
                f"{_line(node)}: its aliases stand for more than {MOST_REPEATED:,} values; write out what is meant"
            )
        sizes[id(node)] = size
        return size

    def _check_keys(self, node: yaml.MappingNode) -> None:
        """Refuse a key that stands twice: the last one would win in silence. Merged keys can be overwritten."""
        lines: dict[Any, str] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == f"{TAG}merge" or _surprise(key):
                continue
            name = self.construct_object(key)
            if name in lines:
                raise _Refused(
                    f"{_line(key)}: the key '{key.value}' stands there twice, first in {lines[name]}; "
                    "remove one of them"
                )
            lines[name] = _line(key)


def _line(node: yaml.Node) -> str:
    return f"line {node.start_mark.line + 1}"


def _parts(node: yaml.Node) -> Iterator[yaml.Node]:
    """Yield what lies in a mapping or a sequence; nothing lies in a scalar."""
    for part in () if isinstance(node, yaml.ScalarNode) else node.value:
        yield from part if isinstance(part, tuple) else (part,)


def _surprise(node: yaml.ScalarNode) -> str | None:
    """Return what is surprising in what YAML makes of a scalar, and what to write; None if nothing is."""
    kind, text = node.tag.removeprefix(TAG), node.value
    quoted = f"put it into quotes, '{text}', if it is text"
    if kind == "timestamp":
        return f"YAML reads {text} as a date; {quoted}"
    if kind == "value":
        return f"YAML gives '{text}' a meaning of its own; {quoted}"
    if kind in ("int", "float") and ":" in text:
        return f"YAML reads {text} as a number in base 60; {quoted}, and write other numbers without a colon"
    if kind == "int" and OCTAL.fullmatch(text):
        return f"YAML reads {text} as an octal number; {quoted}, and write other numbers without a 0 at the front"
    return None


_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)
    |[-+]?\.[0-9][0-9_]*(?:[eE][-+]?[0-9]+)?
    |[-+]?\.(?:inf|Inf|INF)
    |\.(?:nan|NaN|NAN))$""",
    re.X,
)
_Loader.add_implicit_resolver(f"{TAG}float", _FLOAT, list("-+0123456789."))


def parse_yaml(text: str, where: str) -> Any:
    """Return the content of YAML text.

    Args:
        text: the YAML.
        where: begins the error line.

    Raises:
        UserError: not YAML; a key twice in one mapping; a date, or a number that YAML does not read in base 10.
    """
    try:
        return yaml.load(text, Loader=_Loader)
    except _Refused as error:
        raise UserError(f"{where}: {error}") from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: what a tag such as !!int does not fit
        raise UserError(f"{where}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise UserError(f"{where}: too many levels lie in each other") from None


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file; see `parse_yaml`.

    Raises:
        UserError: also where there is no such file, or it is not readable or not UTF-8.
    """
    return parse_yaml(read_text(path), str(path))


def as_read(value: Any) -> str:
    """Return what YAML made of a plain value, where text is expected, and what to write: the tail of an error line."""
    if value is None:
        said = "nothing (null, ~ or no value)"
    elif isinstance(value, bool):
        said = "true (also yes and on)" if value else "false (also no and off)"
    else:
        said = f"the number {value}"
    return f"YAML reads this as {said}, not as text; put it into quotes"
