"""Classification of texts: as of images, but its inputs are numbers of tokens, which cannot be moved a little."""

from __future__ import annotations

from reunlearn.objectives.classification import Classification

MODALITIES = ("text",)


class TextClassification(Classification):
    """Cross-entropy of logits that a network computes from token ids [B, L], 0 where a text has ended."""

    capabilities = Classification.capabilities - {"pixels"}


def make(classes: int, label_smoothing: float = 0.0, logit_std: float = 0.0) -> TextClassification:
    """Return the objective for a dataset with so many classes; see Classification."""
    return TextClassification(classes, label_smoothing, logit_std)
