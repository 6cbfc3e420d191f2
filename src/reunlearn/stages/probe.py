"""Probe a model of a search: what it answers on forget, retain and validation. Test data are not read."""

from __future__ import annotations

import numpy as np

from reunlearn.artifacts.choice import PROBED
from reunlearn.attacks.entropy_logistic import run as entropy_attack
from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json
from reunlearn.measures._logits import logits
from reunlearn.metrics.classification import accuracy
from reunlearn.metrics.outputs import Outputs
from reunlearn.stages.execution import Context
from reunlearn.stages.loading import Loader, read_split
from reunlearn.study.jobs import ProbeJob

SETS = ("forget", "retain", "validation")


def run(context: Context[ProbeJob]) -> None:
    """Write numbers.json: of `probe`; none where an output is not finite."""
    job = context.job
    loader = Loader(job.training, context.device, taught=job.inputs.taught)
    samples = loader.sets(job.inputs.split)
    model = loader.model(job.inputs.model)
    with context.stopwatch.section("run"):
        answers = {name: logits(model, samples[name], loader.objective()) for name in SETS}
        labels = {name: samples[name].y.cpu().numpy() for name in SETS}
        finite = all(np.isfinite(array).all() for array in answers.values())
        numbers: dict[str, float] = {}
        if finite:
            gone_N, like_N = alike(loader, job)
            never = bool(gone_N.any()) and not job.scenario.SUBCLASSES
            numbers = probe(answers, labels, (gone_N, like_N), never=never, wrong=job.scenario.POISONS)
    context.facts["status"] = "finished" if finite else "diverged"
    write_json(context.folder / PROBED, numbers)


def alike(loader: Loader, job: ProbeJob) -> tuple[np.ndarray, np.ndarray]:
    """Return two masks [N] of validation: samples whose (sub-)class is forgotten whole, samples like the forgotten.

    Like them are: those of the (sub-)classes that go; else those of the classes to forget, where these are at most half
    of all; else all, as where wrong labels were taught.

    Raises:
        UserError: validation has no such sample, or one only.
    """
    split, labels_N = read_split(job.inputs.split), loader.true_labels
    if job.scenario.SUBCLASSES:
        labels_N = np.asarray(loader.prepared.arrays.train_fine)
    kinds = {name: np.unique(labels_N[split[name]]) for name in ("forget", "retain")}
    validation_N = labels_N[split["validation"]]
    everything = np.ones(len(validation_N), dtype=bool)
    if job.scenario.POISONS:
        return ~everything, everything
    gone_N = np.isin(validation_N, np.setdiff1d(kinds["forget"], kinds["retain"]))
    few = len(kinds["forget"]) <= len(np.unique(labels_N)) / 2
    like_N = np.isin(validation_N, kinds["forget"]) if few else everything
    if like_N[::2].sum() == 0 or like_N[1::2].sum() == 0:
        raise UserError(
            f"validation has {like_N.sum()} samples like those to forget, too few to choose settings by; "
            "make 'validation' of the dataset larger"
        )
    return gone_N, gone_N if gone_N.any() else like_N


def probe(
    answers: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    masks: tuple[np.ndarray, np.ndarray],
    *,
    never: bool,
    wrong: bool,
) -> dict[str, float]:
    """Return what one model's outputs say, in per cent.

    forget, retain, validation: accuracies; of validation without what goes. goal: the accuracy that forget should have.
    wanted: the accuracy that validation should have, where that is not the original's. called_forget, called_unseen:
    how many of either are called members by a classifier of entropies of retain against other validation samples.

    Args:
        answers: logits [N, K] of SETS.
        labels: [N] as taught.
        masks: [N] of validation, of samples that go and samples like the forgotten; see `alike`.
        never: a model that never saw the forget set would not answer its classes.
        wrong: the forget set was taught wrong labels.
    """
    gone_N, like_N = masks
    classes_go = gone_N.any()
    unseen = accuracy(answers["validation"][like_N], labels["validation"][like_N])
    # what asks for membership is not what the classifier learns from
    halves_N = np.arange(len(gone_N)) % 2 == 0
    fitted_N, asked_N = (~gone_N, gone_N) if classes_go else (halves_N, like_N & ~halves_N)
    called = [
        _called(answers["retain"], answers["validation"][fitted_N], asked)
        for asked in (answers["forget"], answers["validation"][asked_N])
    ]
    return {
        "forget": accuracy(answers["forget"], labels["forget"]),
        "goal": 0.0 if wrong or never else unseen,
        "retain": accuracy(answers["retain"], labels["retain"]),
        "validation": accuracy(answers["validation"][~gone_N], labels["validation"][~gone_N]),
        "called_forget": called[0],
        "called_unseen": called[1],
        **({"wanted": 100.0} if wrong else {}),
    }


def _called(retain_NK: np.ndarray, other_NK: np.ndarray, asked_NK: np.ndarray) -> float:
    """Return the share of some samples that the entropy attack calls members; it reads no label."""
    outputs = {"retain": retain_NK, "test": other_NK, "forget": asked_NK}
    labels = {name: np.zeros(len(array), dtype=np.int64) for name, array in outputs.items()}
    return entropy_attack(Outputs(outputs, labels, {}), None, 0).value
