"""What there is: methods, attacks, studies, datasets. Each listing also as JSON."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from reunlearn.commands.dataset_card import facts
from reunlearn.records.versioning import read_lock
from reunlearn.study import paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.errors import UserError, near
from reunlearn.study.load import CONFIG, load_recipe, load_study, names, read_yaml

SETS = ("forget", "retain", "validation", "true_labels")


def show(rows: list[dict[str, Any]], as_json: bool, title: str) -> None:
    """Print rows as JSON or as a table with one column per key."""
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    table = Table(title=title, title_justify="left", show_lines=False)
    for key in rows[0] if rows else []:
        table.add_column(key, overflow="fold")
    for row in rows:
        table.add_row(*[str(v) for v in row.values()])
    Console(width=None if Console().is_terminal else 160).print(table)


def methods(name: str | None, ledger: bool, as_json: bool) -> None:
    """List methods; one in full; or the points where papers and released code differ."""
    cards = catalogue()["methods"]
    if name:
        _one_method(_pick(name, cards, "method"), as_json)
        return
    if ledger:
        rows = [
            {"method": card["name"], "where": d["where"], "paper": d["paper"], "released code": d["code"]}
            for card in cards.values()
            for d in card["divergences"]
        ]
        show(rows, as_json, "Where papers and released code differ")
        return
    rows = [
        {
            "method": card["name"],
            "idea": card["summary"],
            "sees": sees(card),
            "readings": ", ".join(card["fidelities"]) or "one",
            "paper": card["paper"],
        }
        for card in cards.values()
    ]
    show(
        list(cards.values()) if as_json else rows,
        as_json,
        "Methods (reunlearn methods NAME shows one in full)",
    )


def sees(card: dict[str, Any]) -> str:
    """Return the data and state that a method may see, in words."""
    needs = card["needs"]
    parts = [f"{s}{_when(needs[s])}" for s in SETS if needs[s] is not False]
    parts += [f"{kind} (state){_when(when)}" for kind, when in needs["state"].items() if when is not False]
    return ", ".join(parts)


def _when(when: bool | dict[str, list[Any]]) -> str:
    if isinstance(when, bool):
        return ""
    return " if " + " and ".join(f"{k} is {' or '.join(map(str, v))}" for k, v in when.items())


def _one_method(card: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(card, indent=1))
        return
    console = Console()
    console.print(
        f"[bold]{card['name']}[/bold]  {card['summary']}\npaper: {card['paper']}\nsees:  {sees(card)}"
    )
    rows = [
        {
            "hyper-parameter": key,
            "default": about["default"],
            "range": _range(about),
            "meaning": about.get("doc", ""),
        }
        for key, about in card["hyperparameters"].items()
    ]
    show(rows, False, "Hyper-parameters")
    if card["divergences"]:
        show(card["divergences"], False, "Where paper and released code differ")


def _range(about: dict[str, Any]) -> str:
    if about.get("choices"):
        return " | ".join(map(str, about["choices"]))
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return ", ".join(f"{sign} {about[key]:g}" for key, sign in signs.items() if key in about) or about["type"]


def _pick(name: str, cards: dict[str, Any], kind: str) -> dict[str, Any]:
    if name not in cards:
        raise UserError(f"no {kind} '{name}'; {near(name, cards)}")
    return cards[name]


def attacks(as_json: bool) -> None:
    """List attacks with their definition cards."""
    cards = catalogue()["attacks"]
    rows = [
        {
            "attack": c["name"],
            "compares": c["compares"],
            "number": c["unit"],
            "leakage": c["direction"],
            "ideal": c["ideal"],
            "column of": c["column_of"],
        }
        for c in cards.values()
    ]
    show(list(cards.values()) if as_json else rows, as_json, "Attacks")


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
