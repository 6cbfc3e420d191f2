"""Global draws inside a seeded block depend on its seed and path alone; the caller's state stays."""

from __future__ import annotations

import pytest
import torch

from reunlearn.training.randomness import seeded


def draw(seed: int, *path: str | int, device: str = "cpu") -> list[float]:
    with seeded(seed, *path, device=device):
        return torch.rand(4, device=device).tolist()


def test_the_same_path_gives_the_same_draws_whatever_was_drawn_before() -> None:
    first = draw(1, "epoch", 0)
    torch.rand(7)
    assert draw(1, "epoch", 0) == first


def test_each_seed_and_path_draws_for_itself() -> None:
    paths: list[tuple[str | int, ...]] = [("epoch", 0), ("epoch", 1), ("epoch", 11), ("unlearn",), ()]
    found = {tuple(draw(seed, *path)) for seed in (0, 1, 2**31) for path in paths}
    assert len(found) == 15


def test_the_callers_state_is_unmoved_even_by_an_error() -> None:
    before = torch.get_rng_state()
    draw(1)
    assert torch.equal(torch.get_rng_state(), before)
    with pytest.raises(KeyError), seeded(1):
        torch.rand(1)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)  # the control: a draw does move it
    assert not torch.equal(torch.get_rng_state(), before)


def test_blocks_nest() -> None:
    with seeded(1, "outer"):
        torch.rand(1)
        expected = torch.rand(1).item()
    with seeded(1, "outer"):
        torch.rand(1)
        draw(1, "inner")
        assert torch.rand(1).item() == expected


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_draws_reproducibly_and_is_left_as_it_was() -> None:
    before = torch.cuda.get_rng_state()
    assert draw(1, "epoch", 0, device="cuda") == draw(1, "epoch", 0, device="cuda")
    assert draw(1, "epoch", 0, device="cuda") != draw(1, "epoch", 1, device="cuda")
    draw(1)
    assert torch.equal(torch.cuda.get_rng_state(), before)
