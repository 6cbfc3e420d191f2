"""A user's Python file is read, never run; its digest follows what it computes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.python_files import arguments_of, code_digest, constants, definitions, imports, read_tree

SOURCE = '''
"""Words."""
import torch

SIDES = (8, None)
MADE = make()


class Base:
    def __init__(self, classes, width=8):
        """More words."""
        self.width = width  # a comment


class Net(Base):
    """Nothing of its own."""


class Foreign(torch.nn.Module):
    pass
'''


def digest(source: str) -> str:
    return code_digest(ast.parse(source))


def test_words_are_no_part_of_the_digest_and_code_is() -> None:
    changed = (
        SOURCE.replace("Words.", "Other words.").replace("# a comment", "").replace('"""More words."""', "")
    )
    assert digest(changed) == digest(SOURCE)
    assert digest(SOURCE.replace("width=8", "width=9")) != digest(SOURCE)
    assert digest("def f():\n    'words'\n") == digest("def f():\n    pass\n")


def test_what_a_file_defines_takes_and_imports() -> None:
    tree = ast.parse(SOURCE)
    known = definitions(tree)
    assert list(known) == ["Base", "Net", "Foreign"]
    inherited = arguments_of("Net", known)
    assert inherited and [a.arg for a in inherited.args] == ["self", "classes", "width"]
    assert arguments_of("Foreign", known) is None and arguments_of("absent", known) is None
    assert constants(tree) == {"SIDES": (8, None), "MADE": None}
    assert imports(ast.parse("from . import a\nfrom b.c import d\n")) == [
        (".", 1),
        ("..a", 1),
        ("b.c", 2),
        ("b.c.d", 2),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"def f(:\n", "line 1: "), (b"a = 1\nb = \x00", "null"), (None, "no such file")],
)
def test_what_cannot_be_read_is_one_line(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "net.py"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(UserError, match=rf"net\.py: .*{said}"):
        read_tree(file)
