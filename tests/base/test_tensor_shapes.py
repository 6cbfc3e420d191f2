"""The header of a safetensors file."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from reunlearn.base.errors import UserError
from reunlearn.base.tensor_shapes import shapes_of


def test_names_and_shapes(tmp_path: Path) -> None:
    file = tmp_path / "some.safetensors"
    save_file({"a.weight": np.zeros((3, 4)), "b": np.zeros(())}, file, metadata={"of": "somebody"})
    assert shapes_of(file) == {"a.weight": (3, 4), "b": ()}


@pytest.mark.parametrize("content", [b"", b"\x05", pickle.dumps({"a": 1}), b"\x02" + 7 * b"\0" + b"[]"])
def test_other_files_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.safetensors"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"no safetensors file; .* never opened") as raised:
        shapes_of(file)
    assert "\n" not in str(raised.value)
