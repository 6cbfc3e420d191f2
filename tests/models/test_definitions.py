"""Networks against an independent definition of them: a plain list of layers, the library, the formula."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from reunlearn.models.registry import gives_maps
from tests.models.networks import NAMES, close, images, make, stirred


def block(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> list[nn.Module]:
    pad = 1 if kernel == 3 else 0
    return [nn.Conv2d(inputs, outputs, kernel, stride, pad, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def all_cnn() -> nn.Sequential:
    layers = [*block(3, 96), *block(96, 96), *block(96, 192, 2), *block(192, 192), *block(192, 192)]
    layers += [*block(192, 192, 2), *block(192, 192), *block(192, 192, kernel=1)]
    return nn.Sequential(*layers, nn.AvgPool2d(8), nn.Flatten(), nn.Linear(192, 10))


def small_vgg() -> nn.Sequential:
    first = [nn.Conv2d(3, 128, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(128)]
    second = [nn.Conv2d(128, 256, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(256)]
    third = [nn.Conv2d(256, 512, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(512), nn.MaxPool2d(2)]
    hidden = [nn.Flatten(), nn.Dropout(0.5), nn.Linear(8192, 512), nn.ReLU(), nn.BatchNorm1d(512)]
    return nn.Sequential(*first, *second, *third, *hidden, nn.Linear(512, 10))


@pytest.mark.parametrize(("name", "slow"), [("all_cnn", all_cnn), ("small_vgg", small_vgg)])
def test_layer_by_layer_as_pgu_lists_them(name: str, slow: Callable[[], nn.Module]) -> None:
    model, expected = make(name).double().train(), slow().double().train()
    expected.load_state_dict(dict(zip(expected.state_dict(), model.state_dict().values(), strict=True)))
    x_NCHW = images(3).double()
    results = []
    for network in (model, expected):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            logits_NK = network(x_NCHW)
        logits_NK.square().sum().backward()
        gradients = [p.grad for p in network.parameters()]
        results.append([logits_NK, *gradients, network.eval()(x_NCHW)])
    assert all(torch.allclose(a, b, rtol=1e-8, atol=1e-10) for a, b in zip(*results, strict=True))
    assert not close(results[0][0], results[0][-1])


@pytest.mark.parametrize(("side", "maps"), [(32, 16), (64, 64)])
def test_the_hidden_layer_of_small_vgg_fits_the_images(side: int, maps: int) -> None:
    assert make("small_vgg", shape=(3, side, side), width=4).hidden.in_features == 16 * maps


def library_network(name: str, seed: int) -> nn.Module:
    """Return the library's own network, made the way its documentation says."""
    from reunlearn.data.torchvision_compat import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "tiny_vit_5m":
            import timm

            return timm.create_model("tiny_vit_5m_224", num_classes=10)
        return getattr(models, name.removeprefix("torchvision_"))(num_classes=10)


@pytest.mark.parametrize("name", ["torchvision_resnet18", "torchvision_resnet34", "swin_t", "tiny_vit_5m"])
def test_networks_of_libraries_are_theirs_to_the_bit(name: str) -> None:
    ours, theirs = make(name, seed=4).eval(), library_network(name, 4).eval()
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    assert all(torch.equal(value, expected[key]) for key, value in ours.state_dict().items())
    with torch.no_grad():
        assert close(ours(images(1)), theirs(images(1)))


def test_vit_computes_what_torchvision_s_does() -> None:
    from reunlearn.data.torchvision_compat import models

    ours = stirred("vit").eval()
    theirs = models.VisionTransformer(
        32, 4, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=64, num_classes=10
    )
    theirs.load_state_dict(ours.state_dict())
    expected = theirs.eval()(images(2))
    assert close(ours(images(2)), expected)
    assert not close(ours(images(2).flip(1)), expected)


def depth_rates(model: nn.Module) -> list[float]:
    """Return the probability of each layer of stochastic depth: torchvision's and timm's."""
    torchvision = [m.p for m in model.modules() if type(m).__name__ == "StochasticDepth"]
    return torchvision + [m.drop_prob for m in model.modules() if type(m).__name__ == "DropPath"]


def test_stochastic_depth_is_the_libraries_own() -> None:
    with torch.device("meta"):
        for name, largest in [("swin_t", 0.2), ("tiny_vit_5m", 0.0)]:
            rates = depth_rates(make(name))
            assert rates == depth_rates(library_network(name, 0))
            assert max(rates, default=0.0) == largest
            assert max(depth_rates(make(name, drop_path=0.3))) == pytest.approx(0.3)


def test_vit_is_torchvision_s_vit_b_16() -> None:
    with torch.device("meta"):
        ours, theirs = make("vit", shape=(3, 224, 224)), library_network("vit_b_16", 0)
    shapes = [[(key, value.shape) for key, value in n.state_dict().items()] for n in (ours, theirs)]
    assert shapes[0] == shapes[1]
    heads = [
        [m.num_heads for m in n.modules() if isinstance(m, nn.MultiheadAttention)] for n in (ours, theirs)
    ]
    assert heads[0] == heads[1] == [12] * 12


def test_tiny_vit_at_224_pixels() -> None:
    with torch.no_grad():
        assert make("tiny_vit_5m", shape=(3, 224, 224)).eval()(images(1, (3, 224, 224))).shape == (1, 10)


@pytest.mark.parametrize("name", ["torchvision_resnet18", "vit", "swin_t"])
def test_other_channels_than_three_begin_like_the_library_s(name: str) -> None:
    """The standard deviation of the first layer's weights: 1/√fan_in but for torchvision's ResNets, √2/√fan_out."""
    settings = {"vit": {"patch": 8, "width": 192, "depth": 1}}.get(name, {})
    for channels in (1, 3):
        model = make(name, shape=(channels, 32, 32), **settings)
        weight = next(m for m in model.modules() if isinstance(m, nn.Conv2d)).weight
        fan_in, fan_out = weight[0].numel(), weight[:, 0].numel()
        wanted = {"torchvision_resnet18": (2 / fan_out) ** 0.5, "swin_t": (1 / (3 * fan_in)) ** 0.5}
        assert weight.shape[1] == channels
        assert weight.std().item() == pytest.approx(wanted.get(name, (1 / fan_in) ** 0.5), rel=0.06)


BODIES = [name for name in NAMES if gives_maps(name)]


def test_there_are_bodies() -> None:
    assert {"resnet18", "resnet34", "small_cnn"} <= set(BODIES)
    assert "small_vgg" not in BODIES


@pytest.mark.parametrize("name", BODIES)
def test_a_body_classifies_its_feature_maps(name: str) -> None:
    model, x_NCHW = stirred(name).eval(), images(3)
    features = model.features(x_NCHW)
    assert features.ndim == 4
    assert features.shape[1] == model.head.in_features
    assert torch.equal(model.classify(features), model(x_NCHW))
    assert torch.equal(model.classify(features), model.head(features.mean(dim=(2, 3))))


@pytest.mark.parametrize("body", BODIES)
def test_the_masked_network_is_its_body_until_its_mask_is_used(body: str) -> None:
    plain, masked = make(body, width=4).eval(), make("masked", body=body, width=4).eval()
    x_NCHW, labels_N = images(4), torch.tensor([3, 0, 9, 3])
    own = {name.removeprefix("body."): value for name, value in masked.state_dict().items()}
    assert list(own)[1:] == list(plain.state_dict())
    assert all(torch.equal(own[name], value) for name, value in plain.state_dict().items())
    assert torch.equal(plain(x_NCHW), masked(x_NCHW))
    features = masked.features(x_NCHW)
    channels = plain.head.in_features
    assert torch.equal(masked.mask, torch.full((channels, 10), 0.5))
    assert torch.equal(masked.masked(features, labels_N), 0.5 * features)
    with torch.no_grad():
        masked.mask.copy_(torch.rand(channels, 10, generator=torch.Generator().manual_seed(1)))
    slow = torch.stack(
        [masked.mask[:, y].view(-1, 1, 1) * f for y, f in zip(labels_N, features, strict=True)]
    )
    assert torch.equal(masked.masked(features, labels_N), slow)
    assert torch.equal(plain(x_NCHW), masked(x_NCHW))
    logits_NK = masked(x_NCHW, labels_N)
    assert torch.equal(logits_NK, masked.head(slow.mean(dim=(2, 3))))
    assert not close(logits_NK, masked(x_NCHW))


def test_masked_features_reach_the_mask_of_their_classes() -> None:
    model, labels_N = stirred("masked"), torch.tensor([3, 0, 9, 3])
    model(images(4), labels_N).square().sum().backward()
    reached = model.mask.grad.abs().sum(dim=0) > 0
    assert reached.nonzero().flatten().tolist() == [0, 3, 9]
    assert all(p.grad is not None and p.grad.any() for p in model.parameters())
