"""A user's own model in the place of the trained original: what a study says of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from reunlearn.study.fields import Strict, TrainSeed, text_or_parts
from reunlearn.study.recipes import NO_RECIPE


def _listed(value: Any) -> Any:
    """Return the list that a single text stands for."""
    return (value,) if isinstance(text_or_parts(value), str) else value


def _is_text_or_mapping(value: Any) -> Any:
    return value if isinstance(value, dict) else text_or_parts(value)


Path = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Path, ...], BeforeValidator(_listed)]


class Original(Strict):
    """A model of your own."""

    weights: Annotated[Path | dict[TrainSeed, Path], BeforeValidator(_is_text_or_mapping)] = Field(
        description="path of its weights, a safetensors file: the original of all seeds; or one for each train seed, "
        "as in {0: a.safetensors, 1: b.safetensors}",
    )
    ignore: Texts = Field(
        (),
        description="layers of the file that the network does not have, such as an auxiliary head: their weights are "
        "left out",
    )


def without_recipe(content: Any) -> Any:
    """Return an experiment's content: beside a user's own model nothing is retrained where no recipe says how."""
    if isinstance(content, dict) and "original" in content and content.get("recipe", NO_RECIPE) == NO_RECIPE:
        return {"retrain": False, **content}
    return content
