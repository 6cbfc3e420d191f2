"""What a study cannot have: every refusal that needs the catalogue, before any work starts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.model_folders import check_folder
from reunlearn.study import methods, own_networks
from reunlearn.study.cards import Catalogue, DatasetCard, MethodCard, ModelCard, ObjectiveCard, Value
from reunlearn.study.counts import image_side, train_size
from reunlearn.study.measuring import objective_of
from reunlearn.study.plugin_settings import check_multiples, check_plugin_settings
from reunlearn.study.pretrained import FILE
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import MethodSpec

# models that an attack needs of a kind: two on either side, for a spread
FEWEST = {"with_forget": 2, "without_forget": 2, "halves": 4, "unlearned": 2, "swapped": 1}


def check_names(experiment: Experiment, cards: Catalogue, where: str) -> None:
    """Refuse datasets, networks, objectives and attacks that do not exist, and attacks without what they learn from."""
    wanted = [
        ("dataset", experiment.dataset.name, cards.datasets),
        ("model", experiment.architecture.key, cards.models),
        *((("objective", experiment.objective.name, cards.objectives),) if experiment.objective else ()),
        *(("attack", name, cards.attacks) for name in experiment.attacks),
        *(("measure", entry.name, cards.measures) for entry in experiment.measures),
    ]
    for kind, name, known in wanted:
        if name not in known:
            raise UserError(f"{where}: no {kind} '{name}'; {near(name, known)}")
    for name in [*experiment.attacks, *(entry.name for entry in experiment.measures)]:
        card = cards.measures[name]
        who = f"{where}: {'attack' if card.attack else 'measure'} '{name}'"
        if "validation" in card.sets and not experiment.dataset.validation:
            raise UserError(f"{who} reads held-out samples; give 'dataset' a 'validation'")
        if "validation" in card.sets and card.pools:
            _check_pool_validates(experiment, who)
        for kind in card.pools:
            _check_pool(experiment, kind, who)
            _check_pool_compares(experiment, kind, who)


def _check_pool_validates(experiment: Experiment, who: str) -> None:
    """Refuse held-out samples that no shadow model has seen: those of the official test set."""
    if experiment.dataset.validation_from == "test":
        raise UserError(
            f"{who} asks shadow models about validation samples, and these know the official training set only; "
            "take them out of that one: 'validation_from: train'"
        )


def _check_pool(experiment: Experiment, kind: str, who: str) -> None:
    """Refuse an attack whose shadow models are not asked for, or too few to learn from."""
    if experiment.shadows is None:
        raise UserError(f"{who} needs shadow models; add 'shadows'")
    count = getattr(experiment.shadows, kind)
    if count < FEWEST[kind]:
        raise UserError(f"{who} needs at least {FEWEST[kind]} models '{kind}' in 'shadows', not {count}")
    if kind == "swapped" and count > experiment.shadows.unlearned:
        raise UserError(
            f"{who}: each of {count} models 'swapped' needs a partner; raise 'unlearned' in 'shadows'"
        )
    if kind == "swapped" and experiment.scenario.steps > 1:
        raise UserError(f"{who} lets one forget set change places with held-out samples, not one in steps")


def _check_pool_compares(experiment: Experiment, kind: str, who: str) -> None:
    """Refuse an attack by the half pool where no sample of it is held out."""
    if kind == "halves" and not experiment.dataset.held_out:
        raise UserError(
            f"{who} compares forget with held-out samples of the half pool; give 'dataset' a 'validation' out of "
            "the training set"
        )


def check_asked_models(
    experiment: Experiment, objective: ObjectiveCard, recipe: NamedRecipe, where: str
) -> None:
    """Refuse a scenario that asks trained models which are not there, or which would wait for what they are asked."""
    scenario = experiment.scenario
    who = f"{where}: scenario '{scenario.kind}'"
    if not scenario.READS:
        return
    if scenario.POISONS:
        raise UserError(
            f"{who} asks trained models which samples are forgotten, and teaches them other labels of just these: "
            "each would wait for the other"
        )
    if "halves" in scenario.READS and "outputs" not in objective.capabilities:
        raise UserError(f"{who} asks what models answer; the objective '{objective.name}' has no answers")
    if not recipe.epochs:
        raise UserError(f"{who} asks trained models, and recipe '{recipe.name}' trains for no epoch")
    if "halves" in scenario.READS:
        _check_pool(experiment, "halves", who)


def check_network(
    experiment: Experiment, cards: Catalogue, data: DatasetCard, recipe: NamedRecipe, where: str
) -> None:
    """Refuse a network that cannot read the data or does not serve the objective, and settings that it does not have.

    Args:
        experiment: says which network, with which settings, for which objective.
        cards: of all plugins.
        data: card of the dataset, completed from the user's folder.
        recipe: may resize images.
        where: begins the error line.
    """
    name, settings = experiment.architecture.key, experiment.architecture.settings
    network, objective = cards.models[name], cards.objectives[objective_of(experiment, cards)]
    if experiment.architecture.file:
        own_networks.check_settings(experiment.architecture, where)
    else:
        check_plugin_settings(settings, network.settings, f"{where}: {name}")
        _check_body({**network.settings, **settings}, cards, f"{where}: {name}")
    if network.inputs != data.modality:
        raise UserError(f"{where}: {name} reads {network.inputs}, but {data.name} holds {data.modality}")
    if data.modality not in objective.modalities:
        serves = " and ".join(objective.modalities)
        raise UserError(
            f"{where}: the objective '{objective.name}' is for {serves}, but {data.name} holds {data.modality}"
        )
    if objective.name not in network.objectives:
        fitting = ", ".join(n for n, card in cards.models.items() if objective.name in card.objectives)
        raise UserError(
            f"{where}: {name} does not serve the objective '{objective.name}'; these do: {fitting or 'none'}"
        )
    _check_objective_settings(experiment, network, objective, where)
    if recipe.logit_std and "outputs" not in objective.capabilities:
        raise UserError(
            f"{where}: recipe '{recipe.name}' has 'logit_std', but the objective '{objective.name}' has no logits"
        )
    if data.modality == "text" and (recipe.augmentation or recipe.resize):
        raise UserError(f"{where}: recipe '{recipe.name}' changes images, but {data.name} holds text")
    side = 0
    if data.modality == "images":
        side = image_side(experiment, data, recipe)
        _check_images(network, data, recipe, side, where)
    check_multiples({**network.settings, **settings, "side": side}, network.multiples, f"{where}: {name}")


def _check_body(settings: Mapping[str, Value], cards: Catalogue, who: str) -> None:
    """Refuse a network around another one that does not exist or gives no feature maps."""
    body = settings.get("body")
    if body is not None and not (body in cards.models and cards.models[str(body)].maps):
        fitting = ", ".join(name for name, network in cards.models.items() if network.maps)
        raise UserError(f"{who}: '{body}' gives no feature maps; these networks do: {fitting}")


def _check_objective_settings(
    experiment: Experiment, network: ModelCard, objective: ObjectiveCard, where: str
) -> None:
    """Refuse settings that the objective does not have, and those that it shares with the network and that differ."""
    given = experiment.objective.settings if experiment.objective else {}
    who = f"{where}: the objective '{objective.name}'"
    check_plugin_settings(given, objective.settings, who, objective.numbers)
    for key, words in objective.choices.items():
        if key in given and given[key] not in words:
            raise UserError(
                f"{where}: the objective '{objective.name}': {key} is '{given[key]}'; choose {' or '.join(words)}"
            )
    wanted, built = objective.settings | given, network.settings | experiment.architecture.settings
    for key in sorted(wanted.keys() & built.keys()):
        if wanted[key] != built[key]:
            raise UserError(
                f"{where}: '{key}' is {wanted[key]} for the objective '{objective.name}', but {built[key]} for "
                f"{network.name}; give both the same"
            )


def _check_images(network: ModelCard, data: DatasetCard, recipe: NamedRecipe, side: int, where: str) -> None:
    """Refuse images of a size that the network does not take, and a mean of other channels than the images have."""
    smallest, largest = network.sides
    if side < smallest or (largest and side > largest):
        wanted = f"{smallest} to {largest}" if largest else f"at least {smallest}"
        raise UserError(
            f"{where}: {network.name} takes images of {wanted} pixels a side, these have {side}; "
            "a recipe can 'resize' them"
        )
    if recipe.mean and len(recipe.mean) != data.shape[0]:
        raise UserError(
            f"{where}: recipe '{recipe.name}' is for {len(recipe.mean)} channels; {data.name} has {data.shape[0]}"
        )


def check_methods(
    experiment: Experiment, resolved: list[MethodSpec], cards: Catalogue, objective: str, where: str
) -> None:
    """Refuse rows of one name, methods without the data they read, and methods that ask too much of the task."""
    labels = [methods.row_of(entry).name for entry in experiment.methods]
    capabilities = set(cards.objectives[objective].capabilities)
    for label, entry, spec in zip(labels, experiment.methods, resolved, strict=True):
        card, trials = cards.methods[entry.name], [trial.settings for trial in spec.trials]
        if labels.count(label) > 1:
            raise UserError(f"{where}: two rows are called '{label}'; give one a 'label'")
        validates = any(methods.holds(card.needs.validation, settings) for settings in trials)
        if validates and not experiment.dataset.validation:
            raise UserError(f"{where}: '{label}' reads validation samples; give 'dataset' a 'validation'")
        asked = {c for c, when in card.capabilities.items() if any(methods.holds(when, s) for s in trials)}
        lacking = sorted(asked - capabilities)
        if lacking:
            raise UserError(
                f"{where}: '{label}' asks for {', '.join(lacking)}, which the objective '{objective}' does not give"
            )
        _check_method_scenario(experiment, card, f"{where}: '{label}'")
        own = experiment.architecture.key
        if card.network and not cards.models[own].maps:
            fitting = ", ".join(name for name, network in cards.models.items() if network.maps)
            raise UserError(
                f"{where}: '{label}' needs feature maps, which {own} does not give; these do: {fitting}"
            )


def check_recipe(method: MethodSpec, card: MethodCard, recipe: NamedRecipe, where: str) -> None:
    """Refuse a method that reads what the recipe of its original does not have."""
    reads = any(methods.holds(card.needs.weight_decay, trial.settings) for trial in method.trials)
    if reads and not recipe.weight_decay:
        raise UserError(
            f"{where}: '{method.name}' reads the weight decay of the training, and recipe '{recipe.name}' has none; "
            "give the recipe or the method a 'weight_decay' above 0"
        )


def _check_method_scenario(experiment: Experiment, card: MethodCard, who: str) -> None:
    """Refuse a method for a scenario that it is not for, and one in steps whose models cannot be gone on with."""
    scenario = experiment.scenario
    if card.scenarios is not None and scenario.kind not in card.scenarios:
        raise UserError(f"{who} is for {' and '.join(card.scenarios)}, not for scenario '{scenario.kind}'")
    if card.network and scenario.steps > 1:
        raise UserError(f"{who} returns another network than it starts from: it cannot forget in steps")


def check_sizes(experiment: Experiment, data: DatasetCard, where: str) -> None:
    """Refuse what the dataset cannot give: too many samples, unknown classes, an empty or a whole forget set."""
    dataset = experiment.dataset
    train = train_size(experiment, data)
    if train < 2 or train + dataset.held_out > data.train:
        have = f"{dataset.name} has {data.train} training samples"
        raise UserError(f"{where}: train {train} + validation {dataset.held_out} is too many; {have}")
    have = f"{dataset.name} has {data.test} test samples"
    if dataset.off_test >= data.test:
        raise UserError(f"{where}: validation {dataset.off_test} leaves nothing to test with; {have}")
    if (dataset.test or 0) + dataset.off_test > data.test:
        raise UserError(f"{where}: test {dataset.test} + validation {dataset.off_test} is too many; {have}")
    experiment.scenario.check(data, train, where)


def comes_trained(experiment: Experiment, network: ModelCard) -> bool:
    """Tell whether an experiment's network starts from trained weights without `pretrained`."""
    return methods.holds(network.comes_trained, {**network.settings, **experiment.architecture.settings})


def _setting_with_weights(network: ModelCard) -> str:
    if isinstance(network.comes_trained, bool):
        return "'pretrained'"
    return " and ".join(f"'{key}: {str(values[0]).lower()}'" for key, values in network.comes_trained.items())


def check_pretrained(experiment: Experiment, network: ModelCard, recipe: NamedRecipe, where: str) -> None:
    """Refuse pretrained weights from a path where there are none, none where the recipe needs some, other folders."""
    wanted = experiment.architecture.settings.get("pretrained")
    trained_before = (
        experiment.original is not None or wanted is not None or comes_trained(experiment, network)
    )
    if not recipe.epochs and not trained_before:
        raise UserError(
            f"{where}: recipe '{recipe.name}' trains for no epoch, and {network.name} starts from random weights; give "
            f"the architecture {_setting_with_weights(network)}, or the recipe epochs"
        )
    if not recipe.epochs and experiment.retrain:
        raise UserError(
            f"{where}: recipe '{recipe.name}' trains for no epoch, so there is no Retrain; write 'retrain: false'"
        )
    for setting, parts in network.folders.items():
        folder = experiment.architecture.settings.get(setting)
        if folder and Path(str(folder)).expanduser().is_dir():
            try:
                check_folder(str(folder), parts)
            except UserError as error:
                raise UserError(f"{where}: {network.name}: {error}") from None
    official = network.pretrained.words if network.pretrained else f"{network.name} has no official ones"
    trains = experiment.original is None or experiment.retrain or experiment.shadows is not None
    if wanted is None and recipe.pretrained and trains:
        raise UserError(
            f"{where}: recipe '{recipe.name}' starts from pretrained weights; give the architecture the setting "
            f"'pretrained: cache', or the path of yours; {official}"
        )
    if wanted in (None, "cache"):
        return
    path = Path(str(wanted)).expanduser()
    if not (path / FILE if path.is_dir() else path).is_file():
        raise UserError(f"{where}: {wanted}: no such file; {official}")
