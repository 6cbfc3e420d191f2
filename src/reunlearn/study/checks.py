"""What a study cannot have: every refusal that needs the catalogue, before any work starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError, near
from reunlearn.study import methods
from reunlearn.study.indices import read_indices
from reunlearn.study.pretrained import FILE
from reunlearn.study.schema import Experiment, Scenario

Cards = dict[str, dict[str, Any]]

# models that an attack needs of a kind: two on either side, for a spread
FEWEST = {"with_forget": 2, "without_forget": 2, "halves": 4, "unlearned": 2}


def check_names(experiment: Experiment, cards: Cards, where: str) -> None:
    """Refuse datasets, networks and attacks that do not exist, and attacks without the models they learn from."""
    for kind, name in [("datasets", experiment.dataset.name), ("models", experiment.architecture.name)]:
        if name not in cards[kind]:
            raise UserError(f"{where}: no {kind[:-1]} '{name}'; {near(name, cards[kind])}")
    for name in experiment.attacks:
        if name not in cards["attacks"]:
            raise UserError(f"{where}: no attack '{name}'; {near(name, cards['attacks'])}")
        if "validation" in cards["attacks"][name]["sets"] and not experiment.dataset.validation:
            raise UserError(f"{where}: attack '{name}' reads held-out samples; give 'dataset' a 'validation'")
        for kind in cards["attacks"][name]["pools"]:
            _check_pool(experiment, kind, f"{where}: attack '{name}'")


def _check_pool(experiment: Experiment, kind: str, who: str) -> None:
    """Refuse an attack whose shadow models are not asked for, or too few to learn from."""
    if experiment.shadows is None:
        raise UserError(f"{who} needs shadow models; add 'shadows'")
    count = getattr(experiment.shadows, kind)
    if count < FEWEST[kind]:
        raise UserError(f"{who} needs at least {FEWEST[kind]} models '{kind}' in 'shadows', not {count}")
    if kind == "halves" and not experiment.dataset.validation:
        raise UserError(
            f"{who} compares forget with held-out samples of the half pool; give 'dataset' a 'validation'"
        )


def check_network(
    experiment: Experiment, network: dict[str, Any], data: dict[str, Any], recipe: dict[str, Any], where: str
) -> None:
    """Refuse a network that cannot read the data, settings that it does not have, and weights that are not there.

    Args:
        experiment: says which network, with which settings.
        network, data: their cards.
        recipe: may resize images.
        where: begins the error line.
    """
    name, settings = experiment.architecture.name, experiment.architecture.settings
    for key in settings:
        if key not in network["settings"]:
            raise UserError(f"{where}: {name} has no setting '{key}'; {near(key, network['settings'])}")
    reads = {"classification": "image", "text": "text"}[data["objective"]]
    if network["inputs"] != reads:
        raise UserError(
            f"{where}: {name} reads {network['inputs']}s, but {experiment.dataset.name} holds {reads}s"
        )
    if reads == "text" and (recipe["augmentation"] or recipe["resize"]):
        raise UserError(
            f"{where}: recipe '{recipe['name']}' changes images, but {experiment.dataset.name} holds texts"
        )
    if reads == "image":
        side = recipe["resize"] or experiment.dataset.side or data["shape"][-1]
        smallest, largest = network["sides"]
        if side < smallest or (largest and side > largest):
            wanted = f"{smallest} to {largest}" if largest else f"at least {smallest}"
            raise UserError(
                f"{where}: {name} takes images of {wanted} pixels a side, these have {side}; a recipe can 'resize' them"
            )


def check_methods(
    experiment: Experiment, resolved: list[dict[str, Any]], cards: Cards, objective: str, where: str
) -> None:
    """Refuse rows of one name, methods without the data they read, and methods that ask too much of the task."""
    labels = [methods.row_name(entry) for entry in experiment.method_entries]
    capabilities = set(cards["objectives"][objective]["capabilities"])
    for label, entry, spec in zip(labels, experiment.method_entries, resolved, strict=True):
        card = cards["methods"][entry.name]
        if labels.count(label) > 1:
            raise UserError(f"{where}: two rows are called '{label}'; give one a 'label'")
        if methods.holds(card["needs"]["validation"], spec["settings"]) and not experiment.dataset.validation:
            raise UserError(f"{where}: '{label}' reads validation samples; give 'dataset' a 'validation'")
        asked = {c for c, when in card["capabilities"].items() if methods.holds(when, spec["settings"])}
        lacking = sorted(asked - capabilities)
        if lacking:
            raise UserError(
                f"{where}: '{label}' asks for {', '.join(lacking)}, which the objective '{objective}' does not give"
            )
        _check_method_scenario(experiment, card, f"{where}: '{label}'")
        own = experiment.architecture.name
        if card["network"] and not cards["models"][own]["maps"]:
            fitting = ", ".join(name for name, network in cards["models"].items() if network["maps"])
            raise UserError(
                f"{where}: '{label}' needs feature maps, which {own} does not give; these do: {fitting}"
            )


def _check_method_scenario(experiment: Experiment, card: dict[str, Any], who: str) -> None:
    """Refuse a method for a scenario that it is not for, and one in steps whose models cannot be gone on with."""
    scenario = experiment.scenario
    if card["scenarios"] is not None and scenario.kind not in card["scenarios"]:
        raise UserError(f"{who} is for {' and '.join(card['scenarios'])}, not for scenario '{scenario.kind}'")
    if card["network"] and scenario.steps > 1:
        raise UserError(f"{who} returns another network than it starts from: it cannot forget in steps")


def check_sizes(experiment: Experiment, data: dict[str, Any], where: str) -> None:
    """Refuse what the dataset cannot give: too many samples, unknown classes, an empty or a whole forget set."""
    dataset = experiment.dataset
    train = dataset.train or data["train"] - dataset.validation
    if train < 2 or train + dataset.validation > data["train"]:
        have = f"{dataset.name} has {data['train']} training samples"
        raise UserError(f"{where}: train {train} + validation {dataset.validation} is too many; {have}")
    _check_scenario(experiment.scenario, data, train, where)
    if experiment.relearn and experiment.scenario.kind == "label_flip":
        raise UserError(f"{where}: 'relearn' is for samples with right labels; label_flip forgets wrong ones")


def _check_scenario(scenario: Scenario, data: dict[str, Any], train: int, where: str) -> None:
    classes, fine = data["classes"], len(data["fine_classes"])
    named = [*(scenario.classes or ()), *(c for pair in scenario.pairs or () for c in pair)]
    _check_numbers(named, classes, "class", data["name"], where)
    if scenario.kind == "subclass" and not fine:
        raise UserError(f"{where}: {data['name']} has no sub-classes; cifar20 has")
    _check_numbers(list(scenario.subclasses or ()), fine, "sub-class", data["name"], where)
    if scenario.kind == "class" and len(named) == classes:
        raise UserError(f"{where}: all classes would be forgotten; nothing is left to retain")
    if scenario.kind == "identities" and (scenario.count or 0) >= classes:
        raise UserError(f"{where}: {scenario.count} of {classes} identities; nothing would be left to retain")
    if scenario.fraction and not 0 < round(scenario.fraction * train) < train:
        raise UserError(
            f"{where}: fraction {scenario.fraction} of {train} samples forgets none or all of them"
        )
    if scenario.kind in ("first", "label_flip"):
        _check_budget(scenario, data, train, named or list(range(classes)), where)
    if scenario.file is not None:
        beyond = [n for n in read_indices(scenario.file) if n >= data["train"]]
        if beyond:
            raise UserError(
                f"{where}: {scenario.file}: no sample {beyond[0]}; {data['name']} has {data['train']}"
            )


def _check_numbers(numbers: list[int], known: int, what: str, dataset: str, where: str) -> None:
    for number in numbers:
        if not 0 <= number < known:
            raise UserError(f"{where}: no {what} {number}; {dataset} has {what}es 0 to {known - 1}")


def _check_budget(
    scenario: Scenario, data: dict[str, Any], train: int, wanted: list[int], where: str
) -> None:
    """Refuse more samples of a class than the training set can hold of it."""
    counts = data["class_counts"] or [data["train"] // data["classes"]] * data["classes"]
    for label in wanted:
        most = min(counts[label], -(-counts[label] * train // data["train"]))  # class proportions are kept
        if scenario.count and scenario.count > most:
            raise UserError(
                f"{where}: {scenario.count} samples of class {label} are to be forgotten; there are {most}"
            )


def check_pretrained(experiment: Experiment, network: dict[str, Any], where: str) -> None:
    """Refuse pretrained weights from a path where there are none."""
    wanted = experiment.architecture.settings.get("pretrained")
    if wanted in (None, "cache"):
        return
    path = Path(str(wanted)).expanduser()
    if not (path / FILE if path.is_dir() else path).is_file():
        raise UserError(f"{where}: {wanted}: no such file; {network['pretrained']}")
