"""Image files → arrays: in order, as torchvision would resize them, and every bad file named in one line."""

from __future__ import annotations

import io
import itertools
import resource
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reunlearn.base.errors import UserError
from reunlearn.data import image_files, npy
from reunlearn.data.image_files import read_images
from reunlearn.data.torchvision_compat import transforms
from reunlearn.data.trees import Tree, folder_tree


def picture(seed: int, width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Return a smooth random image."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def save(folder: Path, count: int, width: int = 12, height: int = 12) -> Tree:
    for seed in range(count):
        picture(seed, width, height).save(folder / f"{seed}.png")
    return folder_tree(folder, "mend it")


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """Let no file grow beyond a size: the kernel refuses the write, as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("block", [1, 3, 1024])
def test_order_and_pixels_do_not_depend_on_blocks(
    tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "rows_per_block", lambda shape: block)
    files = save(tmp_path, 10)
    names = [f"{i}.png" for i in (3, 1, 4, 1, 5, 9, 2, 6)]
    wanted = [np.asarray(picture(i, 12, 12)).transpose(2, 0, 1) for i in (3, 1, 4, 1, 5, 9, 2, 6)]
    in_memory = read_images(files, names, 12, None)
    mapped = read_images(files, names, 12, tmp_path / "x.npy")
    assert np.array_equal(in_memory, wanted)
    assert np.array_equal(mapped, wanted)
    assert isinstance(mapped, np.memmap)
    plain = io.BytesIO()
    np.save(plain, in_memory)
    assert (tmp_path / "x.npy").read_bytes() == plain.getvalue()


def test_blocks_are_bounded() -> None:
    for side in (8, 64, 224, 2000):
        rows = npy.rows_per_block((10**6, 3, side, side))
        assert 1 <= rows <= 1024
        assert rows == 1 or rows * 3 * side * side <= 32 << 20


@pytest.mark.parametrize(("width", "height"), [(61, 40), (40, 61), (17, 23), (32, 32), (33, 32)])
def test_the_square_is_that_of_torchvision(tmp_path: Path, width: int, height: int) -> None:
    files = save(tmp_path, 1, width, height)
    image = picture(0, width, height)
    whole = transforms.Compose([transforms.Resize(32), transforms.CenterCrop(28)])
    found = read_images(files, ["0.png"], 28, None, shorter=32)
    assert np.array_equal(found[0], np.asarray(whole(image)).transpose(2, 0, 1))
    other = transforms.Resize(32, interpolation=transforms.InterpolationMode.NEAREST)  # the control
    if width != 32 and height != 32:
        cropped = transforms.CenterCrop(28)(other(image))
        assert not np.array_equal(found[0], np.asarray(cropped).transpose(2, 0, 1))


BEST = {"jpg": {"quality": 100, "subsampling": 0}, "webp": {"lossless": True, "exact": True}}
MODES = {  # that a format has; of WebP, that it is saved from
    "png": ("L", "LA", "1", "P", "RGBA"),
    "tif": ("L", "LA", "1", "P", "RGBA", "CMYK"),
    "jpg": ("L", "CMYK"),
    "webp": ("RGBA", "L"),
}


@pytest.mark.parametrize(("suffix", "mode"), [(suffix, m) for suffix, modes in MODES.items() for m in modes])
def test_every_8_bit_mode_becomes_rgb(tmp_path: Path, mode: str, suffix: str) -> None:
    made = picture(0, 12, 12).convert("L").convert(mode) if mode == "LA" else picture(0, 12, 12, mode)
    name = f"a.{suffix}"
    made.save(tmp_path / name, **BEST.get(suffix, {}))
    found = read_images(folder_tree(tmp_path, ""), [name], 12, None)
    apart = np.abs(found[0].astype(int) - np.asarray(made.convert("RGB")).transpose(2, 0, 1))
    assert apart.max() <= (6 if suffix == "jpg" else 0)
    if mode in ("L", "LA", "1"):
        assert np.array_equal(found[0, 0], found[0, 2])


ORIENTATION = 274  # the EXIF tag
SEEN = {  # how the picture that was meant lies in the file, by the tag's value
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("tag", SEEN)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_an_image_is_turned_as_its_tag_says_where_that_is_asked_for(
    tmp_path: Path, tag: int, suffix: str
) -> None:
    meant = picture(0, 24, 16)
    exif = Image.Exif()
    exif[ORIENTATION] = tag
    meant.transpose(SEEN[tag]).save(tmp_path / f"a.{suffix}", exif=exif, **BEST.get(suffix, {}))
    files = folder_tree(tmp_path, "")
    found = read_images(files, [f"a.{suffix}"], 16, None, shorter=16, upright=True)
    wanted = np.asarray(meant.crop((4, 0, 20, 16))).transpose(2, 0, 1)
    apart = np.abs(found[0].astype(int) - wanted)
    assert apart.max() <= (6 if suffix == "jpg" else 0)
    if suffix != "tif":  # the control; the reader of TIFF turns the image itself
        as_stored = read_images(files, [f"a.{suffix}"], 16, None, shorter=16)
        assert np.abs(as_stored[0].astype(int) - wanted).max() > 50


def test_a_damaged_tag_is_no_tag_or_one_line(tmp_path: Path) -> None:
    picture(0, 12, 12).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + b"nothing of the kind")
    tree = folder_tree(tmp_path, "mend it")
    try:
        assert read_images(tree, ["a.jpg"], 12, None, upright=True).shape == (1, 3, 12, 12)
    except UserError as error:
        assert f"{tmp_path}/a.jpg: corrupt" in str(error)


def test_transparency_shows_the_colour_below_it_without_a_warning(tmp_path: Path) -> None:
    clear = picture(0, 12, 12).convert("RGBA")
    clear.putalpha(0)
    clear.save(tmp_path / "clear.png")
    palette = picture(0, 12, 12, "P")
    palette.save(tmp_path / "bytes.png", transparency=bytes(range(200)))
    palette.save(tmp_path / "index.png", transparency=3)
    names = ["clear.png", "bytes.png", "index.png"]
    found = read_images(folder_tree(tmp_path, ""), names, 12, None)
    for image, wanted in zip(found, (picture(0, 12, 12), palette, palette), strict=True):
        assert np.array_equal(image, np.asarray(wanted.convert("RGB")).transpose(2, 0, 1))


def test_16_bits_of_a_colour_lose_the_lower_eight(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65_536, (12, 12, 3), dtype=np.uint16)
    (tmp_path / "deep.png").write_bytes(png16(deep))
    found = read_images(folder_tree(tmp_path, ""), ["deep.png"], 12, None)
    assert np.array_equal(found[0], (deep >> 8).astype(np.uint8).transpose(2, 0, 1))


def png16(pixels_HWC: np.ndarray) -> bytes:
    """Return a PNG of 16 bits per channel, which Pillow cannot write."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    height, width = pixels_HWC.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels_HWC)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def refused(tree: Tree, names: list[str], words: str, path: Path | None = None, **more: object) -> None:
    with pytest.raises(UserError, match=words) as error:
        read_images(tree, names, 12, path, **more)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)


def test_corrupt_files_are_named(tmp_path: Path) -> None:
    save(tmp_path, 2)
    whole = (tmp_path / "1.png").read_bytes()
    jpeg = io.BytesIO()
    picture(0, 12, 12).save(jpeg, "JPEG")
    bad = {
        "empty.png": b"",
        "text.png": b"not an image",
        "cut.png": whole[: len(whole) // 2],
        "head.png": whole[:20],
        "cut.jpg": jpeg.getvalue()[:-40],
        "changed.png": whole[:-40] + bytes(20) + whole[-20:],
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    tree = folder_tree(tmp_path, "mend it")
    for name in bad:
        words = f"{tmp_path}/{name}: (is empty|corrupt or no image).*; mend it"
        refused(tree, ["0.png", name, "1.png"], words, tmp_path / "x.npy")
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*bad, "0.png", "1.png"])
    refused(tree, ["0.png", "none.png"], r"none\.png: No such file")


def test_images_that_would_lose_bits_or_have_another_size_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.full((12, 12), 40_000, np.uint16)).save(tmp_path / "deep.png")
    picture(0, 12, 13).save(tmp_path / "tall.png")
    tree = folder_tree(tmp_path, "mend it")
    refused(tree, ["deep.png"], r"deep\.png: more than 8 bits per pixel")
    refused(tree, ["tall.png"], r"tall\.png: 12×13 pixels instead of 12×12")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    tree = save(tmp_path, 10)
    names = [f"{i % 10}.png" for i in range(100)]
    target = tmp_path / "target"
    target.mkdir()
    for size in itertools.chain(range(0, 400, 200), [20_000]):
        with small_files(size), pytest.raises(OSError, match="File too large"):
            read_images(tree, names, 12, target / "x.npy")
        assert list(target.iterdir()) == []
    assert read_images(tree, names, 12, target / "x.npy").nbytes == 43_200  # the control
