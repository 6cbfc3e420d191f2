"""What a generator draws, as a classifier sees it: whether the forgotten class is still drawn, and others as before.

Features are what the classifier's last layer reads. Fréchet distances are `clf_fd`, distances in these features, and
never FID; they depend on the classifier and on the number of samples: compare only those of one classifier and one
number. The floor is the distance of as many real test images. The table `judges` says whose numbers these are.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from reunlearn.data.batches import Samples
from reunlearn.measures._frechet import frechet_distance
from reunlearn.measures.registry import Drawn, Measured, MeasureInputs, Table
from reunlearn.metrics.manifold import precision_and_recall

PRELOAD = ("reunlearn.data.torchmetrics_compat",)
BATCH = 256
SHOWN = 8  # samples per class that the report shows
FEWEST = 4  # images that precision and recall need

_OTHERS = {"direction": "closer to Retrain is better", "ideal": "Retrain's value"}
_NUMBERS = {
    "generated_forget": {
        "title": "FA",
        "compares": "samples of the forgotten class that the classifier takes for that class",
        "unit": "%",
        "direction": "lower is better forgotten",
        "ideal": "Retrain's value",
        "source": "SalUn, Sec. 5; SFR-on, Sec. 5",
    },
    "generated_away": {
        "title": "UA",
        "compares": "samples of the forgotten class that the classifier takes for another class: 100 − FA",
        "unit": "%",
        "direction": "higher is better forgotten",
        "ideal": "Retrain's value",
        "source": "SalUn, Sec. 5; LUR",
    },
    "generated_retain": {
        "title": "Others right",
        "compares": "samples of the classes that stay that the classifier takes for the class that was asked for",
        "unit": "%",
        **_OTHERS,
    },
    "generated_entropy": {
        "title": "Entropy",
        "compares": "mean entropy of the classifier's probabilities on samples of the forgotten class",
        "unit": "nats",
        **_OTHERS,
    },
    "generated_probability": {
        "title": "Probability",
        "compares": "mean probability of the forgotten class on its samples",
        "unit": "%",
        **_OTHERS,
    },
    "clf_fd": {
        "title": "clf_fd",
        "compares": "Fréchet distance of samples of the classes that stay to their training images, in the features of "
        "the study's own classifier: no FID",
        "unit": "distance",
        "direction": "lower is nearer to real images",
        "ideal": "the floor",
        "source": "Heusel et al. 2017, in other features",
    },
    "clf_fd_floor": {
        "title": "clf_fd floor",
        "compares": "the same of real test images, as many as there are samples (or all, where these are fewer)",
        "unit": "distance",
        "direction": "no model is nearer",
        "ideal": "as it is",
    },
    "generated_precision": {
        "title": "Precision",
        "compares": "samples of the classes that stay that lie in the manifold of training images",
        "unit": "%",
        **_OTHERS,
        "source": "Kynkäänniemi et al. 2019",
    },
    "generated_recall": {
        "title": "Recall",
        "compares": "training images of the classes that stay that lie in the manifold of samples",
        "unit": "%",
        **_OTHERS,
        "source": "Kynkäänniemi et al. 2019",
    },
}
NUMBERS = {name: {"table": "generated", **card} for name, card in _NUMBERS.items()}
CARD: Mapping[str, object] = {
    "title": "Generation",
    "compares": "samples of the model with real images, by a classifier that the study trains",
    "unit": "see its numbers",
    "direction": "closer to Retrain is better",
    "ideal": "Retrain's values",
    "reads": ("samples", "classifier"),
    "capabilities": ("samples",),
    "headline": ("generated_forget", "generated_retain"),
    "numbers": NUMBERS,
    "default": True,
    "scenarios": ("class",),
}


def run(inputs: MeasureInputs) -> Measured:
    """Measure the samples.

    Tables: `drawn`, per class asked for and class answered the number of samples; `pictures`, the first samples of each
    class as PNG in base64; `judges`, the SHA-256 of the classifier's weights.
    """
    assert inputs.drawn is not None and inputs.images is not None
    drawn = inputs.drawn
    features_ND, logits_NK = seen(drawn, drawn.samples)
    asked_N = drawn.samples.y.cpu().numpy()
    probabilities_NK = torch.from_numpy(logits_NK).double().softmax(dim=1).numpy()
    answered_N = logits_NK.argmax(axis=1)
    forget_N = np.isin(asked_N, drawn.forgotten)
    right_N = answered_N == asked_N
    own_N = probabilities_NK[np.arange(len(asked_N)), asked_N]
    entropy_N = -(probabilities_NK * np.log(np.maximum(probabilities_NK, 1e-300))).sum(axis=1)
    numbers: dict[str, float | None] = {
        "generated_forget": 100 * float(right_N[forget_N].mean()),
        "generated_away": 100 * float(1 - right_N[forget_N].mean()),
        "generated_retain": 100 * float(right_N[~forget_N].mean()),
        "generated_entropy": float(entropy_N[forget_N].mean()),
        "generated_probability": 100 * float(own_N[forget_N].mean()),
        "generated_images": len(asked_N),
    }
    numbers |= near_real(drawn, features_ND[~forget_N])
    tables = {
        "drawn": table_of(asked_N, answered_N),
        "pictures": pictures(inputs.images, asked_N),
        "judges": {"network": np.array(["classifier"]), "weights": np.array([drawn.weights])},
    }
    return Measured(numbers, {"asked": asked_N, "answered": answered_N}, tables)


def near_real(drawn: Drawn, features_ND: np.ndarray) -> dict[str, float | None]:
    """Return distance, floor, precision and recall of the features of samples of the classes that stay."""
    real_MD, test_LD = (
        seen(drawn, samples, without=drawn.forgotten)[0] for samples in (drawn.training, drawn.test)
    )
    numbers: dict[str, float | None] = {
        "clf_fd": frechet_distance(real_MD, features_ND),
        "clf_fd_floor": frechet_distance(real_MD, test_LD[: len(features_ND)]),
    }
    few = min(len(real_MD), len(features_ND))
    if few >= FEWEST:
        step = max(1, len(real_MD) // few)
        precision, recall = precision_and_recall(real_MD[::step][:few], features_ND[:few])
        numbers |= {"generated_precision": precision, "generated_recall": recall}
    return numbers


@torch.no_grad()
def seen(
    drawn: Drawn, samples: Samples, without: np.ndarray | tuple[int, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return features [N, D] and logits [N, K] of a set in its order; `without`: classes that are left out."""
    features: list[Tensor] = []
    logits: list[Tensor] = []
    gone = torch.as_tensor(np.asarray(without, dtype=np.int64), device=samples.device)

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        features.append(inputs[0].flatten(1))

    hook = drawn.objective.head(drawn.classifier).register_forward_pre_hook(note)
    try:
        for batch in samples.batches(BATCH):
            logits_BK = drawn.objective.outputs(drawn.classifier, batch)
            kept_B = ~torch.isin(batch.y, gone)
            features[-1], logits_BK = features[-1][kept_B], logits_BK[kept_B]
            logits.append(logits_BK)
    finally:
        hook.remove()
    return torch.cat(features).cpu().numpy(), torch.cat(logits).float().cpu().numpy()


def table_of(asked_N: np.ndarray, answered_N: np.ndarray) -> Table:
    """Return how many samples of each class the classifier takes for which class."""
    pairs, counts = np.unique(np.stack((asked_N, answered_N)), axis=1, return_counts=True)
    return {"asked": pairs[0], "answered": pairs[1], "count": counts}


def pictures(images_NCHW: np.ndarray, asked_N: np.ndarray) -> Table:
    """Return the first samples of each class."""
    places = [place for k in np.unique(asked_N) for place in np.flatnonzero(asked_N == k)[:SHOWN]]
    return {
        "asked": asked_N[places],
        "number": np.concatenate([np.arange(n) for n in np.unique(asked_N[places], return_counts=True)[1]]),
        "png": np.array([png(images_NCHW[place]) for place in places]),
    }


def png(image_CHW: np.ndarray) -> str:
    """Return an image as PNG in base64."""
    pixels = image_CHW[0] if len(image_CHW) == 1 else image_CHW.transpose(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format="PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()
