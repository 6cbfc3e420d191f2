"""What the columns of averages, costs, statistics and printed numbers mean, in the form of reading_cards."""

from __future__ import annotations

from reunlearn.reporting.metric_cards import Row

_GAP = "points"
_LOWER = "lower is better"
_FLOOR = "that of the noise floor"

AVERAGES: tuple[Row, ...] = (
    (
        "avg_gap_gdr_gma",
        "Avg. Gap of GDR-GMA",
        "mean of |mean − mean of Retrain| over Acc_Df, Acc_Dr (both with the training augmentation on, where the "
        "recipe has any), Acc_val (official test set) and MIA (entropy_logistic, here without augmentation)",
        _GAP,
        _LOWER,
        _FLOOR,
        "GDR-GMA, tables 2 to 5: 'Avg. Gap'",
    ),
    (
        "avg_gap_lur",
        "Avg. Gap of LUR",
        "mean of |mean − mean of Retrain| over UA (100 − forget accuracy), TA, RA and MIA (confidence_svc)",
        _GAP,
        _LOWER,
        _FLOOR,
        "LUR, tables 1 and 2: 'Avg. Gap'",
    ),
    (
        "avg_d_sfr_on",
        "Avg. D of SFR-on",
        "mean of |mean − mean of Retrain| over FA, RA, TA and MIA (entropy_logistic), all without augmentation",
        _GAP,
        _LOWER,
        _FLOOR,
        "SFR-on: 'Avg. D'",
    ),
)

COSTS: tuple[Row, ...] = (
    (
        "seconds",
        "RTE",
        "seconds of the method alone, its preparation included, reading and evaluation not",
        "seconds, mean ± standard deviation",
        "lower is cheaper",
        "far below Retrain's",
        "RTE of the papers, which print minutes or seconds of their machines",
    ),
    (
        "time_share",
        "RTE, share of Retrain",
        "RTE / RTE of Retrain, shown only between equal device, processor and threads",
        "%",
        "lower is cheaper",
        "far below 100",
        "RTE",
    ),
    (
        "passes_retain",
        "Passes, retain",
        "samples drawn from the retain set / its size",
        "passes",
        "lower is cheaper",
        "0 where a method does not see it",
        "counted when batches are handed out",
    ),
    (
        "passes_forget",
        "Passes, forget",
        "samples drawn from the forget set / its size",
        "passes",
        "lower is cheaper",
        "",
        "counted when batches are handed out",
    ),
    (
        "passes_train",
        "Passes, all",
        "samples drawn from retain and forget set / size of the training set",
        "passes",
        "lower is cheaper",
        "far below the epochs of training",
        "counted when batches are handed out",
    ),
    (
        "peak_memory_mib",
        "Memory",
        "most main memory that the job's process held at one time, its libraries included",
        "MiB",
        "lower is cheaper",
        "",
        "the operating system's resident set size",
    ),
    (
        "peak_gpu_memory_mib",
        "GPU memory",
        "most memory that tensors of the job took on the GPU at one time",
        "MiB",
        "lower is cheaper",
        "",
        "PyTorch's allocator",
    ),
    (
        "relearn_epochs",
        "Relearn time",
        "epochs of training on forget and retain set together, with the original's rate, until the forget accuracy "
        "is back at the original's; the cap where it never is",
        "epochs",
        "closer to Retrain's is better; few epochs: the knowledge was still there",
        "Retrain's value",
        "Golatkar et al. 2020; a job of its own, only where a study sets 'relearn'",
    ),
)

SIGNIFICANCE: tuple[Row, ...] = (
    (
        "avg_gap",
        "Avg. Gap",
        "difference of means over seeds, averaged over the columns of the first table; below, the 95 % percentile "
        "interval over 2,000 bootstrap draws of whole seeds, Retrain's of the same seeds beside them",
        _GAP,
        _LOWER,
        _FLOOR,
        "few seeds give rough intervals that lean upwards",
    ),
    (
        "seed_gap",
        "Gap per seed",
        "within each seed, the mean over the same columns of |value − Retrain's value of this seed|; mean ± "
        "standard deviation over seeds. Never below Avg. Gap",
        _GAP,
        _LOWER,
        _FLOOR,
        "the series that the tests below pair by seed",
    ),
    (
        "against_floor",
        "Against the floor",
        "mean difference of the gaps per seed, method − noise floor; below, p of the paired t test and of the "
        "signed-rank test, both two-sided and corrected (Holm) for the number of methods",
        _GAP,
        "above 0: farther from Retrain than a second Retrain is",
        "0",
        "Holm 1979; Wilcoxon 1945",
    ),
    (
        "against_best",
        "Against the best",
        "mean difference of the gaps per seed, method − best method of the first table; p as before",
        _GAP,
        "above 0: worse than the best method",
        "0",
        "the best is chosen by the same numbers, so these p are, if anything, too small",
    ),
)

RANKS: tuple[Row, ...] = (
    (
        "average_rank",
        "Average rank",
        "within each block (one seed of one experiment) methods are ranked by their gap per seed, ties share; the "
        "mean of the ranks over all blocks",
        "1 is best",
        _LOWER,
        "methods less than the critical difference apart cannot be told from each other",
        "Demšar 2006: Friedman's test, then Nemenyi's critical difference",
    ),
)
