"""Prompts of a user's file: comma-separated values in UTF-8, one prompt a line; the first line names the columns."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.hashing import sha256
from reunlearn.study.specs import PromptsSpec

LARGEST_SEED = 2**63 - 1  # of torch's generators


@dataclass(frozen=True)
class Prompt:
    """A prompt, and what its line says of how it is drawn.

    Attributes:
        text: of the prompt.
        seed: of its first noise; None: the sampling's.
        guidance: the scale as diffusers counts it, from 1 on; None: the sampling's.
    """

    text: str
    seed: int | None = None
    guidance: float | None = None


def read_prompts(spec: PromptsSpec) -> tuple[Prompt, ...]:
    """Return the prompts in the order of the file.

    Raises:
        UserError: the file is not there, is another than the plan saw, lacks a column, or a line holds no prompt, no
            seed or no guidance.
    """
    path = Path(spec.file).expanduser()
    try:
        changed = sha256(path) != spec.sha256
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{spec.file}: is not UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"{spec.file}: {error.strerror or error}") from None
    if changed:
        raise UserError(f"{spec.file}: has changed since the plan was made; plan again")
    lines = csv.DictReader(io.StringIO(content, newline=""))
    columns = [name for name in lines.fieldnames or () if name is not None]
    for role in ("prompt", "seed", "guidance"):
        wanted = getattr(spec, role)
        if wanted is not None and wanted not in columns:
            raise UserError(f"{spec.file}: no column '{wanted}' for '{role}'; {near(wanted, columns)}")
    try:
        prompts = tuple(_prompt(spec, line, f"{spec.file}, line {lines.line_num}") for line in lines)
    except csv.Error as error:
        raise UserError(f"{spec.file}, line {lines.line_num}: no comma-separated values: {error}") from None
    if not prompts:
        raise UserError(f"{spec.file}: holds no prompt; add a line for each below the names of the columns")
    return prompts


def _prompt(spec: PromptsSpec, line: dict[str, str | None], where: str) -> Prompt:
    text = (line[spec.prompt] or "").strip()
    if not text:
        raise UserError(f"{where}: column '{spec.prompt}' is empty; write a prompt or take the line out")
    seed, guidance = (line[column] if column is not None else None for column in (spec.seed, spec.guidance))
    return Prompt(
        text,
        None if spec.seed is None else _seed(seed, f"{where}: column '{spec.seed}'"),
        None if spec.guidance is None else _scale(guidance, f"{where}: column '{spec.guidance}'"),
    )


def _seed(written: str | None, where: str) -> int:
    try:
        seed = int(written or "")
    except ValueError:
        seed = -1
    if not 0 <= seed <= LARGEST_SEED:
        raise UserError(f"{where}: a seed is a whole number from 0 on, not {written!r}")
    return seed


def _scale(written: str | None, where: str) -> float:
    try:
        scale = float(written or "")
    except ValueError:
        scale = math.nan
    if not 1 <= scale < math.inf:
        raise UserError(f"{where}: a guidance scale is a number from 1 on, not {written!r}")
    return scale
