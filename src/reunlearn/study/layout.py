"""Which tables and figures a report shows, of each experiment and of the whole study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.base.errors import UserError, near
from reunlearn.study.cards import Catalogue, Scope, ShownCard
from reunlearn.study.schema import Experiment, Study

Cards = Mapping[str, ShownCard]
DEFAULTS = "defaults"  # in a list of names: those of the defaults that it does not name itself
NAMED: dict[Scope, str] = {
    "experiment": "an experiment; name it there",
    "study": "the whole study; name it there",
    "paper": "a paper's tables; a study that names a paper always shows it",
}


@dataclass(frozen=True)
class Layout:
    """Names of tables and of figures, in the order in which they are shown."""

    tables: tuple[str, ...]
    figures: tuple[str, ...]

    @property
    def modules(self) -> tuple[str, ...]:
        """Where their code starts."""
        return (
            *(f"reunlearn.reporting.tables.{name}" for name in self.tables),
            *(f"reunlearn.reporting.figures.{name}" for name in self.figures),
        )


NOTHING_SHOWN = Layout((), ())


def layout_of(asked: Experiment | Study, cards: Catalogue, where: str) -> Layout:
    """Return what is shown of an experiment or over a whole study.

    Args:
        asked: names them, or leaves them open.
        cards: of all plugins.
        where: begins the error line.

    Raises:
        UserError: a name is unknown, or is of the other scope.
    """
    scope: Scope = "study" if isinstance(asked, Study) else "experiment"
    tables, figures = (_possible(kind, asked) for kind in (cards.tables, cards.figures))
    return Layout(
        _chosen(asked.tables, cards.tables, scope, "table", where, possible=tables),
        _chosen(asked.figures, cards.figures, scope, "figure", where, possible=figures),
    )


def paper_layout(cards: Catalogue) -> Layout:
    """Return what is shown of each table of the paper that a study reproduces."""
    return Layout(_in_order(cards.tables, "paper"), _in_order(cards.figures, "paper"))


def audit_layout(cards: Catalogue) -> Layout:
    """Return what is shown of single models."""
    return Layout(
        _in_order({name: card for name, card in cards.tables.items() if card.audit}, "experiment"),
        _in_order({name: card for name, card in cards.figures.items() if card.audit}, "experiment"),
    )


def _chosen(
    asked: tuple[str, ...] | None, cards: Cards, scope: Scope, kind: str, where: str, *, possible: Cards
) -> tuple[str, ...]:
    defaults = _in_order(possible, scope)
    if asked is None:
        return defaults
    fitting = [name for name, card in cards.items() if card.scope == scope]
    for name in asked:
        if name in fitting or name == DEFAULTS:
            continue
        if name in cards:
            raise UserError(f"{where}: {kind} '{name}' is of {NAMED[cards[name].scope]}")
        raise UserError(f"{where}: no {kind} '{name}'; {near(name, [*fitting, DEFAULTS])}")
    rest = tuple(name for name in defaults if name not in asked)
    return tuple(part for name in asked for part in (rest if name == DEFAULTS else (name,)))


def _possible(cards: Cards, asked: Experiment | Study) -> Cards:
    """Return those that can show something: what they are made from is logged, or drawn by generators."""
    logged, drawn = _logged(asked), isinstance(asked, Experiment) and asked.sampling is not None
    return {
        name: card
        for name, card in cards.items()
        if (not card.log or card.log in logged) and (not card.samples or drawn)
    }


def _logged(asked: Experiment | Study) -> set[str]:
    """Return what some run of an experiment logs; over a whole study nothing is shown of it by default."""
    if isinstance(asked, Study):
        return set()
    return {*asked.log, *(name for entry in asked.methods for name in entry.log or ())}


def _in_order(cards: Cards, scope: Scope) -> tuple[str, ...]:
    """Return the defaults of a scope."""
    shown = [card for card in cards.values() if card.default and card.scope == scope]
    return tuple(card.name for card in sorted(shown, key=lambda card: (card.order, card.name)))
