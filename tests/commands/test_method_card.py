"""`reunlearn methods`: one line each, a whole card of each, and the ledger of divergences."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from reunlearn.cli import app
from reunlearn.commands.method_card import facts, hyperparameters, ledger, sees
from reunlearn.commands.printing import print_table
from reunlearn.study.cards import MethodCard, StateCard
from reunlearn.study.catalogue import catalogue, plugin_names
from reunlearn.unlearning.declarations import Needs
from reunlearn.unlearning.registry import method

CARD = MethodCard.model_validate(
    {
        "name": "made",
        "summary": "What it does.",
        "paper": "A paper, Eq. 1",
        "needs": {
            "forget": True,
            "retain": {"space": ["retain", "both"], "repair": [True]},
            "validation": False,
            "true_labels": True,
            "weight_decay": {"repair": [True]},
            "state": {"weights": {"at": ["initial"]}, "unused": False},
        },
        "readings": ["paper", "code"],
        "divergences": [{"code": "0.5", "paper": "[a] of [0, 1]", "where": "Eq. 1"}],
        "capabilities": {"head": True, "outputs": {"loss": ["kl"]}},
        "mixed": False,
        "network": "masked",
        "scenarios": ["class", "subclass"],
        "logs": {"losses": True, "lambda": {"loss": ["kl"]}},
        "hyperparameters": {
            "rate": {"type": "float", "default": 0.1, "doc": "of it", "gt": 0},
            "order": {
                "type": "str",
                "default": "reading",
                "doc": "of both",
                "paper": "one",
                "code": "two",
            },
        },
    }
)
STATES = {"weights": StateCard(name="weights", summary="What training started from.", per_split=False)}


def printed(*words: str, columns: int | None = None) -> str:
    """Return what a command prints: at a terminal of so many columns, or away from one."""
    terminal = {"FORCE_COLOR": "1", "COLUMNS": str(columns)} if columns else {}
    result = CliRunner(env={"COLUMNS": None, "FORCE_COLOR": None, **terminal}).invoke(
        app, list(words), catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    return re.sub(r"\x1b\[[0-9;]*m", "", result.output)


def test_a_card_in_words() -> None:
    assert facts(CARD, STATES) == {
        "what": "What it does.",
        "paper": "A paper, Eq. 1",
        "readings": "paper and code: a study writes made@paper or made@code",
        "sees": "forget; retain if space is retain or both and repair is True; true_labels",
        "training-time state": "weights if at is initial: What training started from.",
        "asks of the recipe": "a weight decay if repair is True",
        "asks of the objective": "the loss; head; outputs if loss is kl",
        "precision": "always full",
        "scenarios": "class, subclass",
        "can log": "losses; lambda if loss is kl",
        "returns": "masked, around the original's",
    }
    assert sees(CARD) == "forget, retain?, true_labels, weights?"


def test_a_card_without_any_of_these() -> None:
    nothing = {
        "needs": Needs(),
        "readings": (),
        "capabilities": {},
        "mixed": True,
        "network": None,
        "scenarios": None,
        "logs": {},
    }
    words = facts(CARD.model_copy(update=nothing), STATES)
    assert words["readings"] == "one: a study writes made"
    assert (words["sees"], words["training-time state"]) == ("no samples", "none")
    assert (words["asks of the objective"], words["scenarios"]) == ("the loss", "all")
    assert words["precision"] == "the recipe's"
    assert (words["asks of the recipe"], words["returns"]) == ("nothing", "the original's network")


def test_a_hyper_parameter_that_follows_the_reading_has_both_for_a_default() -> None:
    rate, order = hyperparameters(CARD)
    assert (rate["default"], rate["range"]) == ("0.1", "> 0")
    assert order["default"] == "paper one, code two"


def test_the_ledger_reads_from_left_to_right() -> None:
    [row] = ledger(CARD)
    assert list(row.items()) == [
        ("method", "made"),
        ("where", "Eq. 1"),
        ("paper", "[a] of [0, 1]"),
        ("code", "0.5"),
    ]


def test_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(ledger(CARD), "Ledger")
    assert "[a] of [0, 1]" in capsys.readouterr().out


@pytest.mark.parametrize("name", plugin_names("methods"))
def test_every_card_is_whole(name: str) -> None:
    card = catalogue().methods[name]
    words = facts(card, catalogue().states)
    assert all(value.strip() and "None" not in value for value in words.values())
    for needed in [k for k in ("forget", "retain", "validation", "true_labels") if getattr(card.needs, k)]:
        assert needed in words["sees"]
    for kind in card.needs.state:
        assert kind in words["training-time state"]
    for scenario in card.scenarios or ["all"]:
        assert scenario in words["scenarios"]
    assert all(row["default"] != "reading" for row in hyperparameters(card))


@pytest.mark.parametrize("columns", [None, 100, 140])
def test_the_list_has_one_line_per_method(columns: int | None) -> None:
    lines = [line for line in printed("methods", columns=columns).splitlines() if line.startswith("│")]
    assert [line.split()[1] for line in lines] == plugin_names("methods")
    if columns:
        assert {cell_len(line) for line in lines} == {columns}
        assert any("…" in line for line in lines)
    else:
        assert all(
            card.summary in line for card, line in zip(catalogue().methods.values(), lines, strict=True)
        )


@pytest.mark.parametrize("columns", [80, 120])
def test_the_ledger_is_wrapped_to_the_terminal(columns: int) -> None:
    text = printed("methods", "--ledger", columns=columns)
    assert max(cell_len(line.rstrip()) for line in text.splitlines() if line[0] in "│┏") <= columns
    first = {line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│")}
    assert first - {""} == {n for n, card in catalogue().methods.items() if card.divergences}


def test_the_ledger_holds_every_divergence_of_every_method() -> None:
    rows = json.loads(printed("methods", "--ledger", "--json"))
    wanted = [
        (name, point.where, point.paper, point.code)
        for name, card in catalogue().methods.items()
        for point in card.divergences
    ]
    assert len(wanted) > 30
    assert [tuple(row.values()) for row in rows] == wanted


def test_names_restrict_the_ledger() -> None:
    rows = json.loads(printed("methods", "--ledger", "salun", "finetune", "--json"))
    assert {row["method"] for row in rows} == {"salun"}
    text = printed("methods", "--ledger", "salun", "finetune")
    assert "One reading only: finetune." in text
    assert "gdr_gma" not in text
    assert printed("methods", "--ledger", "finetune") == "One reading only: finetune.\n"
    assert json.loads(printed("methods", "--ledger", "finetune", "--json")) == []


def test_several_methods_in_full() -> None:
    text = printed("methods", "erm_ktp", "unsir")
    for expected in (
        "entangled: The network",
        "masked, around the original's",
        "class, subclass",
        "least_kept",
    ):
        assert expected in text
    assert "salun" not in text
    assert [card["name"] for card in json.loads(printed("methods", "erm_ktp", "unsir", "--json"))] == [
        "erm_ktp",
        "unsir",
    ]


def test_contributing_names_every_declaration() -> None:
    text = Path("CONTRIBUTING.md").read_text()
    declared = {*inspect.signature(method).parameters, *(f.name for f in dataclasses.fields(Needs))}
    assert len(declared) > 10
    assert [name for name in sorted(declared) if f"{name}=" not in text] == []
    asked = {c for card in catalogue().objectives.values() for c in card.capabilities}
    assert [name for name in sorted(asked) if f"`{name}`" not in text] == []
