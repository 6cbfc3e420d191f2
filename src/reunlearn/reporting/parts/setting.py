"""What an experiment is, in words: what is forgotten, data, network, recipe, seeds, shadow models."""

from __future__ import annotations

from reunlearn.reporting import numbers
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.judges import DIGITS, weights_of
from reunlearn.study import paths
from reunlearn.study.rows import Seeds
from reunlearn.study.shadows import Shadows


def setting(data: ExperimentData) -> tuple[tuple[str, str], ...]:
    """Return (what, value) pairs that say what was run; of the shadow models those that a measure reads."""
    experiment, sizes = data.experiment, data.sizes
    architecture, objective = experiment.architecture, experiment.objective
    options = ", ".join(f"{k} {v}" for k, v in architecture.settings.items())
    count = f": {numbers.span(*sizes.forget)} of {numbers.span(*sizes.train)} samples" if sizes else ""
    pairs = [
        ("Forget", data.forgotten + count),
        ("Data", experiment.dataset.name),
        ("Network", architecture.key + (f" ({options})" if options else "")),
        *([("Objective", objective.name)] if objective else []),
        ("Recipe", experiment.recipe.words),
        *_original(data),
        ("Seeds", ", ".join(map(str, sorted({_seed(run.seeds, data) for run in data.runs})))),
    ]
    pairs += _scores(data)
    pairs += _judged(data)
    kinds = {kind for card in data.measures.values() for kind in card.pools}
    if kinds:
        shadows = experiment.shadows or Shadows.model_validate({})
        counts = [f"{count} {kind}" for kind, count in shadows.model_dump().items() if kind in kinds]
        pairs.append(("Shadow models", ", ".join(counts)))
    if experiment.search and any(method.search for method in experiment.methods):
        search, seeds = experiment.search, sorted({seed.train for seed in experiment.search.seeds})
        pairs.append(
            ("Search", f"at most {search.budget} trials a row, on seeds {', '.join(map(str, seeds))}")
        )
    return tuple(pairs)


def _seed(seeds: Seeds, data: ExperimentData) -> int:
    """Return the seed that stands for three: the training's, or the method's where the originals are the user's."""
    return seeds.method if data.experiment.original else seeds.train


def _original(data: ExperimentData) -> list[tuple[str, str]]:
    """Return which model of the user's each original is; nothing where they are trained."""
    original = data.experiment.original
    if original is None:
        return []
    given = {run.seeds.train: run.training.given for run in data.runs if run.training.given}
    files = [
        (original.weights if isinstance(original.weights, str) else original.weights[train], digest)
        for train, digest in sorted(given.items())
    ]
    return [("Original", ", ".join(f"{file} (SHA-256 {digest[:DIGITS]})" for file, digest in files))]


def _scores(data: ExperimentData) -> list[tuple[str, str]]:
    """Return the mean scores of forget and retain over the splits, where samples were chosen by a score."""
    splits = {paths.split(r.training.dataset, r.scenario.name, r.seeds.split) for r in data.runs}
    found = [scores for split in splits & data.jobs.keys() if (scores := data.jobs[split].record.scores)]
    if not found:
        return []
    means = {name: sum(scores[name] for scores in found) / len(found) for name in found[0]}
    return [("Mean score", ", ".join(f"{mean:.3f} of {name}" for name, mean in means.items()))]


def _judged(data: ExperimentData) -> list[tuple[str, str]]:
    """Return how samples of generators are drawn, and what says what they show; nothing where there are none."""
    sampling, classifier = data.experiment.sampling, data.experiment.classifier
    if sampling is None or classifier is None:
        return []
    weights = weights_of(data).get("classifier")
    steps = f"{sampling.steps} steps of {sampling.sampler.upper()}"
    drawn = f"{sampling.images} of each class, {steps}, guidance {sampling.guidance:g}"
    judged = f"{classifier.architecture.key} by {classifier.recipe.words}, seed {classifier.seed}"
    return [
        ("Samples", drawn),
        ("Classifier", judged + (f", weights {weights[:DIGITS]}" if weights else "")),
    ]
