"""Classes by their names: a study may write `rocket` where a scenario takes a number.

Names become numbers once, where a study is read. So both ways of writing are one specification, with one digest and one
folder. Text that is a whole number is that number, also where classes are called by numbers, as the digits are.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import ValidationError

from reunlearn.base.errors import UserError, closest, near
from reunlearn.study.cards import DatasetCard
from reunlearn.study.catalogue import catalogue
from reunlearn.study.datasets import resolve_dataset
from reunlearn.study.scenario import OF_CLASSES
from reunlearn.study.schema import Dataset

MOST_LISTED = 20  # names that an error line lists where none is near


def numbered(content: Any, where: str) -> Any:
    """Return a study's content with numbers for the names of classes; what is not well formed is left as it is.

    Args:
        content: what the file holds, with all that it extends.
        where: begins the error line.

    Raises:
        UserError: the dataset has no such class.
    """
    experiments = content.get("experiments") if isinstance(content, dict) else None
    if not isinstance(experiments, list):
        return content
    return {**content, "experiments": [_numbered(experiment, where) for experiment in experiments]}


def _numbered(experiment: Any, where: str) -> Any:
    scenario = experiment.get("scenario") if isinstance(experiment, dict) else None
    if not isinstance(scenario, dict):
        return experiment
    named = [key for key in OF_CLASSES if _has_names(scenario.get(key))]
    if not named:
        return experiment
    where = f"{where}: experiment '{experiment.get('name')}'"
    card = _card(experiment.get("dataset"), where)
    if card is None:
        return experiment
    numbers = {key: _replaced(scenario[key], partial(_number, card, key, where)) for key in named}
    return {**experiment, "scenario": {**scenario, **numbers}}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and not value.strip().isdecimal()


def _has_names(value: Any) -> bool:
    return any(map(_has_names, value)) if isinstance(value, list) else _is_name(value)


def _replaced(value: Any, number: Any) -> Any:
    if isinstance(value, list):
        return [_replaced(part, number) for part in value]
    return number(value) if _is_name(value) else value


def _card(content: Any, where: str) -> DatasetCard | None:
    """Return the card of an experiment's dataset; None where the entry is no dataset, which is said elsewhere."""
    try:
        dataset = Dataset.model_validate(content)
    except ValidationError:
        return None
    cards = catalogue().datasets
    if dataset.name not in cards:
        raise UserError(f"{where}: no dataset '{dataset.name}'; {near(dataset.name, cards)}")
    return resolve_dataset(dataset, cards, where)[0]


def _number(card: DatasetCard, key: str, where: str, name: str) -> int:
    """Return the number of the class of a name; `key`: of the scenario's field."""
    what = OF_CLASSES[key]
    names = card.fine_classes if what == "sub-class" else card.class_names
    if not names:
        raise UserError(f"{where}: {card.name} has no {what}es; cifar20 has")
    if name not in names:
        raise UserError(f"{where}: no {what} '{name}' in {card.name}; {_hint(name, names, card)}")
    return names.index(name)


def _hint(name: str, names: tuple[str, ...], card: DatasetCard) -> str:
    """Return what may have been meant by a name that is not there."""
    if names != card.fine_classes and name in card.fine_classes:
        return f"it is a sub-class: write {{kind: subclass, subclasses: [{name}]}}"
    if names != card.class_names and name in card.class_names:
        return f"it is a class: write {{kind: class, classes: [{name}]}}"
    if closest(name, names) or len(names) <= MOST_LISTED:
        return near(name, names)
    return f"`reunlearn datasets {card.name}` lists them"
