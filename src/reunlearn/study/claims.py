"""What a paper claims, as data: rows that are compared by a number, and which way the paper says they differ."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from reunlearn.study.fields import Name, Strict

OTHERS = "others"  # every other method of the experiment
Expectation = Literal["lower", "higher", "nearer", "within"]


class Claim(Strict):
    """A claim of a paper, which the report tests on the seeds of a study."""

    name: str = Field(description="how the report calls it")
    says: str = Field(description="the claim, in our words")
    source: str = Field(description="section, table or figure")
    study: Name | None = Field(
        None, description="whose experiments these are; that of the paper's name if absent"
    )
    experiments: tuple[Name, ...] = Field(min_length=1, description="of that study; each is tested")
    row: str = Field(
        description="METHOD or METHOD+LABEL; both readings where there are two; or original, retrain"
    )
    than: tuple[str, ...] = Field(
        (OTHERS,), description="rows that it is compared with; others: every other method"
    )
    number: str = Field(
        description="a number of a run, or an average gap: avg_gap of the first table, or the name of a paper's average"
    )
    expects: Expectation = Field(
        description="lower, higher: than the others; nearer: to Retrain than the others; within: margin of Retrain"
    )
    margin: float = Field(0.0, ge=0, description="of within, in the unit of the number")

    @model_validator(mode="after")
    def _margin_fits(self) -> Claim:
        if (self.expects == "within") != (self.margin > 0):
            raise ValueError("margin belongs to 'expects: within', which needs one")
        return self
