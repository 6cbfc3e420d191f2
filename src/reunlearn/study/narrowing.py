"""A study, narrowed to some of its methods or seeds; its report then has a name of its own."""

from __future__ import annotations

from collections.abc import Sequence

from reunlearn.base.errors import UserError, near
from reunlearn.base.hashing import short_digest
from reunlearn.study import methods
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment, Study

LONGEST = 60  # characters of what a plan was narrowed to; more are a digest


def check_parts(
    studies: Sequence[Study], only_methods: Sequence[str] | None, only_seeds: Sequence[int] | None
) -> None:
    """Refuse methods and seeds that no study has.

    Args:
        studies: that are planned together.
        only_methods: a method's name, or a row's; None for all.
        only_seeds: of trainings; None for all.

    Raises:
        UserError: a name or a number fits nothing.
    """
    (who, verb) = _who(studies)
    known = {name for study in studies for e in study.experiments for m in e.methods for name in _names(m)}
    for wanted in only_methods or ():
        if wanted not in known:
            raise UserError(f"{who} {verb} no method '{wanted}'; {near(wanted, known)}")
    known_seeds = {s.train for study in studies for e in study.experiments for s in e.seeds}
    for seed in only_seeds or ():
        if seed not in known_seeds:
            raise UserError(f"{who} {verb} no seed {seed}; known: {sorted(known_seeds)}")


def _who(studies: Sequence[Study]) -> tuple[str, str]:
    if len(studies) == 1:
        return f"study '{studies[0].name}'", "has"
    return f"studies {', '.join(study.name for study in studies)}", "have"


def narrowed(
    study: Study, only_methods: Sequence[str] | None, only_seeds: Sequence[int] | None
) -> tuple[Study, str] | None:
    """Return what is left of a study and the name of its report; None where nothing is left.

    What is asked for and not in this study is in another one that is planned with it: `check_parts`.
    """
    left = [e for e in (_left(e, only_methods, only_seeds) for e in study.experiments) if e]
    if not left:
        return None
    if left == list(study.experiments):
        return study, study.name
    words = _words(left, only_methods, only_seeds)
    title = f"{study.title} (only {', '.join(words)})"
    return study.model_copy(update={"title": title, "experiments": tuple(left)}), _name(study.name, words)


def _left(
    experiment: Experiment, only_methods: Sequence[str] | None, only_seeds: Sequence[int] | None
) -> Experiment | None:
    entries = [m for m in experiment.methods if not only_methods or _names(m) & set(only_methods)]
    seeds = [s for s in experiment.seeds if only_seeds is None or s.train in only_seeds]
    if not (entries and seeds):
        return None
    return experiment.model_copy(update={"methods": tuple(entries), "seeds": tuple(seeds)})


def _names(entry: Method) -> set[str]:
    """Return what a row may be called on the command line: its method, or itself."""
    return {entry.name, methods.row_of(entry).name}


def _words(
    left: Sequence[Experiment], only_methods: Sequence[str] | None, only_seeds: Sequence[int] | None
) -> list[str]:
    """Return what was asked for and is left, in words."""
    names = {name for e in left for m in e.methods for name in _names(m)}
    seeds = {s.train for e in left for s in e.seeds}
    return [
        *dict.fromkeys(name for name in only_methods or () if name in names),
        *dict.fromkeys(f"seed {seed}" for seed in only_seeds or () if seed in seeds),
    ]


def _name(study: str, words: Sequence[str]) -> str:
    """Return a name of its own for a narrowed study, so that its report never takes the place of the full one."""
    kept = "+".join(words).replace(" ", "")
    return f"{study}~{kept if len(kept) <= LONGEST else short_digest(list(words))}"
