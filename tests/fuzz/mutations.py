"""Broken files, made from valid ones: content that is changed as a tree, text and bytes that are damaged."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import yaml
from hypothesis import strategies as st

Path = tuple[str | int, ...]

ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        7.5,
        10**30,
        -(10**400),
        2**63,
        1e308,
        float("inf"),
        float("-inf"),
        float("nan"),
    ),
    *(
        "",
        " ",
        "a",
        "\0",
        "\x1b[2J",
        "a\nb",
        "größe",
        "\u202e",
        "😀",
        "x" * 5000,
        "-x",
        "../x",
        "1e999",
        "9" * 5000,
    ),
    *(
        "no",
        "~",
        "2026-11-30",
        "1:30",
        "017",
        "=",
        "<<",
        "!!python/name:os.system",
        "*a",
        "{{x}}",
        "%s %n {0}",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [0, 0],
        {"a": {}},
        {"": 1},
        {None: 1},
        {1: 2},
        {True: 1},
        ["a"] * 300,
        {"name": "a"},
    ),
)
# what text files may hold that no editor writes
TEXTS = (
    "",
    "\0",
    "\ufeff",
    "{",
    "[" * 3000,
    "- " * 3000,
    "? " * 2000,
    "{a: " * 2000,
    "a: &a [*a]",
    "a: &a [1]\n" + "".join(f"k{n}: &b{n} [{f'*b{n - 1}, ' * 9 if n else '1'}]\n" for n in range(12)),
    "a: !!binary x",
    "a: !!set {b}",
    "!!python/object/apply:os.system ['true']",
    "--- a\n--- b\n",
    "%YAML 9.9\n---\na: 1",
    "a: 1\n\tb: 2",
    "<<: 1",
    "<<: {a: 1}",
    "? [a]\n: b",
    "? {a: b}\n: c",
    "a: |\n" + "x\n" * 5000,
    "a,b,c\n1,2\n",
    'a,"b\n',
    "9" * 5000,
    "-9",
    "1e5",
    "٣",
    "1\n1\n",
)


def places(content: Any, here: Path = ()) -> Iterator[Path]:
    """Yield the place of every part of a tree, the root's first."""
    yield here
    parts = (
        content.items()
        if isinstance(content, dict)
        else enumerate(content)
        if isinstance(content, list)
        else ()
    )
    for key, value in parts:
        yield from places(value, (*here, key))


def _at(content: Any, place: Path) -> Any:
    for key in place:
        content = content[key]
    return content


@st.composite
def trees(draw: st.DrawFn, content: Any) -> Any:
    """Draw a tree with one to three changes: dropped, twice, of another type, renamed, moved, nested."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.sampled_from(list(places(content))))
        if not where:
            content = copy.deepcopy(draw(st.sampled_from([*ODD, [content], {"a": content}])))
            continue
        parent, key = _at(content, where[:-1]), where[-1]
        kind = draw(st.sampled_from(["drop", "odd", "odd", "odd", "twice", "rename", "move", "nest", "add"]))
        _change(draw, content, parent, key, kind)
    return content


def _change(draw: st.DrawFn, content: Any, parent: Any, key: Any, kind: str) -> None:
    """Change one part of a tree in place."""
    value = parent[key]
    if kind == "drop":
        del parent[key]
    elif kind == "odd":
        parent[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
    elif kind == "nest":
        parent[key] = draw(st.sampled_from([[value], {"name": value}, {str(key): value}, _deep(value, 60)]))
    elif kind == "move":
        other = draw(st.sampled_from(list(places(content))))
        parent[key] = copy.deepcopy(_at(content, other))
    elif isinstance(parent, list):
        parent.insert(key, copy.deepcopy(value))
    elif kind == "rename":
        parent[draw(st.sampled_from([f"{key}s", str(key).upper(), "", "<<", "name", "é"]))] = parent.pop(key)
    else:
        key = draw(st.sampled_from(["extra", "extends", "name", "settings", "seed", "kind", "\0"]))
        parent[key] = copy.deepcopy(draw(st.sampled_from(ODD)))


def _deep(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = [value]
    return value


@st.composite
def damaged(draw: st.DrawFn, content: bytes, most: int = 3) -> bytes:
    """Draw bytes with some damage: cut, changed, left out, twice, in another encoding."""
    for _ in range(draw(st.integers(1, most))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        kind = draw(st.sampled_from(["cut", "change", "leave out", "twice", "zero", "number", "insert"]))
        length = draw(st.sampled_from([1, 2, 8, 64]))
        noise = draw(st.binary(min_size=length, max_size=length))
        content = {
            "cut": content[:at],
            "change": content[:at] + noise + content[at + length :],
            "leave out": content[:at] + content[at + length :],
            "twice": content[: at + length] + content[at:],
            "zero": content[:at] + bytes(length) + content[at + length :],
            "number": content[:at] + b"\xff" * 7 + b"\x7f" + content[at + 8 :],
            "insert": content[:at] + noise + content[at:],
        }[kind]
    return content


@st.composite
def broken_texts(draw: st.DrawFn, content: Any, write: Any) -> bytes:
    """Draw a text file: a changed tree as it is written, sometimes damaged; or something that nobody writes."""
    kind = draw(st.sampled_from(["tree", "tree", "tree", "tree", "damage", "damage", "odd", "encoding"]))
    if kind == "odd":
        return draw(st.sampled_from(TEXTS)).encode()
    if kind == "encoding":
        text = write(draw(trees(content)))
        return text.encode(
            draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])), "surrogatepass"
        )
    if kind == "damage":
        return draw(damaged(write(content).encode()))
    return write(draw(trees(content))).encode("utf-8", "surrogatepass")


def as_yaml(content: Any) -> str:
    """Return YAML; what stands twice is an anchor and its alias."""
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True)


def as_json(content: Any) -> str:
    """Return JSON, with NaN and Infinity as Python writes them."""
    return json.dumps(content, skipkeys=True)
