"""What a study file may say of what generators draw: how, and from which prompts."""

from __future__ import annotations

from pydantic import Field, model_validator

from reunlearn.study.fields import Strict
from reunlearn.study.specs import Sampler


class Prompts(Strict):
    """A file of yours with a prompt in each line: comma-separated values in UTF-8, the first line names the columns."""

    file: str = Field(min_length=1, description="path of the file")
    prompt: str = Field("prompt", description="column of the prompts")
    seed: str | None = Field(
        None,
        description="column of seeds: image n of a line has the noise of its seed + n; the sampling's `seed` if absent",
    )
    guidance: str | None = Field(
        None,
        description="column of guidance scales as diffusers counts them, from 1 on: w is the scale minus 1; `guidance` "
        "of the sampling if absent",
    )


class Sampling(Strict):
    """How samples of a generator are drawn; the first noise of a sample is the same for every model."""

    images: int = Field(100, ge=1, description="samples per class, at least 2; of prompts, per prompt")
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
    prompts: Prompts | None = Field(
        None, description="draw from the prompts of a file; of every class of the dataset if absent"
    )

    @model_validator(mode="after")
    def _two_of_a_class(self) -> Sampling:
        if self.prompts is None and self.images < 2:
            raise ValueError("images: at least 2 of a class are needed, to compare them with real ones")
        return self

    @model_validator(mode="after")
    def _lms_is_plain(self) -> Sampling:
        if self.sampler == "lms" and (self.eta or self.clip):
            raise ValueError(
                "the sampler lms adds no noise and clips nothing; leave 'eta' and 'clip' out, or take ddim"
            )
        return self
