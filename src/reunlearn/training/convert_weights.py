"""A pickle of weights → safetensors. An audit never opens a pickle: its refusal names this command.

python -m reunlearn.training.convert_weights FILE TARGET
"""

from __future__ import annotations

import sys
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.models._foreign import read_pickle
from reunlearn.training.tensor_files import write_tensors


def convert(file: Path, target: Path) -> None:
    """Write the network's state in a pickle as safetensors; it is read without running code.

    Raises:
        UserError: it holds no state, or more than tensors and plain values; the target exists.
    """
    if target.exists():
        raise UserError(f"{target}: exists already; name another file")
    write_tensors(target, read_pickle(file))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"error: give two paths: python -m {__spec__.name} FILE TARGET")
    try:
        convert(*map(Path, sys.argv[1:]))
    except (UserError, OSError) as error:
        sys.exit(f"error: {error}")
