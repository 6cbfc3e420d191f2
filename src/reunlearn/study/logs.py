"""What methods note while they run, where a study asks for it: `log: [losses, lambda, conflicts, cosines]`.

A logged run is a run of its own: its folder's name holds a digest of what it logs. A folder thus holds all that its
specification says, and a run without a log is never taken for one with it. The weights are the same bits in both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reunlearn.base.errors import UserError, near
from reunlearn.base.hashing import short_digest
from reunlearn.study.cards import MethodCard, ObjectiveCard
from reunlearn.study.methods import holds, row_of
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import MethodSpec

LOGS = {
    "losses": "loss of the forget batch and of the retain batch, in each step",
    "lambda": "weight of the forget term, in each step",
    "conflicts": "share of forget samples whose gradients conflict, in each epoch, for three pairs of gradients",
    "cosines": "cosine between the gradients of one forget sample at the ends of adjacent epochs",
}
PROBES = ("conflicts", "cosines")  # computed from gradients of single samples
PROBES_MODULE = "reunlearn.unlearning.probes"
ASKED_OF_OBJECTIVE = "outputs"  # by probes


def logged(entry: Method, spec: MethodSpec, experiment: Experiment, card: MethodCard) -> tuple[str, ...]:
    """Return what a row logs, in the order of LOGS: what it names itself; else what its experiment names and it has."""
    given = _given(card, spec)
    asked = experiment.log if entry.log is None else entry.log
    return tuple(name for name in LOGS if name in asked and name in given)


def digest_of(spec: MethodSpec, log: Sequence[str]) -> str:
    """Return eight hex digits that name a method with its settings, and what it logs, in a path."""
    return short_digest([spec.digest, *log]) if log else spec.short


def modules_of(log: Sequence[str]) -> tuple[str, ...]:
    """Return where the code of a log starts, besides that of every run."""
    return (PROBES_MODULE,) if any(name in PROBES for name in log) else ()


def check_experiment(experiment: Experiment, cards: Mapping[str, MethodCard], where: str) -> None:
    """Refuse a log that does not exist, or that no method of the whole experiment can give, whatever its settings."""
    known = [cards[entry.name] for entry in experiment.methods if entry.name in cards]
    for name in experiment.log:
        _check_name(name, f"{where}: log")
        if known and not any(name in card.logs for card in known):
            raise UserError(f"{where}: log: no method here can log '{name}'; {_able(name, cards)}")


def check_methods(
    experiment: Experiment,
    resolved: Sequence[MethodSpec],
    cards: Mapping[str, MethodCard],
    objective: ObjectiveCard,
    where: str,
) -> None:
    """Refuse a method's own log that it cannot give with its settings, and probes without class probabilities."""
    for entry, spec in zip(experiment.methods, resolved, strict=True):
        who = f"{where}: log of '{row_of(entry).name}'"
        for name in entry.log or ():
            _check_name(name, who)
            if name not in _given(cards[spec.name], spec):
                raise UserError(f"{who}: it cannot log '{name}' with these settings; {_able(name, cards)}")
        probes = [name for name in logged(entry, spec, experiment, cards[spec.name]) if name in PROBES]
        if probes and ASKED_OF_OBJECTIVE not in objective.capabilities:
            raise UserError(
                f"{who}: '{probes[0]}' asks for {ASKED_OF_OBJECTIVE}, which the objective '{objective.name}' "
                "does not give"
            )


def _check_name(name: str, who: str) -> None:
    if name not in LOGS:
        raise UserError(f"{who}: there is no '{name}'; {near(name, LOGS)}")


def _able(name: str, cards: Mapping[str, MethodCard]) -> str:
    return f"these can: {', '.join(method for method, card in cards.items() if name in card.logs)}"


def _given(card: MethodCard, spec: MethodSpec) -> set[str]:
    return {name for name, when in card.logs.items() if holds(when, spec.trials[0].settings)}
