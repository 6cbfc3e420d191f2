"""A user's prompts, as specifications name them: by what the file holds, and how many there are."""

from __future__ import annotations

import importlib
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import sha256
from reunlearn.study.generators import Prompts, Sampling
from reunlearn.study.specs import PromptsSpec, SamplingSpec


def resolve_sampling(sampling: Sampling, where: str) -> tuple[SamplingSpec, tuple[str, ...]]:
    """Return what specifications say of it, and the texts of its prompts.

    There are no prompts where none are asked for, or where their file is not there: such a plan is shown and not run.

    Raises:
        UserError: the file holds something else.
    """
    prompts, texts = resolve_prompts(sampling.prompts, where) if sampling.prompts else (None, ())
    return SamplingSpec(**sampling.model_dump(exclude={"prompts"}), prompts=prompts), texts


def resolve_prompts(prompts: Prompts, where: str) -> tuple[PromptsSpec, tuple[str, ...]]:
    """Return what specifications say of a file, and its prompts; none where it is not there."""
    spec, path = PromptsSpec(**prompts.model_dump()), Path(prompts.file).expanduser()
    if not path.is_file():
        return spec, ()
    spec = spec.changed(sha256=sha256(path))
    reader = importlib.import_module("reunlearn.data.prompts")  # by name: it decides data, so it lies above
    try:
        texts = tuple(prompt.text for prompt in reader.read_prompts(spec))
    except UserError as error:
        raise UserError(f"{where}: prompts: {error}") from None
    return spec.changed(lines=len(texts)), texts
