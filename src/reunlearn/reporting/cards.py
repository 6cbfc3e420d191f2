"""What each number means: of a measure its own card says so; gaps, costs, statistics, ranks are defined here."""

from __future__ import annotations

from reunlearn.study.cards import MeasureCard, NumberCard
from reunlearn.study.meetings import Average

FIELDS = tuple(name for name in NumberCard.model_fields if name in MeasureCard.model_fields)
_LOWER = "lower is better"
_CHEAPER = "lower is cheaper"
_FLOOR = "the noise floor's value"
_HANDED_OUT = "counted when batches are handed out"


def _average(title: str, compares: str, source: str) -> NumberCard:
    return NumberCard(
        title=title,
        compares=compares,
        unit="percentage points",
        direction=_LOWER,
        ideal=_FLOOR,
        source=source,
    )


def _cost(title: str, compares: str, unit: str, *, ideal: str = "", source: str = "") -> NumberCard:
    return NumberCard(
        title=title, compares=compares, unit=unit, direction=_CHEAPER, ideal=ideal, source=source
    )


METHODS: dict[str, NumberCard] = {  # of the first table, besides the numbers of the measures
    "avg_gap": _average(
        "Avg. Gap",
        "mean of the gaps to Retrain in the columns that follow; a gap is |mean − mean of Retrain|, both over the "
        "seeds in which neither diverged nor is missing",
        "ours, over the columns shown here; the papers' averages, each over its own columns, stand below",
    ),
    "seconds": _cost(
        "Run time",
        "seconds of the method alone, its preparation included; reading files and measuring the model are left "
        "out; for Retrain and Original the training",
        "seconds; below, the ratio to Retrain",
        ideal="far below 1 × Retrain; the ratio is shown only between equal device, processor and threads",
        source="RTE",
    ),
    "passes": _cost(
        "Passes",
        "samples that the method really drew, as passes over the retain set and over the forget set",
        "passes over the set",
        ideal="a method that does not see a set shows 0 or a dash",
        source=_HANDED_OUT,
    ),
    "runs": NumberCard(
        title="Runs",
        compares="finished runs: the n of every mean in the row; below, those that diverged or are missing",
        unit="runs",
        direction="",
        ideal="none diverged",
        source="diverged: a weight, a loss or an output is not finite; such runs are left out of the means",
    ),
}

COSTS: dict[str, NumberCard] = {
    "seconds": _cost(
        "RTE",
        "seconds of the method alone, its preparation included; reading files and measuring the model are left out",
        "seconds, mean ± standard deviation",
        ideal="far below Retrain's",
        source="RTE of the papers, which print minutes or seconds of their machines",
    ),
    "time_share": _cost(
        "RTE, share of Retrain",
        "RTE / RTE of Retrain, shown only between equal device, processor and threads",
        "%",
        ideal="far below 100",
        source="RTE",
    ),
    "state": _cost(
        "State",
        "seconds of computing the training-time state that the method reads, once per original (and forget set); "
        "not part of RTE",
        "seconds, mean ± standard deviation",
        ideal="a dash: most methods need no such state",
        source="the jobs of the stage `state`; of ERM-KTP and Amnesiac a whole training",
    ),
    "passes_retain": _cost(
        "Passes, retain",
        "samples drawn from the retain set / its size",
        "passes",
        ideal="0 where a method does not see it",
        source=_HANDED_OUT,
    ),
    "passes_forget": _cost(
        "Passes, forget", "samples drawn from the forget set / its size", "passes", source=_HANDED_OUT
    ),
    "passes_train": _cost(
        "Passes, all",
        "samples drawn from retain and forget set / size of the training set",
        "passes",
        ideal="far below the epochs of training",
        source=_HANDED_OUT,
    ),
    "peak_memory_mib": _cost(
        "Memory",
        "most main memory that the job's process held at one time, its libraries included",
        "MiB",
        source="the operating system's resident set size",
    ),
    "peak_gpu_memory_mib": _cost(
        "GPU memory",
        "most memory that tensors of the job took on the GPU at one time",
        "MiB",
        source="PyTorch's allocator",
    ),
    "relearn_epochs": NumberCard(
        title="Relearn time",
        compares="epochs of training on forget and retain set together, with the original's rate, until the forget "
        "accuracy is the original's again; where it never is, the most epochs that were tried",
        unit="epochs",
        direction="closer to Retrain's is better; few epochs: the knowledge was still there",
        ideal="Retrain's value",
        source="Golatkar et al. 2020; only where a study names the measure relearn_time",
    ),
}

SIGNIFICANCE: dict[str, NumberCard] = {
    "avg_gap": _average(
        "Avg. Gap",
        "difference of means over seeds, averaged over the columns of the first table; below, the 95 % percentile "
        "interval over 2,000 bootstrap draws of whole seeds, each with Retrain's run of the same seeds",
        "few seeds give rough intervals that lean upwards",
    ),
    "seed_gap": _average(
        "Gap per seed",
        "within each seed, the mean over the same columns of |value − Retrain's value of this seed|; mean ± "
        "standard deviation over seeds. Never below Avg. Gap",
        "the series that the tests below pair by seed",
    ),
    "against_floor": NumberCard(
        title="Against the floor",
        compares="mean difference of the gaps per seed, method − noise floor; below, p of the paired t test and of "
        "the signed-rank test, both two-sided and corrected (Holm) for the number of methods",
        unit="percentage points",
        direction="above 0: farther from Retrain than a second Retrain is",
        ideal="0",
        source="Holm 1979; Wilcoxon 1945",
    ),
    "against_best": NumberCard(
        title="Against the best",
        compares="mean difference of the gaps per seed, method − best method of the first table; p as before",
        unit="percentage points",
        direction="above 0: worse than the best method",
        ideal="0",
        source="the best is chosen by the same numbers, so these p are a little too small rather than too large",
    ),
}

RANKS: dict[str, NumberCard] = {
    "average_rank": NumberCard(
        title="Average rank",
        compares="within each block (one seed of one experiment) methods are ranked by their gap per seed, equal "
        "gaps share a rank; the mean of the ranks over all blocks. Original and noise floor do not compete: theirs is "
        "where they would stand among the methods",
        unit="1 is best",
        direction=_LOWER,
        ideal="methods less than the critical difference apart cannot be told from each other",
        source="Demšar 2006: Friedman's test, then Nemenyi's critical difference",
    ),
    "blocks": NumberCard(title="Blocks", compares="seeds of experiments", unit="n", direction="", ideal=""),
}

CLAIMS: dict[str, NumberCard] = {
    "verdict": NumberCard(
        title="Verdict",
        compares="whether the row differs from each of its rivals as the paper says, over the seeds of this study",
        unit="",
        direction="",
        ideal="holds",
        source="ours: paired t tests over seeds, corrected by Holm",
    ),
    "least": NumberCard(
        title="Least support",
        compares="of the rival that supports the claim least: the mean difference over seeds, negative where it does",
        unit="of the number",
        direction="the lower, the more it supports the claim",
        ideal="below 0",
    ),
    "n": NumberCard(
        title="Seeds",
        compares="the fewest seeds of a comparison",
        unit="n",
        direction="",
        ideal="as the paper has",
    ),
}

PRINTED = NumberCard(
    title="",
    compares="the paper's printed column beside our number of the same definition",
    unit="",
    direction="",
    ideal="the printed value, within a spread",
)
TAKEN_FOR = NumberCard(
    title="Taken for",
    compares="share of the forget samples of wholly forgotten classes that the model takes for this class; all "
    "seeds together",
    unit="%",
    direction="closer to Retrain is better",
    ideal="Retrain's value: it spreads them over the classes that look alike",
    source="without augmentation",
)


def of_average(average: Average) -> NumberCard:
    """Return the card of a paper's average."""
    terms = [f"{column} ({', else '.join(metrics)})" for column, metrics in average.terms]
    return _average(
        average.title, f"mean of |mean − mean of Retrain| over {', '.join(terms)}", average.source
    )


def of_measure(card: MeasureCard) -> NumberCard:
    """Return the card of a measure's own number, such as an attack's."""
    return NumberCard(**{name: getattr(card, name) for name in FIELDS})


def short_unit(card: NumberCard | MeasureCard) -> str:
    """Return a unit short enough for a heading; the card has the rest."""
    if card.unit.startswith("%"):
        return "%"
    if "percentage point" in card.unit:
        return "pp"
    first, _, rest = card.unit.partition(", ")
    return min((part for part in (first, rest) if part), key=len, default="")
