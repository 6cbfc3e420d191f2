"""Input moments against explicit patches, and the projection onto a core space."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.gradients import subspace
from reunlearn.gradients.subspace import (
    add_products,
    core_basis,
    definite,
    input_moments,
    mirrored,
    second_moment,
    weighted_layers,
)
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

CONVOLUTIONS = {
    "plain": {"kernel_size": 3},
    "padded": {"kernel_size": 3, "padding": 1},
    "strided": {"kernel_size": 3, "padding": 1, "stride": 2},
    "oblong": {"kernel_size": (1, 3), "padding": (0, 2)},
    "pointwise": {"kernel_size": 1},
}


def explicit(x: Tensor, kernel: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    """Return Σ r rᵀ, patch after patch at stride 1."""
    x = nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0])).double()
    total = 0.0
    for image in x:
        for i in range(x.shape[2] - kernel[0] + 1):
            for j in range(x.shape[3] - kernel[1] + 1):
                r = image[:, i : i + kernel[0], j : j + kernel[1]].reshape(-1)
                total = total + torch.outer(r, r)
    return total


def images(count: int = 5) -> Tensor:
    return torch.randn(count, 2, 5, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_sees_patches_at_stride_one(name: str) -> None:
    layer = nn.Conv2d(2, 3, **CONVOLUTIONS[name])
    moment = second_moment(layer, images())
    assert moment.dtype == torch.float64
    assert torch.allclose(moment, explicit(images(), layer.kernel_size, layer.padding), rtol=0, atol=1e-10)


def test_other_patches_give_other_moments() -> None:
    """The control of the comparison: without the padding, or at the layer's own stride."""
    layer = nn.Conv2d(2, 3, 3, padding=1, stride=2)
    moment = second_moment(layer, images())
    rows = nn.functional.unfold(images(), 3, padding=1, stride=2).transpose(1, 2).reshape(-1, 18).double()
    assert not torch.allclose(moment, explicit(images(), (3, 3), (0, 0)), atol=1e-3)
    assert not torch.allclose(moment, rows.T @ rows, atol=1e-3)


def test_the_order_of_entries_is_that_of_the_weights() -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1).double()
    rows = subspace.layer_rows(layer, subspace.padded(layer, images().double()))
    by_rows = rows @ layer.weight.flatten(1).T + layer.bias
    assert torch.allclose(by_rows, layer(images().double()).permute(0, 2, 3, 1).reshape(-1, 3))


def test_a_linear_layer_sees_its_inputs_also_in_sequences() -> None:
    x = torch.randn(4, 7, 6, generator=torch.Generator().manual_seed(0))
    expected = sum(torch.outer(r, r) for r in x.reshape(-1, 6).double())
    assert torch.allclose(second_moment(nn.Linear(6, 2), x), expected, rtol=0, atol=1e-10)


def test_chunks_do_not_change_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1)
    whole = second_moment(layer, images())
    monkeypatch.setattr(subspace, "PATCH_NUMBERS", 1)
    assert torch.allclose(second_moment(layer, images()), whole, rtol=1e-12, atol=0)


@pytest.mark.parametrize("width", [1, 71, 72, 73, 300, 577])
def test_half_of_the_products_are_all_of_them(width: int) -> None:
    rows_RD = torch.randn(7, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    total_DD = torch.zeros(width, width, dtype=torch.float64)
    for part in rows_RD.split(3):
        add_products(total_DD, part)
    assert torch.allclose(mirrored(total_DD), rows_RD.T @ rows_RD, rtol=0, atol=1e-13)
    assert torch.equal(mirrored(total_DD), mirrored(total_DD).T)


def test_streamed_moments_equal_those_of_one_batch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)
    ).eval()
    streamed = input_moments(model, images(20).split(3), model)
    whole = input_moments(model, [images(20)], model)
    inputs = model[:3](images(20))
    assert list(streamed) == ["0", "3"]
    assert all(torch.allclose(streamed[n], whole[n], rtol=1e-6) for n in streamed)
    assert torch.allclose(streamed["3"], inputs.double().T @ inputs.double(), rtol=1e-6)
    assert all(not m._forward_pre_hooks for m in model.modules()), "hooks are gone"


@pytest.mark.parametrize(
    "settings", [{"groups": 2}, {"padding": "same"}, {"padding_mode": "reflect", "padding": 1}]
)
def test_a_convolution_without_a_rule_is_named(settings: dict) -> None:
    model = nn.Sequential(nn.Conv2d(2, 4, 3, **settings))
    with pytest.raises(UserError, match="layer '0'"):
        weighted_layers(model)


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("swin_t", {"width": 12}, "layer 'features.1.0.attn.proj' is never called"),
        (
            "vit",
            {"patch": 4, "width": 16, "depth": 1, "heads": 2},
            "self_attention.out_proj' is never called",
        ),
        ("tiny_vit_5m", {"width": 4}, "is a convolution in groups"),
    ],
)
def test_a_network_whose_inputs_cannot_be_seen_is_refused_in_one_line(
    name: str, settings: dict, reason: str
) -> None:
    model = build(ArchitectureSpec(name=name, settings=settings), (3, 32, 32), 5, 0).eval()
    with pytest.raises(UserError, match=reason) as caught:
        input_moments(model, [torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))], model)
    assert "\n" not in str(caught.value)
    assert all(not m._forward_pre_hooks for n, m in model.named_modules() if not n.endswith("self_attention"))


@pytest.mark.parametrize("name", ["small_cnn", "small_vgg", "all_cnn", "torchvision_resnet18"])
def test_control_the_networks_of_pgu_are_not(name: str) -> None:
    settings = {} if name.startswith("torchvision") else {"width": 2}
    model = build(ArchitectureSpec(name=name, settings=settings), (3, 16, 16), 5, 0).eval()
    found = input_moments(
        model, [torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))], model
    )
    assert found.keys() == weighted_layers(model).keys()


def moment(sigma: list[float], signs: list[int] | None = None) -> tuple[Tensor, Tensor]:
    """Return a matrix with eigenvalues ± σ² and its eigenvectors as columns."""
    size = len(sigma)
    vectors, _ = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(2)).double())
    values = torch.tensor(sigma).double() ** 2 * torch.tensor(signs or [1] * size)
    return vectors @ torch.diag(values) @ vectors.T, vectors


@pytest.mark.parametrize(
    ("energy", "reach", "rank"),
    [
        (0.0, False, 0),
        (0.0, True, 1),
        (0.55, False, 1),
        (0.55, True, 2),
        (0.85, False, 2),
        (0.95, False, 3),
        (1.0, False, 4),
    ],
)
def test_rank_counts_sums_of_sigma(energy: float, reach: bool, rank: int) -> None:
    # shares of Σσ: 0.5, 0.8, 0.94, 1; of Σσ² they would be 0.69, 0.94, 0.99, 1
    matrix, vectors = moment([5.0, 3.0, 1.4, 0.6])
    expected = vectors[:, :rank] @ vectors[:, :rank].T
    basis = core_basis(matrix, energy, reach)
    assert basis.shape == (4, rank)
    assert torch.allclose(basis @ basis.T, expected, atol=1e-10)


@pytest.mark.parametrize(("indefinite", "chosen"), [("absolute", [1, 3]), ("zero", [1])])
def test_negative_eigenvalues(indefinite: str, chosen: list[int]) -> None:
    # shares of Σσ: 0.5, 0.3, 0.14, 0.06; without the negative one 0.71, 0.2, 0.09
    matrix, vectors = moment([1.4, 5.0, 0.6, 3.0], signs=[1, 1, 1, -1])
    basis = core_basis(matrix, 0.85, indefinite=indefinite)
    assert torch.allclose(basis @ basis.T, vectors[:, chosen] @ vectors[:, chosen].T, atol=1e-10)


def test_a_basis_is_orthonormal_and_its_largest_direction_comes_first() -> None:
    sigma = list(np.linspace(1, 3, 9))
    matrix, _ = moment(sigma)
    basis = core_basis(matrix, 0.5)
    count = basis.shape[1]
    assert 0 < count < 9
    assert torch.allclose(basis.T @ basis, torch.eye(count).double(), atol=1e-10)
    within = (basis.T @ matrix @ basis).diagonal()
    assert torch.allclose(within, torch.tensor(sigma[::-1][:count]).double() ** 2, atol=1e-10)


@pytest.mark.parametrize(("indefinite", "kept"), [("absolute", 3.0), ("zero", 0.0)])
def test_made_definite_the_directions_stay(indefinite: str, kept: float) -> None:
    matrix, vectors = moment([1.4, 5.0, 3.0], signs=[1, 1, -1])
    expected = vectors @ torch.diag(torch.tensor([1.4, 5.0, kept]).double() ** 2) @ vectors.T
    assert torch.allclose(definite(matrix, indefinite), expected, atol=1e-10)
    assert not torch.allclose(matrix, expected, atol=0.1)
