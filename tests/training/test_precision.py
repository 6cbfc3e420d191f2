"""Mixed precision is used where a GPU has bfloat16, and only there."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch

from reunlearn.training import precision
from reunlearn.training.precision import autocast, in_use


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """A GPU as far as the choice is concerned; bfloat16 can be taken from it."""
    has = {"bfloat16": True}
    monkeypatch.setattr(precision.torch.cuda, "device", lambda place: nullcontext())
    monkeypatch.setattr(
        precision.torch.cuda, "is_bf16_supported", lambda including_emulation: has["bfloat16"]
    )
    return has


def test_mixed_needs_a_gpu_with_bfloat16(gpu: dict[str, bool]) -> None:
    assert in_use("mixed", "cuda:1") == "mixed"
    assert in_use("full", "cuda:1") == "full"
    assert in_use("mixed", "cpu") == "full"
    gpu["bfloat16"] = False
    assert in_use("mixed", "cuda:1") == "full"


def test_a_processor_computes_in_full_precision() -> None:
    layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    with autocast("mixed", torch.device("cpu")):
        assert layer(x).dtype == torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):  # the control: this is what mixed precision would give
        assert layer(x).dtype == torch.bfloat16


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_computes_in_bfloat16_batch_after_batch() -> None:
    layer, x = torch.nn.Linear(3, 2).cuda(), torch.ones(1, 3, device="cuda")
    expected = torch.bfloat16 if in_use("mixed", "cuda") == "mixed" else torch.float32
    context = autocast("mixed", "cuda")
    for _ in range(2):
        with context:
            assert layer(x).dtype == expected
        assert layer(x).dtype == torch.float32
