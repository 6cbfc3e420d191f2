"""Crop, flip and rotation: torchvision's pixels for given parameters, and torchvision's distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from reunlearn.data.augmentation import Augmentation, crop, flip
from reunlearn.data.pixel_moves import rotate
from reunlearn.data.torchvision_compat import transforms
from tests.data.pictures import chi_square, is_chance, noise, per_image, scores, seeded, smooth

PADDING = 4


def drawn(image_HWC: Tensor, draws: int, augmentation: Augmentation, seed: int = 1) -> Tensor:
    """Return an image augmented many times [draws, H, W, C]."""
    return augmentation(image_HWC.expand(draws, *image_HWC.shape), seeded(seed))


def drawn_by(transform: torch.nn.Module, image_HWC: Tensor, draws: int) -> Tensor:
    """Return the same of a transform of torchvision, Pillow image by Pillow image [draws, H, W, C]."""
    image = Image.fromarray(image_HWC.numpy())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return torch.stack([torch.from_numpy(np.array(transform(image))) for _ in range(draws)])


def test_an_unknown_augmentation_is_refused() -> None:
    with pytest.raises(ValueError, match="no augmentation 'zoom'; known: crop, flip, rotation, randaugment"):
        Augmentation(("crop", "zoom"))


@pytest.mark.parametrize("padding", [1, PADDING, 8])
def test_crop_equals_torchvision_at_every_offset(padding: int) -> None:
    steps = torch.arange(2 * padding + 1)
    top, left = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))
    x_NHWC = noise(len(top))
    found = crop(x_NHWC, top, left, padding).permute(0, 3, 1, 2)
    padded = functional.pad(x_NHWC.permute(0, 3, 1, 2), (padding,) * 4)
    for image, wanted, i, j in zip(found, padded, top.tolist(), left.tolist(), strict=True):
        assert torch.equal(image, transforms.functional.crop(wanted, i, j, 32, 32))


def test_crop_in_the_middle_is_the_image_itself() -> None:
    x_NHWC, middle = noise(3), torch.full((3,), PADDING)
    assert torch.equal(crop(x_NHWC, middle, middle, PADDING), x_NHWC)


def test_flip_equals_torchvision_and_touches_only_its_rows() -> None:
    x_NHWC = noise(5)
    found = flip(x_NHWC, torch.tensor([3, 0])).permute(0, 3, 1, 2)
    for row, image in enumerate(x_NHWC.permute(0, 3, 1, 2)):
        assert torch.equal(found[row], transforms.functional.hflip(image) if row in (0, 3) else image)


def unlike(x_NHWC: Tensor, angle_B: Tensor) -> Tensor:
    """Return which pixels differ from torchvision's per-image rotation [B, H, W]."""
    wanted = [
        transforms.functional.rotate(i, a) for i, a in zip(per_image(x_NHWC), angle_B.tolist(), strict=True)
    ]
    return (rotate(x_NHWC, angle_B).permute(0, 3, 1, 2) != torch.stack(wanted)).any(1)


def border_distance(size: int, angle_B: Tensor) -> Tensor:
    """Return how far each pixel's source, in float64, is from the border between two pixels [B, H, W]."""
    middle = (size - 1) / 2
    steps, radian_B11 = torch.arange(size).double() - middle, angle_B.double().deg2rad()[:, None, None]
    row = radian_B11.sin() * steps + radian_B11.cos() * steps[:, None] + middle
    column = radian_B11.cos() * steps - radian_B11.sin() * steps[:, None] + middle
    return torch.minimum(*((source.remainder(1) - 0.5).abs() for source in (row, column)))


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (64, 3), (33, 1), (224, 3)])
def test_rotation_equals_torchvision_but_for_ties(size: int, channels: int) -> None:
    """The neighbour may differ where the source is within 1e-4 of the border, at most in 1 pixel of 20 000."""
    x_NHWC = noise(60 if size < 100 else 8, size, channels)
    angle_B = torch.empty(len(x_NHWC)).uniform_(-180, 180, generator=seeded(2))
    differ = unlike(x_NHWC, angle_B)
    assert float(differ.float().mean()) <= 1 / 20_000
    assert not differ[border_distance(size, angle_B) > 1e-4].any()
    # the control: a twentieth of a degree is noticed
    turned = rotate(x_NHWC, angle_B + 0.05) != rotate(x_NHWC, angle_B)
    assert float(turned.float().mean()) > 1 / 200


@pytest.mark.parametrize("angle", [0.0, 90.0, -90.0, 180.0])
def test_right_angles_are_exact(angle: float) -> None:
    assert not unlike(noise(2), torch.full((2,), angle)).any()


def test_rotation_of_oblong_images_turns_about_their_centre() -> None:
    x_NHWC, angle_B = noise(4)[:, :20], torch.tensor([-20.0, 7.0, 19.0, 90.5])
    assert not unlike(x_NHWC, angle_B).any()


def test_rotation_is_nearly_that_of_pillow() -> None:
    """Pillow counts in 1/65536 of a pixel: at most 1 pixel of 1000 comes from the neighbour."""
    x_NHWC = noise(60, 64)
    angle_B = torch.empty(60).uniform_(-20, 20, generator=seeded(2))
    pillow = [
        np.array(transforms.functional.rotate(Image.fromarray(image.numpy()), angle))
        for image, angle in zip(x_NHWC, angle_B.tolist(), strict=True)
    ]
    found = (rotate(x_NHWC, angle_B) != torch.from_numpy(np.stack(pillow))).any(-1).float().mean()
    assert 0 < float(found) < 1 / 1000


def marked(size: int = 32) -> Tensor:
    """Return an image whose pixels tell where they come from: channel 0 row + 1, channel 1 column + 1."""
    steps = torch.arange(1, size + 1, dtype=torch.uint8)
    rows, columns = steps[:, None].expand(size, size), steps.expand(size, size)
    return torch.stack([rows, columns, torch.ones_like(rows)], dim=2)


def geometry(x_NHWC: Tensor) -> Tensor:
    """Return (top, left, flipped) of each augmented copy of the marked image [N, 3]."""
    row, column = x_NHWC[:, 16, 16, 0].long() - 1, x_NHWC[:, 16, 15:17, 1].long() - 1
    flipped = column[:, 0] > column[:, 1]
    left = torch.where(flipped, column[:, 1], column[:, 0]) - 15 + PADDING
    return torch.stack([row - 16 + PADDING, left, flipped.long()], dim=1)


def test_all_162_geometries_are_equally_likely() -> None:
    draws = 162 * 200
    found = geometry(drawn(marked(), draws, Augmentation(("crop", "flip"))))
    cells = found[:, 0] * 18 + found[:, 1] * 2 + found[:, 2]
    counts = torch.bincount(cells, minlength=162).double()
    assert len(counts) == 162
    assert is_chance(chi_square(counts, counts.mean()), 161)
    skewed = torch.bincount(cells[found[:, 2] * torch.arange(draws) % 10 < 9], minlength=162).double()
    assert not is_chance(chi_square(skewed, skewed.mean()), 161)  # a tenth of some flips lost is noticed


def levels(x_NHWC: Tensor) -> Tensor:
    """Return how often the pixel right of the middle comes from which row, of the marked image of 64 pixels."""
    return torch.bincount(x_NHWC[:, 32, 63, 0].long(), minlength=65).double()


def unlikeness(first: Tensor, second: Tensor) -> tuple[float, int]:
    """Return the chi-square of two samples' counts having one distribution, and its degrees of freedom."""
    seen = first + second > 0
    first, second = first[seen], second[seen]
    both = (first + second) / (first.sum() + second.sum())
    return chi_square(first, both * first.sum()) + chi_square(second, both * second.sum()), int(
        seen.sum()
    ) - 1


def test_angles_are_distributed_as_those_of_torchvision() -> None:
    draws = 4000
    theirs = drawn_by(transforms.RandomRotation(20), marked(64), draws)
    ours = drawn(marked(64), draws, Augmentation(("rotation",), rotation_degrees=20))
    statistic, freedom = unlikeness(levels(ours), levels(theirs))
    assert freedom >= 20  # ±20° move that pixel by ±11 rows
    assert is_chance(statistic, freedom)
    narrow = drawn(marked(64), draws, Augmentation(("rotation",), rotation_degrees=19))
    assert not is_chance(*unlikeness(levels(narrow), levels(theirs)))


CASES = {
    "crop and flip": (
        Augmentation(("crop", "flip")),
        transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]),
        Augmentation(("crop",)),
    ),
    "rotation": (
        Augmentation(("rotation",), rotation_degrees=20),
        transforms.RandomRotation(20),
        Augmentation(("rotation",), rotation_degrees=16),
    ),
}


@pytest.mark.parametrize(("augmentation", "transform", "other"), CASES.values(), ids=CASES)
def test_the_mean_of_every_position_is_that_of_torchvision(augmentation, transform, other) -> None:
    draws, image = 1500, smooth(1)[0]
    theirs = drawn_by(transform, image, draws)
    found = scores(drawn(image, draws, augmentation, seed=4), theirs)
    # about 3072 positions, their scores nearly standard normal; neighbours share draws, hence the slack
    assert float(found.abs().max()) < 5
    assert 0.5 < float(found.square().mean()) < 1.6
    assert float(scores(drawn(image, draws, other, seed=4), theirs).abs().max()) > 5  # the control
