"""Fréchet Inception distances of samples, by Inception weights that the user gives.

`fid2048` is the FID of papers: features after the last pooling of the Inception network of 2015. `fid64_released` is
what SalUn's released script computes for Stable Diffusion, and so what stands in LUR's Table 4: features after the
first pooling, of images in −1 … 1 that were cast to uint8 without scaling, so that almost every pixel is 0. It is kept
for comparison with that table only; the two are on different scales.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reunlearn.base.hashing import sha256
from reunlearn.data.images import ImageSamples
from reunlearn.measures import _inception
from reunlearn.measures._frechet import frechet_distance
from reunlearn.measures.registry import Measured, MeasureInputs

PRELOAD = ("reunlearn.data.torchmetrics_compat",)
BATCH = 16  # images at 299 × 299

_PIXELS = "samples of the classes that stay to their training images"
_NEARER = {"unit": "distance", "direction": "lower is nearer to real images", "ideal": "the floor"}
_FLOOR = {
    "compares": "the same of real test images, as many as there are samples (or all, where these are fewer)",
    "unit": "distance",
    "direction": "no model is nearer",
    "ideal": "as it is",
}
_NUMBERS = {
    "fid2048": {
        "title": "FID (2048)",
        "compares": f"Fréchet distance of {_PIXELS}, in features after the last pooling of the Inception network of "
        "2015; compare only distances of as many samples and images",
        **_NEARER,
        "source": "Heusel et al. 2017",
    },
    "fid2048_floor": {"title": "FID (2048) floor", **_FLOOR},
    "fid64_released": {
        "title": "FID (64, released)",
        "compares": f"Fréchet distance of {_PIXELS}, as SalUn's script has it: features after the first pooling, of "
        "images in −1 … 1 cast to uint8, so that almost every pixel is 0; for comparison with LUR's Table 4 only",
        **_NEARER,
        "source": "SalUn's released code; LUR, Table 4",
    },
    "fid64_released_floor": {"title": "FID (64, released) floor", **_FLOOR},
}
NUMBERS = {name: {"table": "generated", **card} for name, card in _NUMBERS.items()}
CARD: Mapping[str, object] = {
    "title": "FID",
    "compares": "samples of the classes that stay with real images, in features of the Inception network of 2015",
    "unit": "distance",
    "direction": "lower is nearer to real images",
    "ideal": "the floor",
    "reads": ("samples", "classifier"),
    "capabilities": ("samples",),
    "settings": {"weights": None, "per_class": None},
    "files": {"weights": {"words": _inception.WORDS, "layers": _inception.LAYERS}},
    "cost": "11 s for each square root of a 2048 × 2048 matrix on one CPU core, and a forward pass of each image",
    "numbers": NUMBERS,
    "scenarios": ("class",),
}


@torch.no_grad()
def run(inputs: MeasureInputs) -> Measured:
    """Measure the samples; `weights`: of Inception; `per_class`: the first real images of each class, None: all.

    Table: `judges`, the SHA-256 of the weights.
    """
    assert inputs.drawn is not None
    drawn, path = inputs.drawn, Path(str(inputs.settings["weights"])).expanduser()
    network = _inception.load(path).to(drawn.samples.device)
    most = inputs.settings["per_class"]
    sets = (
        (drawn.samples, rows_of(drawn.samples, drawn.forgotten)),
        (drawn.training, rows_of(drawn.training, drawn.forgotten, None if most is None else int(most))),
        (drawn.test, rows_of(drawn.test, drawn.forgotten)),
    )
    kinds: dict[str, Callable[[Tensor], Tensor]] = {
        "fid2048": network.last,
        "fid64_released": lambda x: network.early(released_cast(x)),
    }
    numbers: dict[str, float | None] = {}
    for name, features in kinds.items():
        drawn_ND, training_MD, test_LD = (features_of(samples, rows, features) for samples, rows in sets)
        numbers[name] = frechet_distance(training_MD, drawn_ND)
        numbers[f"{name}_floor"] = frechet_distance(training_MD, test_LD[: len(drawn_ND)])
    judges = {"network": np.array(["Inception of 2015"]), "weights": np.array([sha256(path)])}
    return Measured(numbers, tables={"judges": judges})


def rows_of(samples: ImageSamples, without: np.ndarray, per_class: int | None = None) -> Tensor:
    """Return the rows of a set, but for some classes; the first `per_class` of each class if given."""
    y_N = samples.y.cpu().numpy()
    rows = [np.flatnonzero(y_N == k)[:per_class] for k in np.unique(y_N) if k not in without]
    return torch.from_numpy(np.sort(np.concatenate(rows))).to(samples.device)


def features_of(samples: ImageSamples, rows: Tensor, features: Callable[[Tensor], Tensor]) -> np.ndarray:
    """Return features [N, D] of some images of a set; grey ones have three equal channels."""
    return torch.cat(
        [
            features(samples.pixels(batch).expand(-1, 3, -1, -1).float()).cpu()
            for batch in torch.split(rows, BATCH)
        ]
    ).numpy()


def released_cast(x_NCHW: Tensor) -> Tensor:
    """Return images of 0 … 255 as SalUn's script hands them on: in −1 … 1, cut to whole numbers, modulo 256."""
    return (x_NCHW / 127.5 - 1).to(torch.int64).to(torch.uint8).float()
