"""What a study may say of the samples that generators draw; a part of schema.py."""

from __future__ import annotations

from pydantic import Field, model_validator

from reunlearn.study.fields import Strict
from reunlearn.study.specs import Sampler


class Sampling(Strict):
    """How samples of a generator are drawn; the first noise of a sample is the same for every model."""

    images: int = Field(100, ge=2, description="samples per class")
    sampler: Sampler = Field(
        "ddim",
        description="ddim, or lms: a linear multistep method, without noise on the way and without clip",
    )
    steps: int = Field(100, ge=1, description="steps of a sample, at most the objective's timesteps")
    eta: float = Field(
        0.0, ge=0, le=1, description="0 adds no noise on the way, 1 as much as ancestral sampling"
    )
    guidance: float = Field(
        0.0,
        ge=0,
        description="w in (1 + w) of the prediction with the class minus w of the one without; 0: none",
    )
    clip: bool = Field(False, description="clip the predicted image to ±1 in each step")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of the noise")

    @model_validator(mode="after")
    def _lms_is_plain(self) -> Sampling:
        if self.sampler == "lms" and (self.eta or self.clip):
            raise ValueError(
                "the sampler lms adds no noise and clips nothing; leave 'eta' and 'clip' out, or take ddim"
            )
        return self
