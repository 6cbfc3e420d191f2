"""CelebA-HQ faces by person: the 307 people with at least 15 images, at 224 pixels.

These images may not be redistributed: they are read from the user's own folder, which holds CelebA-HQ-identity.txt
(lines "N.jpg person") and the images N.jpg beside it, or in images/ or CelebA-HQ-img/. The first four fifths of a
person's images, by their numbers and rounded down, are for training. The published split has the same counts, but it
follows a directory listing that was not recorded. Images: shorter side resized to 256 (bilinear), the central 224×224.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.image_files import read_images
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.trees import folder_tree

TABLE = "CelebA-HQ-identity.txt"
FOLDERS = ("CelebA-HQ-img", "images", ".")
SMALLEST = 15  # images that a person must have
SHORTER, SIDE = 256, 224
ADVICE = "get CelebA-HQ from its authors, https://github.com/switchablenorms/CelebAMask-HQ"
NUMBERS = """
    5 14 17 25 26 34 44 45 47 49 63 65 67 77 80 95 99 102 103 104 108 111 112 116 121 122 124 125 128 129
    143 146 158 161 162 175 177 179 180 181 182 183 188 194 195 196 198 199 203 204 205 206 208 213 218 223
    226 228 230 235 242 251 255 258 260 262 263 267 268 270 276 277 285 286 289 295 299 301 304 309 314 321
    327 329 330 332 334 335 342 343 351 356 360 361 362 366 368 374 376 379 385 406 407 409 410 422 423 425
    437 438 440 442 449 450 451 452 458 461 469 479 481 483 486 495 501 509 516 521 528 530 532 537 556 559
    560 561 562 563 564 571 573 577 578 587 591 593 597 598 603 606 609 615 618 622 624 628 629 632 636 649
    651 664 673 674 676 677 678 679 688 698 701 703 716 719 725 731 735 745 746 748 766 776 782 785 793 795
    805 812 816 817 820 840 841 845 846 847 848 851 858 862 864 870 872 878 879 882 894 908 934 945 952 953
    956 959 968 980 982 993 995 1027 1041 1043 1044 1047 1052 1060 1077 1079 1081 1087 1090 1093 1109 1112
    1120 1126 1133 1140 1145 1149 1157 1158 1191 1210 1220 1237 1256 1262 1268 1269 1280 1285 1291 1293 1307
    1317 1330 1335 1350 1351 1370 1396 1407 1427 1429 1435 1440 1452 1507 1515 1521 1531 1538 1550 1581 1584
    1595 1718 1730 1775 1781 1796 1800 1823 1837 1838 1848 1904 1930 1965 1972 1974 1989 2020 2037 2076 2116
    2120 2131 2193 2214 2402 2464 2632 2734 3368 3911
"""
PEOPLE = tuple(NUMBERS.split())
# training images of each of them
PER_PERSON = """
    16 13 12 12 16 16 14 16 12 12 12 17 13 14 12 16 13 12 15 12 14 14 15 14 12 12 12 13 15 14 13 17 15 22 16
    16 14 12 13 14 13 14 19 12 13 17 13 12 15 12 12 15 17 19 12 19 13 16 13 12 14 12 12 12 15 14 15 14 16 17
    12 12 16 14 19 14 13 12 13 13 13 16 13 16 13 14 18 13 16 19 13 14 21 16 20 15 20 12 17 15 12 16 13 13 14
    12 12 13 12 12 16 19 12 16 17 12 15 13 16 15 20 13 18 17 12 12 12 12 12 14 17 16 16 13 13 15 12 13 18 13
    12 16 15 14 15 13 16 12 16 13 12 18 12 16 14 13 12 12 12 15 15 12 12 16 12 14 12 12 12 12 12 17 12 12 13
    15 16 13 17 12 12 15 13 16 12 14 13 15 13 16 12 15 12 13 18 12 15 13 12 12 12 14 16 12 12 12 12 12 16 12
    16 13 12 12 14 14 12 12 12 12 14 15 14 16 12 16 12 12 17 16 13 16 16 12 12 12 12 12 12 12 12 13 12 19 14
    18 14 12 14 16 18 15 12 12 16 14 12 13 12 14 12 15 12 12 16 16 12 18 12 14 14 15 14 16 16 12 15 12 14 13
    12 12 12 13 13 12 12 12 14 13 12 13 12 12 15 12 12 12 16 12 12 12 13 12 12 12 13
"""
COUNTS = tuple(map(int, PER_PERSON.split()))


def load(source: Source) -> Arrays:
    """Return the images of the 307 people."""
    if source.folder is None:
        raise UserError("celeba_hq_identity: needs 'folder', where your copy of the images is")
    train, test = split(source.folder)
    folders = [name for name in FOLDERS if (source.folder / name / train[0][0]).is_file()]
    if not folders:
        raise UserError(
            f"{source.folder}: no image {train[0][0]} here or in images or CelebA-HQ-img; {ADVICE}"
        )
    tree = folder_tree(source.folder / folders[0], ADVICE)
    arrays = []
    for key, part in (("train_x", train), ("test_x", test)):
        path = source.target and source.target / f"{key}.npy"
        arrays.append(read_images(tree, [name for name, _ in part], SIDE, path, shorter=SHORTER))
        arrays.append(np.array([label for _, label in part], dtype=np.int64))
    return Arrays(*arrays)


def split(folder: Path) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Return (file, label) of each training and each test image, person by person.

    Raises:
        UserError: the identity file is missing, or not the one whose 307 people are known here.
    """
    images: dict[int, list[int]] = {}
    try:
        lines = (folder / TABLE).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{folder / TABLE}: {error.strerror}; {ADVICE}") from None
    for line in lines:
        if not (match := re.fullmatch(r"(\d+)\.jpg\s+(\d+)\s*", line)):
            raise UserError(f"{folder / TABLE}: the line {line[:60]!r} is not 'N.jpg person'; {ADVICE}")
        images.setdefault(int(match[2]), []).append(int(match[1]))
    people = sorted(person for person, numbers in images.items() if len(numbers) >= SMALLEST)
    counts = tuple(4 * len(images[person]) // 5 for person in people)
    if tuple(map(str, people)) != PEOPLE or counts != COUNTS:
        reason = f"{len(people)} people with at least {SMALLEST} images"
        raise UserError(f"{folder / TABLE}: {reason}, not the {len(PEOPLE)} of the official file; {ADVICE}")
    train, test = [], []
    for label, (person, count) in enumerate(zip(people, counts, strict=True)):
        files = [(f"{number}.jpg", label) for number in sorted(images[person])]
        train += files[:count]
        test += files[count:]
    return train, test


CARD = DatasetCard(
    name="celeba_hq_identity",
    summary="224×224 faces of 307 people, read from your own copy of CelebA-HQ",
    classes=PEOPLE,
    shape=(3, SIDE, SIDE),
    train=4263,
    test=1215,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="CelebA-HQ (Karras et al. 2018; Lee et al. 2020) with its identity file; mean and std of ImageNet",
    licence="CelebA: non-commercial research only; images must not be passed on",
    load=load,
    class_counts=COUNTS,
    needs_folder=True,
)
