"""Mean pooling in both orders of memory."""

from __future__ import annotations

import pytest
import torch

from reunlearn.models._pooling import pooled


@pytest.mark.parametrize("shape", [(5, 7, 4, 6), (1, 3, 2, 2), (4, 3, 1, 1), (4, 1, 3, 3)])
@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last])
def test_it_is_the_mean_and_its_gradient_lies_as_the_maps_do(
    shape: tuple[int, ...], order: torch.memory_format
) -> None:
    maps = torch.randn(*shape, dtype=torch.float64).to(memory_format=order)
    seen: list[torch.Tensor] = []
    leaf = maps.clone().requires_grad_()
    inner = leaf * 1
    inner.register_hook(seen.append)
    found = pooled(inner)
    torch.testing.assert_close(found, maps.mean(dim=(2, 3)), rtol=0, atol=1e-12)
    weights = torch.randn(*shape[:2], dtype=torch.float64)
    (found * weights).sum().backward()
    expected = (weights / (shape[2] * shape[3]))[:, :, None, None].expand(shape)
    torch.testing.assert_close(seen[0], expected, rtol=0, atol=1e-12)
    assert seen[0].is_contiguous(memory_format=order)


def test_it_can_be_vectorised_over_models() -> None:
    maps = torch.randn(3, 2, 5, 4, 4).to(torch.float64)
    for order in (maps, maps.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)):
        torch.testing.assert_close(torch.vmap(pooled)(order), maps.mean(dim=(3, 4)))
