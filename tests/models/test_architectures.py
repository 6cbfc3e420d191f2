"""One battery for every network that reads images: seeds, shapes, modes, gradients, precision, refusals."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch

from reunlearn.base.errors import UserError
from reunlearn.models.registry import card
from tests.models.networks import NAMES, Shape, close, images, make, small, stirred

DRAWS = {"small_vgg", "swin_t"}  # Dropout, stochastic depth: training mode draws from the global generator
UNREACHED = {"masked": {"mask"}}  # plain logits do not pass the mask; its own test takes the other way


@pytest.mark.parametrize("name", NAMES)
def test_weights_follow_from_the_seed(name: str) -> None:
    first, again, other = (small(name, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    drawn = [k for k, v in first.items() if v.is_floating_point() and v.min() < v.max()]
    assert len(drawn) >= 3
    assert not any(torch.equal(first[key], other[key]) for key in drawn)


@pytest.mark.parametrize("name", NAMES)
def test_the_global_random_state_is_neither_read_nor_moved(name: str) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = small(name).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert all(torch.equal(first[key], value) for key, value in small(name).state_dict().items())


def test_generators_of_gpus_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    small("resnet18", seed=5)
    assert seeded == []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(6)  # control: this one reaches them
    assert seeded == [6]


def test_cards_say_what_a_network_reads() -> None:
    facts = {name: card(name) for name in ("resnet18", "small_vgg", "swin_t")}
    assert [facts[name]["sides"] for name in facts] == [[1, None], [8, None], [4, None]]
    assert facts["swin_t"]["settings"] == {"width": 96, "drop_path": 0.2, "pretrained": None}
    assert card("small_transformer")["inputs"] == "text"
    assert "small_transformer" not in NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_images_go_in_and_logits_come_out(name: str, shape: Shape) -> None:
    model, x_NCHW = stirred(name, shape).eval(), images(5, shape)
    with torch.no_grad():
        logits_NK = model(x_NCHW)
        assert logits_NK.shape == (5, 10)
        assert logits_NK.isfinite().all()
        assert torch.equal(model(x_NCHW), logits_NK)
        assert close(model(x_NCHW[2:3]), logits_NK[2:3])
        assert not close(logits_NK[0], logits_NK[1])


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_channels_in_memory_changes_nothing(name: str) -> None:
    model, x_NCHW = stirred(name).eval(), images(4)
    with torch.no_grad():
        expected = model(x_NCHW)
        last = x_NCHW.contiguous(memory_format=torch.channels_last)
        assert not last.is_contiguous()
        assert close(model(last), expected)
        model.to(memory_format=torch.channels_last)
        assert close(model(last), expected)
        assert not close(model(last.flip(1)), expected)


@pytest.mark.parametrize("name", NAMES)
def test_double_precision(name: str) -> None:
    model, x_NCHW = stirred(name).eval(), images(2)
    with torch.no_grad():
        single = model(x_NCHW)
        double = model.double()(x_NCHW.double())
    assert double.dtype == torch.float64
    assert close(single.double(), double)
    assert not torch.equal(single.double(), double)


@pytest.mark.parametrize("name", NAMES)
def test_training_mode_draws_only_where_it_is_said(name: str) -> None:
    model, x_NCHW = stirred(name).train(), images(4)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first, second = model(x_NCHW), model(x_NCHW)
        torch.manual_seed(3)
        assert torch.equal(model(x_NCHW), first)
    assert torch.equal(first, second) == (name not in DRAWS)


@pytest.mark.parametrize("name", NAMES)
def test_a_backward_pass_reaches_every_parameter(name: str) -> None:
    model = stirred(name).train()
    model(images(4)).square().sum().backward()
    untouched = {n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()}
    assert untouched == UNREACHED.get(name, set())


@pytest.mark.parametrize("name", NAMES)
def test_there_are_second_derivatives(name: str) -> None:
    model = stirred(name).train()
    weights = [p for n, p in model.named_parameters() if n not in UNREACHED.get(name, set())]
    gradients = torch.autograd.grad(model(images(2)).square().sum(), weights, create_graph=True)
    squares = torch.stack([g.square().sum() for g in gradients]).sum()
    second = torch.autograd.grad(squares, weights, materialize_grads=True)
    assert all(g.isfinite().all() for g in second)
    assert sum(bool(g.any()) for g in second) > len(second) / 2


@pytest.mark.parametrize("name", NAMES)
def test_evaluation_mode_sees_the_weights_of_now(name: str) -> None:
    model, x_NCHW = stirred(name).eval(), images(2)
    for _ in range(2):  # a second pass must not run into the first one's graph
        logits_NK = model(x_NCHW)
        logits_NK.square().sum().backward()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.9)
        fresh = small(name).eval()
        fresh.load_state_dict(copy.deepcopy(model).state_dict())
        assert torch.equal(model(x_NCHW), fresh(x_NCHW))
        assert not close(model(x_NCHW), logits_NK)


@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_images(name: str) -> None:
    side = 4 if name == "vit" else card(name)["sides"][0]
    for train in (True, False):
        model = small(name, shape=(3, side, side)).train(train)
        assert model(images(2, (3, side, side))).isfinite().all()


def train_on_one(name: str, side: int) -> None:
    small(name, shape=(3, side, side)).train()(images(1, (3, side, side))).sum().backward()


@pytest.mark.parametrize("name", NAMES)
def test_one_image_is_a_training_batch_where_the_card_says_so(name: str) -> None:
    first, smallest = card(name)["alone"], card(name)["sides"][0]
    if first is not None:
        train_on_one(name, 4 if name == "vit" else max(first, smallest))
    if first is None or first > smallest:  # the control
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            train_on_one(name, 32 if first is None else first - 1)


@pytest.mark.parametrize("name", ["small_vgg", "swin_t"])
def test_control_smaller_images_than_those_fail(name: str) -> None:
    side = card(name)["sides"][0] - 1
    with pytest.raises(RuntimeError):
        small(name)(images(2, (3, side, side)))


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"vit"}))
def test_images_need_not_be_square(name: str) -> None:
    assert small(name, shape=(3, 16, 40)).eval()(images(2, (3, 16, 40))).shape == (2, 10)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("vit", {"patch": 5}, "'side' is 32, which is no multiple of 5, the 'patch'"),
        ("vit", {"width": 16, "heads": 3}, "'width' is 16, which is no multiple of 3, the 'heads'"),
        ("swin_t", {"width": 16}, "'width' is 16, which is no multiple of 3"),
        ("tiny_vit_5m", {"width": 5}, "'width' is 5, which is no multiple of 2"),
        ("resnet18", {"widht": 4}, "no setting 'widht'; did you mean width"),
        ("resnet18", {"width": 0}, "'width' is a whole number of at least 1, not 0"),
        ("resnet18", {"width": True}, "not True"),
        ("small_vgg", {"dropout": 1.0}, "'dropout' is a probability"),
        ("swin_t", {"drop_path": "much"}, "'drop_path' is a probability"),
        ("masked", {"body": "small_vgg"}, "'small_vgg' gives no feature maps to mask; these do: .*small_cnn"),
        ("masked", {"body": "masked"}, "'masked' gives no feature maps"),
        ("masked", {"body": "resnet"}, "'resnet' gives no feature maps"),
        ("masked", {"body": "small_cnn", "width": 0}, "masked: 'width' is a whole number"),
    ],
)
def test_settings_that_no_network_has(name: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        make(name, **settings)


def test_a_network_for_oblong_images_of_patches_is_refused() -> None:
    with pytest.raises(UserError, match="16×32 pixels"):
        make("vit", shape=(3, 16, 32))


def test_a_probability_may_be_written_without_a_point() -> None:
    model, x_NCHW = make("swin_t", width=12, drop_path=0).train(), images(2)
    assert torch.equal(model(x_NCHW), model(x_NCHW))
