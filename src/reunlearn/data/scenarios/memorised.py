"""Forget the samples that models memorise most, least or by half, or whose label others predict best, worst or so-so.

    memorisation(x) = P(right | trained with x) − P(right | trained without x)    Feldman and Zhang 2020, equation 1
    consistency(x)  = P(right | trained without x)                                C-score, Jiang et al. 2021, one ratio

P is the share of models of the pool `halves` that answer with the true label: of every two models one was trained with
the sample. Feldman and Zhang train on 70 % of the set, Jiang et al. average over several ratios; here it is one half of
training and validation set. The levels are those of RUM (Zhao et al. 2024): the highest scores, the lowest, and those
nearest to 0.5; where its code takes another score, it takes those nearest to the median, and so does `consistency`. Few
models give few different scores: the split seed decides between equal ones.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from reunlearn.data.scenarios._by_score import ByScore, lowest_first
from reunlearn.data.scenarios._steps import dealt, no_classes
from reunlearn.data.scenarios.registry import Selection, TrainingSet


class Memorised(ByScore):
    """Samples of a high, medium or low memorisation or consistency score."""

    READS: ClassVar[tuple[str, ...]] = ("halves",)

    level: Literal["high", "medium", "low"] = Field(
        "high", description="the samples with the highest, the middle or the lowest scores"
    )
    score: Literal["memorisation", "consistency"] = Field(
        "memorisation",
        description="memorisation: how much more often models that learned a sample know its label; consistency: how "
        "often models that did not learn it do, so low is hard",
    )

    def labels(self) -> list[Any]:
        """Return level and size, and the score where it is not memorisation."""
        return [self.level, *(["consistency"] if self.score == "consistency" else []), self.size()]

    def words(self) -> str:
        """Return how many of which score."""
        which = {"high": "the highest", "medium": "a medium", "low": "the lowest"}[self.level]
        return f"{self.size_words()} with {which} {self.score} score"

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return the samples of the level, dealt to the steps from the most extreme, or the most central, on."""
        import numpy as np

        from reunlearn.metrics import memorisation

        if samples.halves is None:
            raise ValueError("scenario 'memorised' needs what the models of the pool 'halves' answer")
        logits_MNK, member_MN = samples.halves.of(samples.index)
        score_N = getattr(memorisation, self.score)(logits_MNK, member_MN, samples.y)
        centre = 0.5 if self.score == "memorisation" else float(np.median(score_N))
        key_N = {"high": -score_N, "low": score_N, "medium": np.abs(score_N - centre)}[self.level]
        order = lowest_first(key_N, np.random.default_rng([split_seed, 5]))
        part = dealt(samples, order[: self.number(len(samples))], self)
        return Selection(part, samples.y, no_classes(self), score_N)
