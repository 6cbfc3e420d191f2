"""What generators take in memory, by formulas: parameters, and the numbers that a training step keeps of a sample.

The tests hold them against the networks. They count float32: mixed precision takes less.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.base.tensor_shapes import shapes_of
from reunlearn.study.cards import Value

Settings = Mapping[str, Value]
Shape = tuple[int, ...]  # C, H, W of the images
EMBEDDING = 4  # width of the time embedding in widths of the first level
LATENT = 8  # pixels of an image's side that are one of a latent's


@dataclass(frozen=True)
class Size:
    """What a network takes.

    Attributes:
        parameters: how many.
        kept: numbers that one training step keeps of a sample until its backward pass.
        live: numbers of a sample that a forward pass alone holds at one time.
        other: parameters of what is only evaluated: the VAE, the text encoder.
    """

    parameters: int
    kept: int
    live: int
    other: int = 0


@dataclass(frozen=True)
class Levels:
    """A U-Net: channels of each level, which of them attend, residual blocks of each, channels that enter and leave."""

    channels: tuple[int, ...]
    attends: tuple[bool, ...]
    blocks: int
    colours: tuple[int, int]


def size_of(name: str, settings: Settings, shape: Shape, classes: int) -> Size | None:
    """Return the size of a network; None of one that has no formula, or whose folder is not there yet.

    Args:
        name: of the network.
        settings: all of them, its defaults included.
        shape: of the images, as they are resized.
        classes: of the dataset.
    """
    known: dict[str, Callable[[Settings, Shape, int], Size | None]] = {
        "ddpm_unet": _ddpm_unet,
        "dit": _dit,
        "stable_diffusion": _stable_diffusion,
    }
    return known[name](settings, shape, classes) if name in known else None


@dataclass
class _Sum:
    """Parameters and kept numbers, layer by layer; `embedding`: what blocks read of time and class."""

    embedding: int
    parameters: int = 0
    kept: int = 0
    widest: int = 0  # numbers of the largest residual block
    skipped: int = 0  # numbers that wait for the way up

    @property
    def live(self) -> int:
        """Numbers that a forward pass holds at one time, at most."""
        return self.skipped + self.widest

    def convolution(self, inputs: int, outputs: int, pixels: int, kernel: int = 3) -> None:
        self.parameters += kernel**2 * inputs * outputs + outputs
        self.kept += inputs * pixels

    def residual(self, inputs: int, outputs: int, pixels: int) -> None:
        """Two convolutions, each after a norm and an activation; the input is added."""
        self.parameters += 2 * inputs + 2 * outputs + self.embedding * outputs + outputs
        self.convolution(inputs, outputs, pixels)
        self.convolution(outputs, outputs, pixels)
        self.kept += 2 * pixels * (inputs + outputs)  # what norms and activations read
        self.widest = max(self.widest, 2 * pixels * (inputs + outputs))
        if inputs != outputs:
            self.convolution(inputs, outputs, pixels, kernel=1)

    def attention(self, width: int, pixels: int) -> None:
        """Self-attention with one layer each for queries, keys, values and output."""
        self.parameters += 2 * width + 4 * (width**2 + width)
        self.kept += 7 * width * pixels  # input, normed, query, key, value, output, its sum


def _unet(of: Levels, side: int, embedding: int) -> _Sum:
    """Return the sum over a U-Net without its embeddings; `embedding`: numbers that each block reads of them."""
    channels, attends, blocks, colours = of.channels, of.attends, of.blocks, of.colours
    total, levels = _Sum(embedding), len(channels)
    pixels = [(side // 2**level) ** 2 for level in range(levels)]
    total.convolution(colours[0], channels[0], pixels[0])
    skips, now = [channels[0]], channels[0]
    for level, width in enumerate(channels):
        for _ in range(blocks):
            total.residual(now, width, pixels[level])
            now = width
            if attends[level]:
                total.attention(width, pixels[level])
            skips.append(now)
            total.skipped += now * pixels[level]
        if level < levels - 1:
            total.convolution(now, now, pixels[level])
            skips.append(now)
            total.skipped += now * pixels[level + 1]
    total.residual(now, now, pixels[-1])
    total.attention(now, pixels[-1])
    total.residual(now, now, pixels[-1])
    for level in reversed(range(levels)):
        width = channels[level]
        for _ in range(blocks + 1):
            total.residual(now + skips.pop(), width, pixels[level])
            now = width
            if attends[level]:
                total.attention(width, pixels[level])
        if level:
            total.convolution(now, now, pixels[level - 1])
    total.parameters += 2 * now
    total.kept += 2 * now * pixels[0]
    total.convolution(now, colours[1], pixels[0])
    return total


def _ddpm_unet(settings: Settings, shape: Shape, classes: int) -> Size:
    width, (colours, side) = int(str(settings["width"])), shape[:2]
    factors, sides = (_numbers(name, settings[name]) for name in ("multipliers", "attention"))
    attends = tuple(side // 2**level in sides for level in range(len(factors)))
    blocks, embedding = int(str(settings["blocks"])), EMBEDDING * width
    levels = Levels(tuple(factor * width for factor in factors), attends, blocks, (colours, colours))
    total = _unet(levels, side, embedding)
    time = width * embedding + embedding + embedding**2 + embedding
    return Size(total.parameters + time + (classes + 1) * embedding, total.kept, total.live)


def _dit(settings: Settings, shape: Shape, classes: int) -> Size:
    """Each block has embeddings of its own (diffusers' layout); the VAE is evaluated only."""
    width, depth, patch = (int(str(settings[name])) for name in ("width", "depth", "patch"))
    colours, side = (4, shape[1] // LATENT) if settings.get("vae") else shape[:2]
    tokens, outputs = (side // patch) ** 2, colours * (2 if settings["learned_variance"] else 1)
    embedding = 256 * width + width + width**2 + width + (classes + 1) * width
    block = 12 * width**2 + 9 * width + 6 * width**2 + 6 * width
    ends = patch**2 * colours * width + width + 2 * width**2 + 2 * width
    ends += width * patch**2 * outputs + patch**2 * outputs
    kept = 22 * width * tokens  # of a block
    return Size(depth * (embedding + block) + ends, depth * kept, kept, _folder(settings.get("vae")))


def _stable_diffusion(settings: Settings, shape: Shape, classes: int) -> Size | None:
    folder = Path(str(settings["folder"])).expanduser()
    config = folder / "unet" / "config.json"
    if not config.is_file():
        return None
    levels, side = _levels(config), shape[1] // LATENT
    if levels is None:
        return None
    total = _unet(levels, side, EMBEDDING * levels.channels[0])
    for level, (width, attends) in enumerate(zip(levels.channels, levels.attends, strict=True)):
        # the layers of a transformer block, besides its attention to the image itself
        total.kept += attends * (2 * levels.blocks + 1) * 20 * width * (side // 2**level) ** 2
    others = sum(_folder(str(folder / part)) for part in ("vae", "text_encoder"))
    return Size(_folder(str(folder / "unet")), total.kept, total.live, others)


def _levels(config: Path) -> Levels | None:
    """Return the levels of a U-Net in diffusers' layout; None where its configuration is not that of one."""
    try:
        about = read_json(config)
        attends = tuple("CrossAttn" in kind for kind in about["down_block_types"])
        colours = (int(about["in_channels"]), int(about["out_channels"]))
        return Levels(tuple(about["block_out_channels"]), attends, int(about["layers_per_block"]), colours)
    except (KeyError, TypeError, ValueError):  # the job that opens it says what is wrong
        return None


def _folder(folder: Value) -> int:
    """Return the parameters in a folder's weights; 0 where there are none that can be read."""
    files = Path(str(folder)).expanduser().glob("*.safetensors") if folder else ()
    try:
        return sum(math.prod(shape) for file in files for shape in shapes_of(file).values())
    except UserError:  # as above: this is an estimate
        return 0


def _numbers(name: str, text: Value) -> list[int]:
    parts = [part for part in str(text).split("-") if part]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UserError(f"ddpm_unet: {name} is '{text}'; write numbers with hyphens, such as 1-2-2")
    return [int(part) for part in parts]
