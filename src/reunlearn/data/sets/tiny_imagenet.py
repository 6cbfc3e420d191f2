"""Tiny-ImageNet: 110,000 colour images of 200 classes of ImageNet, 64×64.

The labelled validation images are the test part here; the archive's own test images have no labels. Both parts are in
the order of WordNet ids, within a class in the order of the files' numbers. Grey images get three equal channels.
"""

from __future__ import annotations

import re

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.image_files import read_images
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.sources import Archive, tree
from reunlearn.data.trees import Tree

ARCHIVE = Archive(
    url="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
    md5="90528d7ca1a48142e341f4ef8d21d0de",
    folder="tiny-imagenet-200",
)
WORDNET_IDS = """
    n01443537 n01629819 n01641577 n01644900 n01698640 n01742172 n01768244 n01770393 n01774384 n01774750
    n01784675 n01855672 n01882714 n01910747 n01917289 n01944390 n01945685 n01950731 n01983481 n01984695
    n02002724 n02056570 n02058221 n02074367 n02085620 n02094433 n02099601 n02099712 n02106662 n02113799
    n02123045 n02123394 n02124075 n02125311 n02129165 n02132136 n02165456 n02190166 n02206856 n02226429
    n02231487 n02233338 n02236044 n02268443 n02279972 n02281406 n02321529 n02364673 n02395406 n02403003
    n02410509 n02415577 n02423022 n02437312 n02480495 n02481823 n02486410 n02504458 n02509815 n02666196
    n02669723 n02699494 n02730930 n02769748 n02788148 n02791270 n02793495 n02795169 n02802426 n02808440
    n02814533 n02814860 n02815834 n02823428 n02837789 n02841315 n02843684 n02883205 n02892201 n02906734
    n02909870 n02917067 n02927161 n02948072 n02950826 n02963159 n02977058 n02988304 n02999410 n03014705
    n03026506 n03042490 n03085013 n03089624 n03100240 n03126707 n03160309 n03179701 n03201208 n03250847
    n03255030 n03355925 n03388043 n03393912 n03400231 n03404251 n03424325 n03444034 n03447447 n03544143
    n03584254 n03599486 n03617480 n03637318 n03649909 n03662601 n03670208 n03706229 n03733131 n03763968
    n03770439 n03796401 n03804744 n03814639 n03837869 n03838899 n03854065 n03891332 n03902125 n03930313
    n03937543 n03970156 n03976657 n03977966 n03980874 n03983396 n03992509 n04008634 n04023962 n04067472
    n04070727 n04074963 n04099969 n04118538 n04133789 n04146614 n04149813 n04179913 n04251144 n04254777
    n04259630 n04265275 n04275548 n04285008 n04311004 n04328186 n04356056 n04366367 n04371430 n04376876
    n04398044 n04399382 n04417672 n04456115 n04465501 n04486054 n04487081 n04501370 n04507155 n04532106
    n04532670 n04540053 n04560804 n04562935 n04596742 n04597913 n06596364 n07579787 n07583066 n07614500
    n07615774 n07695742 n07711569 n07715103 n07720875 n07734744 n07747607 n07749582 n07753592 n07768694
    n07871810 n07873807 n07875152 n07920052 n09193705 n09246464 n09256479 n09332890 n09428293 n12267677
"""
CLASSES = tuple(WORDNET_IDS.split())
PER_CLASS = {"train": 500, "val": 50}
SIDE = 64
LABELS = "val/val_annotations.txt"


def load(source: Source) -> Arrays:
    """Return all classes of the official archive."""
    with tree(ARCHIVE, source.downloads) as files:
        return read(files, CLASSES, source)


def read(files: Tree, classes: tuple[str, ...], source: Source) -> Arrays:
    """Return these classes, numbered in the order given.

    Raises:
        UserError: a class or some of its images are missing.
    """
    folders = files.folders()
    parts = {
        "train": {name: folders.get(f"train/{name}/images", []) for name in classes},
        "val": _validation(files, classes),
    }
    arrays = []
    for part, key in (("train", "train_x"), ("val", "test_x")):
        for name, paths in parts[part].items():
            if len(paths) != PER_CLASS[part]:
                wrong = f"class {name} has {len(paths)} images in {part} instead of {PER_CLASS[part]}"
                reason = wrong if paths else f"no class {name} in {part}"
                raise UserError(f"{files.where}: {reason}; {files.advice}")
        names = [name for paths in parts[part].values() for name in sorted(paths, key=_number)]
        path = source.target and source.target / f"{key}.npy"
        arrays.append(read_images(files, names, SIDE, path))
        arrays.append(np.repeat(np.arange(len(classes)), PER_CLASS[part]))
    return Arrays(*arrays)


def _validation(files: Tree, classes: tuple[str, ...]) -> dict[str, list[str]]:
    """Return the validation images of each class, as the archive's table says."""
    paths: dict[str, list[str]] = {name: [] for name in classes}
    for line in files.read(LABELS).decode(errors="replace").splitlines():
        name, _, rest = line.partition("\t")
        wordnet_id = rest.partition("\t")[0]
        if wordnet_id not in paths:
            raise UserError(
                f"{files.where}/{LABELS}: no class of the dataset in the line {line!r}; {files.advice}"
            )
        paths[wordnet_id].append(f"val/images/{name}")
    return paths


def _number(name: str) -> int:
    """Return the last number in a file's name."""
    return int(re.findall(r"\d+", name)[-1])


CARD = DatasetCard(
    name="tiny_imagenet",
    summary="64×64 colour images of 200 classes of ImageNet, named by their WordNet ids",
    classes=CLASSES,
    shape=(3, SIDE, SIDE),
    train=100_000,
    test=10_000,
    mean=(0.4802, 0.4481, 0.3975),
    std=(0.2302, 0.2265, 0.2262),
    source=f"Stanford CS231n, {ARCHIVE.origin}; mean and std as in GDR-GMA",
    licence="none stated; research use only, as ImageNet",
    load=load,
)
