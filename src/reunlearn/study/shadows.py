"""How many shadow models a study asks for."""

from __future__ import annotations

from pydantic import Field

from reunlearn.study.fields import Strict


class Shadows(Strict):
    """How many shadow models are trained, for attacks that learn from other models.

    They are trained in blocks of ten; a pool that grows from ten to twenty trains one block more and no other.
    """

    with_forget: int = Field(
        8, ge=0, le=1000, description="models trained as the original is, on the whole training set"
    )
    without_forget: int = Field(
        8, ge=0, le=1000, description="models trained without the forget set, so many for each split"
    )
    halves: int = Field(
        0,
        ge=0,
        le=1000,
        multiple_of=2,
        description="models of which each is trained on a random half of training and validation set",
    )
    unlearned: int = Field(
        0,
        ge=0,
        le=1000,
        description="models of `with_forget` that then forget by the row's method, so many for each split and row",
    )
    swapped: int = Field(
        0, ge=0, le=1000, description="partners of `unlearned`: forget and held-out samples changed places"
    )
