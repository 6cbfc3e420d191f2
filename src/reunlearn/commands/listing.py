"""What there is: methods, attacks, studies, datasets. Each listing also as JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from reunlearn.base.errors import UserError, near
from reunlearn.commands import method_card
from reunlearn.commands.dataset_card import facts
from reunlearn.storage.dvc_files import read_lock
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.load import CONFIG, load_recipe, load_study, names, read_yaml

ATTACK_FACTS = {
    "title": "called in reports",
    "compares": "compares",
    "unit": "number",
    "direction": "direction",
    "ideal": "ideal",
    "column_of": "column of",
    "source": "source",
    "cost": "cost",
    "pools": "pools of shadow models",
    "sets": "sets beyond forget, retain, test",
    "ordered": "sets whose order matters",
}
WIDTH, LONG = 160, 10_000  # columns where there is no terminal: of wrapped text, of whole lines


def show(
    rows: list[dict[str, Any]], as_json: bool, title: str, apart: str = "", one_line: bool = False
) -> None:
    """Print rows as JSON or as a table with one column per key.

    Args:
        rows: all with the same keys.
        as_json: print JSON.
        title: stands above the table.
        apart: a key; where its value changes, a line is drawn.
        one_line: cut what does not fit instead of wrapping it; away from a terminal everything fits.
    """
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    console = _console(LONG if one_line else WIDTH)
    table = Table(title=title, title_justify="left", show_lines=False)
    keys = list(rows[0]) if rows else []
    cells = [[str(row[key]) for key in keys] for row in rows]
    widths = _level([keys, *cells], console.width - 3 * len(keys) - 1) if one_line else [None] * len(keys)
    for key, width in zip(keys, widths, strict=True):
        whole = one_line or key == apart
        table.add_column(key, overflow="ellipsis" if one_line else "fold", no_wrap=whole, max_width=width)
    for index, row in enumerate(cells):
        last = index + 1 == len(rows) or rows[index + 1].get(apart) != rows[index].get(apart)
        table.add_row(*row, end_section=bool(apart) and last)
    console.print(table)


def _console(width: int) -> Console:
    """Return a console as wide as the terminal, or of a width of its own; it prints text as it is."""
    terminal = Console().is_terminal
    return Console(width=None if terminal else width, markup=False, emoji=False, highlight=False)


def _level(lines: list[list[str]], room: int) -> list[int | None]:
    """Return widths of columns that fit the room: the widest give way, the first does not."""
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    while sum(widths) > room and max(widths[1:], default=1) > 1:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    return list(widths)


def methods(chosen: list[str] | None, ledger: bool, as_json: bool) -> None:
    """List methods; some in full; or the points where papers and released code differ."""
    cards = catalogue()["methods"]
    picked = [_pick(name, cards, "method") for name in dict.fromkeys(chosen or cards)]
    if ledger:
        _ledger(picked, as_json)
    elif as_json:
        show(picked, True, "Methods")
    elif chosen:
        for card in picked:
            _one_method(card)
    else:
        rows = [
            {
                "method": card["name"],
                "sees": method_card.sees(card),
                "readings": ", ".join(card["readings"]) or "one",
                "idea": card["summary"],
                "paper": card["paper"],
            }
            for card in picked
        ]
        title = "Methods (?: under some settings; reunlearn methods NAME shows one in full)"
        show(rows, False, title, one_line=True)


def _one_method(card: dict[str, Any]) -> None:
    """Print all that there is to say about a method."""
    told = method_card.facts(card, catalogue()["states"])
    show([{"fact": key, "value": value} for key, value in told.items()], False, card["name"])
    show(method_card.hyperparameters(card), False, "Hyper-parameters")
    if card["divergences"]:
        _ledger([card], False)


def _ledger(cards: list[dict[str, Any]], as_json: bool) -> None:
    """Print where papers and released code differ; methods of which that is not known are named below."""
    rows = [row for card in cards for row in method_card.ledger(card)]
    if rows or as_json:
        show(rows, as_json, "Where papers and released code differ", apart="method")
    agreeing = [card["name"] for card in cards if not card["divergences"]]
    if agreeing and not as_json:
        _console(WIDTH).print(f"One reading only: {', '.join(agreeing)}.")


def _pick(name: str, cards: dict[str, Any], kind: str) -> dict[str, Any]:
    if name not in cards:
        raise UserError(f"no {kind} '{name}'; {near(name, cards)}")
    return cards[name]


def attacks(name: str | None, as_json: bool) -> None:
    """List attacks, or show one's definition card."""
    cards = catalogue()["attacks"]
    if name:
        card = _pick(name, cards, "attack")
        rows = [{"fact": label, "value": _said(card[key])} for key, label in ATTACK_FACTS.items()]
        show([card] if as_json else rows, as_json, name)
        return
    rows = [
        {
            "attack": c["name"],
            "column of": c["column_of"],
            "pools": ", ".join(c["pools"]) or "none",
            "ideal": c["ideal"],
            "compares": c["compares"],
        }
        for c in cards.values()
    ]
    title = "Attacks (reunlearn attacks NAME shows a definition card in full)"
    show(list(cards.values()) if as_json else rows, as_json, title, one_line=True)


def _said(value: Any) -> str:
    return (", ".join(value) or "none") if isinstance(value, (list, tuple)) else str(value)


def studies(as_json: bool) -> None:
    """List studies."""
    rows = []
    for name in names("studies"):
        study = load_study(name)
        seeds = sorted({s.train for e in study.experiments for s in e.seed_triples})
        experiments = ", ".join(f"{e.dataset.name} {e.scenario.name}" for e in study.experiments)
        rows.append({"study": name, "title": study.title, "experiments": experiments, "seeds": seeds})
    show(rows, as_json, "Studies")


def models(name: str | None, as_json: bool) -> None:
    """List networks, or show one's card."""
    cards = catalogue()["models"]
    if name:
        card = _pick(name, cards, "model")
        rows = [{"fact": key, "value": value} for key, value in card.items()]
        show([card] if as_json else rows, as_json, name)
        return
    rows = [
        {
            "network": c["name"],
            "what": c["summary"],
            "reads": f"{c['inputs']}s",
            "settings": ", ".join(f"{k} {v}" for k, v in c["settings"].items()),
        }
        for c in cards.values()
    ]
    show(list(cards.values()) if as_json else rows, as_json, "Networks")


def recipes(name: str | None, as_json: bool) -> None:
    """List recipes, or show one in full."""
    known = names("recipes")
    if name:
        content = load_recipe(name)
        rows = [{"key": key, "value": value} for key, value in content.items()]
        show([content] if as_json else rows, as_json, name)
        return
    rows = []
    for each in known:
        recipe = load_recipe(each)
        how = (recipe["optimizer"], f"{recipe['learning_rate']:g}", recipe["schedule"])
        training = f"{' '.join(how)}, batch {recipe['batch_size']}"
        source = read_yaml(CONFIG / "recipes" / f"{each}.yaml")["source"]
        rows.append({"recipe": each, "epochs": recipe["epochs"], "training": training, "source": source})
    show(rows, as_json, "Recipes")


def datasets(name: str | None, as_json: bool) -> None:
    """List datasets, or show one's card with what data.dvc says of its prepared files."""
    cards = catalogue()["datasets"]
    if name:
        card = _pick(name, cards, "dataset")
        entry = read_lock().get(f"{paths.DATA}/{name}")
        lock = entry and {key: entry[key] for key in ("md5", "nfiles", "size")}
        if as_json:
            print(json.dumps([{**card, "lock": lock}], indent=1))
        else:
            show([{"fact": k, "value": v} for k, v in facts(card, lock).items()], False, name)
        return
    rows = [
        {
            "dataset": c["name"],
            "what": c["summary"],
            "classes": c["classes"] or "as the folder",
            "train": c["train"] or "as the folder",
            "test": c["test"] or "as the folder",
            "licence": c["licence"],
        }
        for c in cards.values()
    ]
    show(list(cards.values()) if as_json else rows, as_json, "Datasets")
