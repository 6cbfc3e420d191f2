"""A method's card in words: what it is, what it may see, which rows it has, and where paper and code differ."""

from __future__ import annotations

from collections.abc import Mapping

from reunlearn.commands.printing import Row, joined
from reunlearn.study.cards import Hyperparameter, MethodCard, Needs, StateCard, When
from reunlearn.study.specs import RowSpec

OF_RECIPE = {"weight_decay": "a weight decay", "recipe": "how the original was trained"}  # needs, in words
SETS = tuple(name for name in Needs.model_fields if name not in ("state", *OF_RECIPE))
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}  # by the bound of a hyper-parameter


def facts(card: MethodCard, states: Mapping[str, StateCard]) -> Row:
    """Return a method's card in words.

    Args:
        card: of the method.
        states: cards of the kinds of training-time state.
    """
    needs = _sets(card)
    of_recipe = [
        f"{words}{when(c)}"
        for name, words in OF_RECIPE.items()
        if (c := getattr(card.needs, name)) is not False
    ]
    kept = [
        f"{kind}{when(condition)}: {states[kind].summary}"
        for kind, condition in card.needs.state.items()
        if condition is not False
    ]
    asked, logs = (
        [f"{name}{when(c)}" for name, c in given.items() if c is not False]
        for given in (card.capabilities, card.logs)
    )
    return {
        "what": card.summary,
        "paper": card.paper,
        "readings": f"{' and '.join(card.readings) or 'one'}: a study writes {' or '.join(rows(card))}",
        "sees": "; ".join(f"{name}{when(c)}" for name, c in needs.items() if c is not False) or "no samples",
        "training-time state": "\n".join(kept) or "none",
        "asks of the recipe": "; ".join(of_recipe) or "nothing",
        "asks of the objective": "; ".join(["the loss", *asked]),
        "precision": "the recipe's" if card.mixed else "always full",
        "scenarios": "all" if card.scenarios is None else joined(card.scenarios),
        "can log": "; ".join(logs) or "nothing",
        "returns": f"{card.network}, around the original's" if card.network else "the original's network",
    }


def rows(card: MethodCard) -> list[str]:
    """Return what a study may write to have the method as a row."""
    return [RowSpec(method=card.name, reading=reading).name for reading in card.readings or (None,)]


def when(condition: When) -> str:
    """Return when a need holds, to be put behind its name."""
    if isinstance(condition, bool):
        return ""
    return " if " + " and ".join(f"{key} is {' or '.join(map(str, v))}" for key, v in condition.items())


def sees(card: MethodCard) -> str:
    """Return the data and state that a method may see, in short: with a question mark if only sometimes."""
    needs = {**_sets(card), **card.needs.state}
    return ", ".join(name if c is True else f"{name}?" for name, c in needs.items() if c is not False)


def _sets(card: MethodCard) -> dict[str, When]:
    """Return when the method may see each set."""
    return {name: getattr(card.needs, name) for name in SETS}


def hyperparameters(card: MethodCard) -> list[Row]:
    """Return one row per hyper-parameter; one that follows the reading has the value of each for a default."""
    return [
        {
            "hyper-parameter": name,
            "default": f"paper {hyper.paper}, code {hyper.code}"
            if hyper.follows_reading
            else str(hyper.default),
            "range": _range(hyper),
            "meaning": hyper.doc,
        }
        for name, hyper in card.hyperparameters.items()
    ]


def ledger(card: MethodCard) -> list[Row]:
    """Return one row per point where the paper and its released code differ."""
    return [
        {"method": card.name, "where": point.where, "paper": point.paper, "code": point.code}
        for point in card.divergences
    ]


def _range(hyper: Hyperparameter) -> str:
    if hyper.choices:
        return " | ".join(map(str, hyper.choices))
    bounds = {sign: getattr(hyper, name) for name, sign in SIGNS.items()}
    limits = [f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None]
    return joined(limits, none=hyper.type)
