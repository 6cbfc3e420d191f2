"""Mixed precision is used where a device has bfloat16, and only there; weights stay in full precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import pytest
import torch

from reunlearn.data.batches import Batch
from reunlearn.objectives.classification import Classification
from reunlearn.training import precision
from reunlearn.training.precision import autocast, has_bfloat16, in_precision, in_use


@pytest.fixture(autouse=True)
def asked_anew() -> Iterator[None]:
    """What a device can do is asked once per process: ask before and after each test."""
    has_bfloat16.cache_clear()
    yield
    has_bfloat16.cache_clear()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """A GPU as far as the choice is concerned; bfloat16 can be taken from it."""
    has = {"bfloat16": True}
    monkeypatch.setattr(precision.torch.cuda, "device", lambda place: nullcontext())
    monkeypatch.setattr(
        precision.torch.cuda, "is_bf16_supported", lambda including_emulation: has["bfloat16"]
    )
    return has


@pytest.fixture(params=["avx512_bf16", "amx_bf16"])
def able_cpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that says it has one of the two sets of instructions; torch computes in bfloat16 on any CPU."""
    monkeypatch.setattr(precision.torch.cpu, "get_capabilities", lambda: {request.param: True})


@pytest.fixture
def plain_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU without bfloat16."""
    monkeypatch.setattr(precision.torch.cpu, "get_capabilities", lambda: {"avx2": True, "avx512_bf16": False})


def batch_of(x_BP: torch.Tensor) -> Batch:
    """Return a batch with labels 0."""
    return Batch(x_BP, torch.zeros(len(x_BP), dtype=torch.long), torch.arange(len(x_BP)))


def test_mixed_needs_a_gpu_with_bfloat16(gpu: dict[str, bool]) -> None:
    assert in_use("mixed", "cuda:1") == "mixed"
    assert in_use("full", "cuda:1") == "full"
    gpu["bfloat16"] = False
    has_bfloat16.cache_clear()
    assert in_use("mixed", "cuda:1") == "full"


def test_torch_knows_the_instructions_of_this_cpu() -> None:
    capabilities = torch.cpu.get_capabilities()
    assert set(precision.NATIVE) <= set(capabilities) or "avx2" not in capabilities


def test_a_cpu_without_bfloat16_computes_in_full_precision(plain_cpu: None) -> None:
    assert in_use("mixed", "cpu") == "full"
    layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    with autocast("mixed", torch.device("cpu")):
        assert layer(x).dtype == torch.float32
    objective = Classification(2)
    assert in_precision(objective, "mixed", "cpu") is objective


def test_a_cpu_with_bfloat16_computes_in_it(able_cpu: None) -> None:
    assert in_use("mixed", "cpu") == "mixed"
    assert in_use("full", "cpu") == "full"
    layer, x = torch.nn.Linear(3, 2), torch.ones(1, 3)
    with autocast("mixed", "cpu"):
        assert layer(x).dtype == torch.bfloat16
    with autocast("full", "cpu"):  # the control
        assert layer(x).dtype == torch.float32


def test_an_objective_in_mixed_precision_gives_full_precision_back(able_cpu: None) -> None:
    torch.manual_seed(0)
    full, layer = Classification(4), torch.nn.Linear(64, 4)
    mixed, batch = in_precision(full, "mixed", "cpu"), batch_of(torch.randn(16, 64))
    assert in_precision(full, "full", "cpu") is full
    assert (mixed.capabilities, mixed.classes) == (full.capabilities, 4)
    for ask in ("outputs", "per_sample_loss", "loss"):
        arguments = (layer, batch) if ask == "outputs" else (layer, batch, batch.y)
        rough, exact = (getattr(objective, ask)(*arguments) for objective in (mixed, full))
        assert rough.dtype == exact.dtype == torch.float32
        assert torch.allclose(rough, exact, atol=0.05)
        assert not torch.equal(rough, exact), "nothing was computed in bfloat16"
    mixed.loss(layer, batch, batch.y).backward()
    assert layer.weight.grad.dtype == torch.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_computes_in_bfloat16_batch_after_batch() -> None:
    layer, x = torch.nn.Linear(3, 2).cuda(), torch.ones(1, 3, device="cuda")
    expected = torch.bfloat16 if in_use("mixed", "cuda") == "mixed" else torch.float32
    context = autocast("mixed", "cuda")
    for _ in range(2):
        with context:
            assert layer(x).dtype == expected
        assert layer(x).dtype == torch.float32
