"""How samples may be drawn."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reunlearn.study.generators import Sampling
from reunlearn.study.specs import SamplingSpec


@pytest.mark.parametrize("other", [{"eta": 0.5}, {"clip": True}])
def test_lms_neither_adds_noise_nor_clips(other: dict[str, object]) -> None:
    assert Sampling.model_validate({"sampler": "lms", "steps": 100}).sampler == "lms"
    assert Sampling.model_validate(other).sampler == "ddim", "control: ddim does"
    with pytest.raises(
        ValidationError, match="lms adds no noise and clips nothing; leave 'eta' and 'clip' out"
    ):
        Sampling.model_validate({"sampler": "lms", **other})


def test_ddim_has_the_written_form_that_it_always_had() -> None:
    ddim = SamplingSpec(**Sampling().model_dump())
    assert set(ddim.model_dump(mode="json")) == {"images", "steps", "eta", "guidance", "clip", "seed"}
    lms = SamplingSpec(**Sampling(sampler="lms").model_dump())
    assert lms.model_dump(mode="json")["sampler"] == "lms"
    assert lms.digest != ddim.digest
    assert SamplingSpec.model_validate(lms.model_dump(mode="json")) == lms
