"""A user's file of prompts: what it may look like, and each mistake in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.data.prompts import Prompt, read_prompts
from reunlearn.study.specs import PromptsSpec


def spec(file: Path, content: str | bytes, prompt: str = "prompt", **columns: str) -> PromptsSpec:
    """Write a file; return what a specification says of it."""
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    named = {"seed": None, "guidance": None, **columns}
    return PromptsSpec(file=str(file), prompt=prompt, sha256=sha256(file), **named)


def test_prompts_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = 'n,prompt,at,scale\r\n1,"a three, with a border",17,7.5\r\n2, a four ,0,1\r\n'
    assert read_prompts(spec(tmp_path / "p.csv", text, seed="at", guidance="scale")) == (
        Prompt("a three, with a border", 17, 7.5),
        Prompt("a four", 0, 1.0),
    )
    assert read_prompts(spec(tmp_path / "p.csv", text))[0] == Prompt("a three, with a border")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read_prompts(spec(tmp_path / "p.csv", "\ufeffprompt\na three\n")) == (Prompt("a three"),)


@pytest.mark.parametrize(
    ("content", "columns", "words"),
    [
        ("promt\na\n", {}, "no column 'prompt' for 'prompt'; did you mean promt?"),
        ("prompt\na\n", {"seed": "at"}, "no column 'at' for 'seed'; known: prompt"),
        ("prompt,at\na,1\n", {"guidance": "scale"}, "no column 'scale' for 'guidance'"),
        ("", {}, "no column 'prompt'"),
        ("prompt\n", {}, "holds no prompt"),
        ("prompt,at\na,1\n ,2\n", {}, "line 3: column 'prompt' is empty"),
        (
            "prompt,at\na,1\nb\n",
            {"seed": "at"},
            "line 3: column 'at': a seed is a whole number from 0 on, not None",
        ),
        ("prompt,at\na,1.5\n", {"seed": "at"}, "not '1.5'"),
        ("prompt,at\na,-1\n", {"seed": "at"}, "not '-1'"),
        ("prompt,at\na,0.5\n", {"guidance": "at"}, "a guidance scale is a number from 1 on, not '0.5'"),
        ("prompt,at\na,nan\n", {"guidance": "at"}, "not 'nan'"),
        ("prompt\n\xe4\n".encode("latin-1"), {}, "is not UTF-8"),
    ],
)
def test_each_mistake_is_one_line(
    tmp_path: Path, content: str | bytes, columns: dict[str, str], words: str
) -> None:
    with pytest.raises(UserError) as caught:
        read_prompts(spec(tmp_path / "p.csv", content, **columns))
    assert words in str(caught.value)
    assert str(tmp_path / "p.csv") in str(caught.value) and "\n" not in str(caught.value)


def test_another_file_than_the_plan_saw_is_refused(tmp_path: Path) -> None:
    planned = spec(tmp_path / "p.csv", "prompt\na\n")
    assert read_prompts(planned), "control"
    (tmp_path / "p.csv").write_text("prompt\nb\n")
    with pytest.raises(UserError, match="has changed since the plan was made; plan again"):
        read_prompts(planned)
    (tmp_path / "p.csv").unlink()
    with pytest.raises(UserError, match="No such file"):
        read_prompts(planned)
