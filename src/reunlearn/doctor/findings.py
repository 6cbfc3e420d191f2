"""What a check finds, and what it is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from reunlearn.commands.plan import Overview
from reunlearn.study.plan import Plans

State = Literal["ok", "warning", "problem"]
Uses = Literal["nothing", "if named", "must"]  # of a study


@dataclass(frozen=True)
class Finding:
    """One line.

    Attributes:
        check: that found it; its title.
        state: problem where something that was asked for will fail, warning where it may.
        text: what was found.
        mend: what to do about it; nothing where there is nothing to do.
    """

    check: str
    state: State
    text: str
    mend: str = ""


@dataclass(frozen=True)
class Asked:
    """What is to be run here.

    Attributes:
        profile: of Snakemake, that it would be run with.
        plans: of the studies that are named; None without one.
        overview: of these.
    """

    profile: str = "default"
    plans: Plans | None = None
    overview: Overview | None = None

    @property
    def on_cluster(self) -> bool:
        """Whether other machines than this one run the jobs."""
        return self.profile == "slurm"


@dataclass(frozen=True)
class CheckCard:
    """What is known of a check before it is run.

    Attributes:
        order: among the lines.
        title: begins each line.
        study: whether it looks at the study that is named: it then waits for its plan, and is left out without one.
        seconds: that it may take.
    """

    order: int
    title: str
    study: Uses = "nothing"
    seconds: float = 15.0


Found = Iterator[tuple[State, str, str]]  # state, text, mend


class Check(Protocol):
    """A module of `checks`."""

    CARD: CheckCard

    def look(self, asked: Asked) -> Found:
        """Yield what is found; a UserError is a problem."""
        ...
