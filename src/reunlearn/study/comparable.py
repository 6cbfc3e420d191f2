"""In what an experiment differs from the setting that a paper prints a number for: words, or nothing."""

from __future__ import annotations

from reunlearn.study.cards import Catalogue
from reunlearn.study.papers import OurTraining, PrintedScenario, PrintedTraining
from reunlearn.study.preset_choice import lies_in
from reunlearn.study.presets import SCENARIO_FIELDS, given
from reunlearn.study.reported import PrintedCell
from reunlearn.study.scenario import Scenario
from reunlearn.study.schema import Dataset, Experiment

TEST = "test"  # the field of a scenario that limits the test set
NO_OBJECTIVE = ("classification", "text")  # what a study need not name


def setting_differences(
    cell: PrintedCell,
    training: PrintedTraining,
    scenario: PrintedScenario,
    experiment: Experiment,
    cards: Catalogue,
) -> list[str]:
    """Return in what the experiment differs from a printed setting, as sentence parts; nothing if it is the same."""
    if training.absent or scenario.absent:
        return [training.absent or scenario.absent]
    assert training.ours is not None
    found = [*_data(cell, training.ours, experiment), *_network(cell, training.ours, experiment, cards)]
    recipe = experiment.recipe
    if recipe.name not in training.ours.recipes or recipe.changes:
        found.append(f"trained by the recipe {recipe.words}, not by the paper's")
    if not same_scenario(scenario, experiment.scenario):
        found.append(f"printed for {what_is_forgotten(cell)}, ours forgets {experiment.scenario.summary}")
    if given(scenario.ours).get(TEST) and not experiment.scenario.limits_test:
        found.append("the paper's test set is without the forgotten classes, ours is whole")
    objective = experiment.objective
    serves = (*NO_OBJECTIVE, *cards.models[training.ours.network].objectives)
    if objective and objective.name not in serves:
        found.append(f"ours is trained for the objective {objective.name}")
    return found


def what_is_forgotten(cell: PrintedCell) -> str:
    """Return a printed scenario with its fraction."""
    if cell.fraction.startswith(cell.scenario):
        return cell.fraction
    return f"{cell.scenario} {cell.fraction}".rstrip()


def same_scenario(printed: PrintedScenario, ours: Scenario) -> bool:
    """Tell whether our scenario is what is printed: kind, fraction, classes, count, steps and step."""
    conditions = {"steps": (1,), **given(printed.ours)}
    conditions.pop(TEST, None)  # how it is tested, not what is forgotten
    facts = {name: getattr(ours, name, None) for name in SCENARIO_FIELDS}
    fits = all(
        not values or any(lies_in(facts[name], value) for value in values)
        for name, values in conditions.items()
    )
    return fits and printed.step == ours.step


def _data(cell: PrintedCell, printed: OurTraining, experiment: Experiment) -> list[str]:
    dataset, found = experiment.dataset, []
    if dataset.name != printed.dataset:
        found.append(f"printed for {cell.dataset}, ours is {dataset.name}")
    if dataset.train is not None:
        found.append(f"ours trains on {dataset.train} samples only")
    if dataset.test is not None:
        found.append(f"ours tests on {dataset.test} samples only")
    wanted = _held_out(printed)
    if printed.validation is not None and _held_out(dataset) != wanted:
        found.append(f"ours takes out {_held_out(dataset)} to validate, the paper {wanted}")
    return found


def _held_out(samples: Dataset | OurTraining) -> str:
    """Return how many samples of which official set are taken out to validate."""
    words = {"train": "training", "test": "test"}[samples.validation_from]
    return f"{samples.validation} {words} samples" if samples.validation else "none"


def _network(cell: PrintedCell, printed: OurTraining, experiment: Experiment, cards: Catalogue) -> list[str]:
    architecture = experiment.architecture
    if architecture.key != printed.network:
        return [f"printed for {cell.model}, ours is {architecture.key}"]
    settings = dict(architecture.settings)
    pretrained = settings.pop("pretrained", None) is not None
    found = []
    if pretrained != printed.pretrained:
        words = ("from random weights", "from official weights")
        found.append(f"ours starts {words[pretrained]}, the paper {words[printed.pretrained]}")
    card = cards.models[architecture.name]
    defaults = card.settings
    for name, value in settings.items():
        if name not in card.folders and value != defaults.get(name):
            found.append(f"ours has {name} {value}, the paper's network {defaults.get(name)}")
    return found
