"""RandAugment: torchvision's pixels for every operation, sign and magnitude, and torchvision's distribution."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.randaugment import MOVES, OPERATIONS, SIGNED_COLOURS, magnitude_of, randaugment
from reunlearn.data.torchvision_compat import functional, transforms
from tests.data.pictures import chi_square, is_chance, noise, per_image, scores, seeded, smooth

NEAREST = transforms.InterpolationMode.NEAREST
SIGNED = (*MOVES, *SIGNED_COLOURS)
CHOICES = [(name, sign) for name in OPERATIONS for sign in ((False, True) if name in SIGNED else (False,))]


def ours(x_NHWC: Tensor, names: list[str], negative: list[bool], magnitude: int) -> Tensor:
    """Return images [B, C, H, W] after one operation each."""
    operation_KB = torch.tensor([[OPERATIONS.index(name) for name in names]])
    return randaugment(x_NHWC, operation_KB, torch.tensor([negative]), magnitude).permute(0, 3, 1, 2)


def theirs(image_CHW: Tensor, name: str, negative: bool, magnitude: int) -> Tensor:
    """Return one image after one operation of torchvision's transforms v2, at the magnitude of its class v1.

    The two classes differ in Solarize, whose threshold is 238 in one and a rounding error above it in the other.
    """
    values, _ = transforms.RandAugment()._augmentation_space(31, tuple(image_CHW.shape[1:]))[name]
    level = (float(values[magnitude]) if values.ndim else 0.0) * (-1 if negative else 1)
    if name == "Solarize":
        return functional.solarize(image_CHW, level)
    transform = transforms.v2.RandAugment()
    return transform._apply_image_or_video_transform(image_CHW, name, level, NEAREST, transform._fill)


def test_operations_and_magnitudes_are_those_of_torchvision() -> None:
    for magnitude in range(31):
        space = transforms.RandAugment(2, magnitude)._augmentation_space(31, (24, 40))
        assert set(space) == set(OPERATIONS)
        assert {name for name, (_, signed) in space.items() if signed} == set(SIGNED)
        for name, (values, _) in space.items():
            wanted = float(values[magnitude]) if values.ndim else 0.0
            assert magnitude_of(name, magnitude, 24, 40) == wanted


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [noise, smooth])
def test_every_operation_equals_torchvision_at_every_magnitude(kind, channels: int) -> None:
    """Equal to torchvision's per-image v2 functions without any tolerance."""
    names, negative = [name for name, _ in CHOICES], [sign for _, sign in CHOICES]
    x_NHWC = kind(len(CHOICES), 32, channels)
    for magnitude in range(31):
        found = ours(x_NHWC, names, negative, magnitude)
        for image, before, (name, sign) in zip(found, per_image(x_NHWC), CHOICES, strict=True):
            assert torch.equal(image, theirs(before, name, sign, magnitude)), (name, sign, magnitude)


def test_oblong_images_move_as_in_torchvision() -> None:
    x_NHWC = noise(2 * len(MOVES), 33)[:, :20]
    names, negative = [*MOVES, *MOVES], [False] * len(MOVES) + [True] * len(MOVES)
    for magnitude in (3, 20, 30):
        found = ours(x_NHWC, names, negative, magnitude)
        for image, before, name, sign in zip(found, per_image(x_NHWC), names, negative, strict=True):
            assert torch.equal(image, theirs(before, name, sign, magnitude)), (name, sign, magnitude)


def test_the_older_transforms_differ_by_one_grey_level_at_most() -> None:
    """In three of the operations v1 of torchvision's functions rounds otherwise; none differs by more."""
    unlike = set()
    x_NHWC = smooth(len(CHOICES))
    found = ours(x_NHWC, [name for name, _ in CHOICES], [sign for _, sign in CHOICES], 9)
    for image, before, (name, sign) in zip(found, per_image(x_NHWC), CHOICES, strict=True):
        level = magnitude_of(name, 9, 32, 32) * (-1 if sign else 1)
        difference = (
            image.int() - transforms.autoaugment._apply_op(before, name, level, NEAREST, None).int()
        ).abs()
        assert int(difference.max()) <= 1
        unlike |= {name} if difference.any() else set()
    assert unlike <= {"Color", "Sharpness", "AutoContrast"}


def test_operations_follow_one_another() -> None:
    x_NHWC = smooth(1)
    operation_KB = torch.tensor([[OPERATIONS.index("Equalize")], [OPERATIONS.index("ShearX")]])
    found = randaugment(x_NHWC, operation_KB, torch.tensor([[False], [True]]), 9)[0].permute(2, 0, 1)
    first = theirs(per_image(x_NHWC)[0], "Equalize", False, 9)
    assert torch.equal(found, theirs(first, "ShearX", True, 9))
    second = theirs(per_image(x_NHWC)[0], "ShearX", True, 9)
    assert not torch.equal(found, theirs(second, "Equalize", False, 9))  # the control: the order is seen


def test_the_input_is_kept() -> None:
    x_NHWC = noise(40)
    before = x_NHWC.clone()
    Augmentation(("randaugment",))(x_NHWC, seeded())
    assert torch.equal(x_NHWC, before)


def test_two_channels_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"randaugment needs images of 1 or 3 channels, not 2; take it out"):
        Augmentation(("randaugment",))(noise(1, channels=2), seeded())


def outcomes(image_CHW: Tensor, magnitude: int) -> dict[bytes, float]:
    """Return the probability of every picture that two operations of torchvision's make of this one."""
    weight = {choice: 1 / 14 / (2 if choice[0] in SIGNED else 1) for choice in CHOICES}
    once = {choice: theirs(image_CHW, *choice, magnitude) for choice in CHOICES}
    found: dict[bytes, float] = {}
    for first, second in itertools.product(CHOICES, CHOICES):
        picture = theirs(once[first], *second, magnitude).numpy().tobytes()
        found[picture] = found.get(picture, 0.0) + weight[first] * weight[second]
    return found


def counted(x_NCHW: Tensor, probability: dict[bytes, float]) -> tuple[Tensor, Tensor]:
    """Return how often each picture occurs, and how often it should; no other picture may occur."""
    found = dict.fromkeys(probability, 0)
    for image in x_NCHW:
        found[image.numpy().tobytes()] += 1
    expected = torch.tensor(list(probability.values())).double() * len(x_NCHW)
    return torch.tensor(list(found.values())).double(), expected


def test_every_pair_of_operations_has_the_probability_it_has_in_torchvision() -> None:
    """529 pairs of operation and sign, some with the same result; torchvision's class passes the same test."""
    image_HWC, magnitude = smooth(1)[0], 9
    probability = outcomes(image_HWC.permute(2, 0, 1), magnitude)
    assert abs(sum(probability.values()) - 1) < 1e-9
    assert len(probability) > 400
    kind = Augmentation(("randaugment",), randaugment_magnitude=magnitude)
    counts, expected = counted(drawn(image_HWC, 16_000, kind), probability)
    assert is_chance(chi_square(counts, expected), len(counts) - 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        transform = transforms.v2.RandAugment(2, magnitude)
        image_CHW = image_HWC.permute(2, 0, 1).contiguous()
        sample = torch.stack([transform(image_CHW) for _ in range(6000)])
    counts, expected = counted(sample, probability)
    assert is_chance(chi_square(counts, expected), len(counts) - 1)


def test_a_missing_sign_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: one operation in ten turned from backwards to forwards."""
    from reunlearn.data import randaugment as module

    def lopsided(x_NHWC, operation_KB, negative_KB, magnitude):
        lost = torch.rand(negative_KB.shape, generator=seeded(5)) < 0.1
        return randaugment(x_NHWC, operation_KB, negative_KB & ~lost, magnitude)

    image_HWC = smooth(1)[0]
    probability = outcomes(image_HWC.permute(2, 0, 1), 9)
    monkeypatch.setattr(module, "randaugment", lopsided)
    counts, expected = counted(drawn(image_HWC, 16_000, Augmentation(("randaugment",))), probability)
    assert not is_chance(chi_square(counts, expected), len(counts) - 1)


def drawn(image_HWC: Tensor, draws: int, kind: Augmentation) -> Tensor:
    """Return an image augmented many times [draws, C, H, W]."""
    return kind(image_HWC.expand(draws, *image_HWC.shape), seeded(1)).permute(0, 3, 1, 2).contiguous()


@pytest.mark.parametrize(("operations", "magnitude"), [(2, 2), (3, 9)])
def test_the_mean_of_every_position_is_that_of_the_class_on_pillow_images(
    operations: int, magnitude: int
) -> None:
    draws, image = 2000, smooth(1)[0]
    transform, pillow = transforms.RandAugment(operations, magnitude), Image.fromarray(image.numpy())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        sample = torch.from_numpy(np.stack([np.array(transform(pillow)) for _ in range(draws)]))
    sample = sample.permute(0, 3, 1, 2)
    kind = Augmentation(("randaugment",), randaugment_operations=operations, randaugment_magnitude=magnitude)
    found = scores(drawn(image, draws, kind), sample)
    # about 3072 positions, their scores nearly standard normal; the colours move all at once, hence the slack
    assert float(found.abs().max()) < 5
    assert float(found.square().mean()) < 3
    fewer = Augmentation(
        ("randaugment",), randaugment_operations=operations - 1, randaugment_magnitude=magnitude
    )
    assert float(scores(drawn(image, draws, fewer), sample).abs().max()) > 5  # the control
