"""Input moments against explicit patches, and the projection onto a core space."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.base.errors import UserError
from reunlearn.gradients.subspace import RowMoment, input_moments, spectrum, weighted_layers
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec


def images(count: int = 5) -> Tensor:
    return torch.randn(count, 2, 5, 6, generator=torch.Generator().manual_seed(0))


def test_a_linear_layer_sees_its_inputs_also_in_sequences() -> None:
    x = torch.randn(4, 7, 6, generator=torch.Generator().manual_seed(0))
    moment = RowMoment()
    moment.add(x[:3])
    moment.add(x[3:])
    expected = sum(torch.outer(r, r) for r in x.reshape(-1, 6).double())
    assert torch.allclose(moment.value(), expected, rtol=0, atol=1e-10)


def test_streamed_moments_equal_those_of_one_batch() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(2, 3, 3, stride=2), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)
    ).eval()
    streamed = input_moments(model, images(20).split(3), model)
    whole = input_moments(model, [images(20)], model)
    inputs = model[:3](images(20))
    assert list(streamed) == ["0", "3"]
    assert all(
        torch.allclose(streamed[n], whole[n], rtol=0, atol=1e-5 * float(whole[n].max())) for n in streamed
    )
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


@pytest.mark.parametrize("energy", [0.9, 0.95])
@pytest.mark.parametrize("name", ["small_cnn", "small_vgg", "all_cnn", "resnet18"])
def test_single_precision_keeps_the_rank(name: str, energy: float) -> None:
    """Of C and of C − C_f, where there are more patches than directions; double precision sees the same inputs."""
    model = build(ArchitectureSpec(name=name, settings={"width": 4}), (3, 16, 16), 5, 0).eval()
    x = torch.randn(128, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    inputs: dict[str, Tensor] = {}
    for key, layer in weighted_layers(model).items():
        layer.register_forward_pre_hook(lambda _, given, key=key: inputs.update({key: given[0].double()}))

    def exact(count: int) -> dict[str, Tensor]:
        model(x[:count])
        kept = dict(inputs)
        return {
            key: input_moments(layer, [kept[key]], layer.double())[""]
            for key, layer in weighted_layers(copy.deepcopy(model)).items()
        }

    found, few = (input_moments(model, [x[:count]], model) for count in (128, 32))
    wanted, less = exact(128), exact(32)
    for key in found:
        for ours, theirs in ((found[key], wanted[key]), (found[key] - few[key], wanted[key] - less[key])):
            assert spectrum(ours).basis(energy).shape == spectrum(theirs).basis(energy).shape


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
    basis = spectrum(matrix).basis(energy, reach)
    assert basis.shape == (4, rank)
    assert torch.allclose(basis @ basis.T, expected, atol=1e-10)


@pytest.mark.parametrize(("indefinite", "chosen"), [("absolute", [1, 3]), ("zero", [1])])
def test_negative_eigenvalues(indefinite: str, chosen: list[int]) -> None:
    # shares of Σσ: 0.5, 0.3, 0.14, 0.06; without the negative one 0.71, 0.2, 0.09
    matrix, vectors = moment([1.4, 5.0, 0.6, 3.0], signs=[1, 1, 1, -1])
    basis = spectrum(matrix, indefinite).basis(0.85)
    assert torch.allclose(basis @ basis.T, vectors[:, chosen] @ vectors[:, chosen].T, atol=1e-10)


def test_a_basis_is_orthonormal_and_its_largest_direction_comes_first() -> None:
    sigma = list(np.linspace(1, 3, 9))
    matrix, _ = moment(sigma)
    basis = spectrum(matrix).basis(0.5)
    count = basis.shape[1]
    assert 0 < count < 9
    assert torch.allclose(basis.T @ basis, torch.eye(count).double(), atol=1e-10)
    within = (basis.T @ matrix @ basis).diagonal()
    assert torch.allclose(within, torch.tensor(sigma[::-1][:count]).double() ** 2, atol=1e-10)


@pytest.mark.parametrize(("indefinite", "kept"), [("absolute", 3.0), ("zero", 0.0)])
def test_made_definite_the_directions_stay(indefinite: str, kept: float) -> None:
    matrix, vectors = moment([1.4, 5.0, 3.0], signs=[1, 1, -1])
    expected = vectors @ torch.diag(torch.tensor([1.4, 5.0, kept]).double() ** 2) @ vectors.T
    assert torch.allclose(spectrum(matrix, indefinite).matrix(), expected, atol=1e-10)
    assert not torch.allclose(matrix, expected, atol=0.1)
