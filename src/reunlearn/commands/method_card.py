"""A method's card in words: what it is, what it may see, which rows it has, and where paper and code differ."""

from __future__ import annotations

from typing import Any

SETS = ("forget", "retain", "validation", "true_labels")
When = bool | dict[str, list[Any]]  # as a card has it: always, never, or for these values of hyper-parameters
Rows = list[dict[str, Any]]


def facts(card: dict[str, Any], states: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Return a method's card in words.

    Args:
        card: of the method.
        states: cards of the kinds of training-time state.
    """
    needs = card["needs"]
    kept = [
        f"{kind}{when(w)}: {states[kind]['summary']}" for kind, w in needs["state"].items() if w is not False
    ]
    asked = [f"{name}{when(w)}" for name, w in card["capabilities"].items() if w is not False]
    around = f"{card['network']}, around the original's"
    return {
        "what": card["summary"],
        "paper": card["paper"],
        "readings": f"{' and '.join(card['readings']) or 'one'}: a study writes {' or '.join(rows(card))}",
        "sees": "; ".join(f"{s}{when(needs[s])}" for s in SETS if needs[s] is not False) or "no samples",
        "training-time state": "\n".join(kept) or "none",
        "asks of the objective": "; ".join(["the loss", *asked]),
        "scenarios": "all" if card["scenarios"] is None else ", ".join(card["scenarios"]),
        "returns": around if card["network"] else "the original's network",
    }


def rows(card: dict[str, Any]) -> list[str]:
    """Return what a study may write to have the method as a row."""
    return [f"{card['name']}@{reading}" for reading in card["readings"]] or [card["name"]]


def when(condition: When) -> str:
    """Return when a need holds, to be put behind its name."""
    if isinstance(condition, bool):
        return ""
    return " if " + " and ".join(f"{key} is {' or '.join(map(str, v))}" for key, v in condition.items())


def sees(card: dict[str, Any]) -> str:
    """Return the data and state that a method may see, in short: with a question mark if only sometimes."""
    needs = {**{name: card["needs"][name] for name in SETS}, **card["needs"]["state"]}
    return ", ".join(name if w is True else f"{name}?" for name, w in needs.items() if w is not False)


def hyperparameters(card: dict[str, Any]) -> Rows:
    """Return one row per hyper-parameter; one that follows the reading has the value of each for a default."""
    return [
        {
            "hyper-parameter": key,
            "default": f"paper {about['paper']}, code {about['code']}"
            if follows(about)
            else about["default"],
            "range": _range(about),
            "meaning": about.get("doc", ""),
        }
        for key, about in card["hyperparameters"].items()
    ]


def follows(about: dict[str, Any]) -> bool:
    """Tell whether a hyper-parameter is one thing in the paper and another in the released code."""
    return "paper" in about and "code" in about


def ledger(card: dict[str, Any]) -> Rows:
    """Return one row per point where the paper and its released code differ."""
    return [
        {"method": card["name"], "where": d["where"], "paper": d["paper"], "code": d["code"]}
        for d in card["divergences"]
    ]


def _range(about: dict[str, Any]) -> str:
    if about.get("choices"):
        return " | ".join(map(str, about["choices"]))
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(f"{sign} {about[key]:g}" for key, sign in signs.items() if key in about) or about["type"]
