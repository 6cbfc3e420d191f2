"""`reunlearn.methods` and `reunlearn.attacks`: what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.attacks.registry import AttackCard, get
from reunlearn.library.libraries import missing_library, summary_of
from reunlearn.library.naming import hindrance
from reunlearn.study.cards import Hyperparameter, Reading, When
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.specs import RowSpec
from reunlearn.unlearning.registry import card

SETS = ("forget", "retain", "validation", "true_labels")


@dataclass(frozen=True)
class MethodLine:
    """One unlearning method.

    Attributes:
        name: of `reunlearn.unlearn`, with a reading where there are two.
        summary, paper: idea and source.
        readings: paper and code, where these differ; none where they do not.
        needs: the sets, and the training-time state, that it reads: always, or for some values of settings.
        settings: every hyper-parameter, with type, default, range and meaning.
        scenarios: what is forgotten may have to be of one of these kinds; None: anything.
        study_only: why it runs in a study only; None: it runs on any classifier.
    """

    name: str
    summary: str
    paper: str
    readings: tuple[Reading, ...]
    needs: Mapping[str, When]
    settings: Mapping[str, Hyperparameter]
    scenarios: tuple[str, ...] | None
    study_only: str | None

    def __str__(self) -> str:
        names = " ".join(
            RowSpec(method=self.name, reading=reading).name for reading in self.readings or (None,)
        )
        needs = ", ".join(name if when is True else f"{name}?" for name, when in self.needs.items())
        return f"{names}: {self.summary} Reads {needs}."


def methods() -> tuple[MethodLine, ...]:
    """Return all methods; `print(*reunlearn.methods(), sep="\\n")` shows a line each (?: under some settings)."""
    lines = []
    for name in plugin_names("methods"):
        its = card(name)
        sets = {each: getattr(its.needs, each) for each in SETS}
        lines.append(
            MethodLine(
                name=name,
                summary=its.summary,
                paper=its.paper,
                readings=its.readings,
                needs={each: when for each, when in {**sets, **its.needs.state}.items() if when},
                settings=its.hyperparameters,
                scenarios=its.scenarios,
                study_only=hindrance(its),
            )
        )
    return tuple(lines)


@dataclass(frozen=True)
class AttackLine:
    """One membership-inference attack.

    Attributes:
        name: of `reunlearn.attack`.
        summary: its idea.
        card: what it compares, unit, direction, ideal, source, cost, pools of shadow models; None where it lacks a
            library.
        missing: the library that it needs and that is not installed.
    """

    name: str
    summary: str
    card: AttackCard | None
    missing: str | None

    def __str__(self) -> str:
        lacks = f" Needs {self.missing}." if self.missing else ""
        learns = (
            f" Learns from shadow models: {', '.join(self.card.pools)}."
            if self.card and self.card.pools
            else ""
        )
        return f"{self.name}: {self.summary}{learns}{lacks}"


def attacks() -> tuple[AttackLine, ...]:
    """Return all attacks; `print(*reunlearn.attacks(), sep="\\n")` shows a line each."""
    return tuple(_attack(name) for name in plugin_names("attacks"))


def _attack(name: str) -> AttackLine:
    missing = missing_library(name)
    return AttackLine(name, summary_of(name), None if missing else get(name).CARD, missing)
