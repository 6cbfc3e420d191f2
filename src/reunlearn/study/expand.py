"""One experiment of a study → its jobs: data, models, unlearning runs, measurements."""

from __future__ import annotations

import functools
from collections.abc import Callable

from reunlearn.study import checks, logs, memory, methods
from reunlearn.study.cards import Catalogue
from reunlearn.study.counts import check_attacks, check_batches, check_swapped, image_side
from reunlearn.study.data_jobs import draw_job, drawn_by, prepare_job
from reunlearn.study.datasets import resolve_dataset
from reunlearn.study.generator_memory import Size, size_of
from reunlearn.study.given_originals import GivenOriginals
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.load import recipe_of
from reunlearn.study.measuring import Measuring, objective_of
from reunlearn.study.pretrained import image_channels, specification_of
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.rows import Method
from reunlearn.study.sampling import add_judge, drawing_of, sampling_of
from reunlearn.study.schema import Experiment
from reunlearn.study.seed_expansion import SeedExpansion
from reunlearn.study.specs import (
    ArchitectureSpec,
    MethodSpec,
    ObjectiveSpec,
    RowSpec,
    RunSpec,
    SamplingSpec,
    TrainingSpec,
)
from reunlearn.study.steps import steps_of
from reunlearn.study.trials import add_choices, check_objective, with_trials


class Expansion:
    """One experiment → jobs. An experiment with steps stands for one of them: see `steps.per_step`."""

    def __init__(
        self, add: Callable[[Job], Folder], experiment: Experiment, cards: Catalogue, where: str
    ) -> None:
        self.add, self.experiment, self.cards = add, experiment, cards
        checks.check_names(experiment, cards, where)
        network = cards.models[experiment.architecture.key]
        channels = image_channels(experiment.architecture, network)
        self.data_card, self.dataset = resolve_dataset(experiment.dataset, cards.datasets, where, channels)
        checks.check_sizes(experiment, self.data_card, where)
        check_attacks(experiment, cards.attacks, self.data_card, where)
        check_swapped(experiment, cards.measures, self.data_card, where)
        objective, recipe = objective_of(experiment, cards), recipe_of(experiment.recipe, where)
        checks.check_network(experiment, cards, self.data_card, recipe, where)
        checks.check_asked_models(experiment, cards.objectives[objective], recipe, where)
        check_batches(experiment, network, self.data_card, recipe, where)
        checks.check_pretrained(experiment, network, recipe, where)
        settings = experiment.objective.settings if experiment.objective else {}
        self.training = TrainingSpec(
            dataset=self.dataset,
            architecture=specification_of(experiment.architecture, network),
            recipe=recipe,
            objective=ObjectiveSpec(
                name=objective, settings={**cards.objectives[objective].settings, **settings}
            ),
            threads=experiment.threads,
        )
        self.drawing: SamplingSpec | None = None
        if experiment.dataset.drawn:
            self.drawing = drawing_of(self, experiment.dataset.drawn, where)
            self.training = drawn_by(self.training, self.drawing)
            self.dataset = self.training.dataset
        self.resolved = [with_trials(m, experiment, cards.methods, where) for m in experiment.methods]
        check_objective(self.resolved, set(cards.objectives[objective].capabilities), objective, where)
        checks.check_methods(experiment, self.resolved, cards, objective, where)
        logs.check_methods(experiment, self.resolved, cards.methods, cards.objectives[objective], where)
        self.given = GivenOriginals(experiment, where)
        self.given.check(self.resolved, cards, recipe)
        self.recipes = [self._recipe_of_row(entry, where) for entry in experiment.methods]
        for method, own in zip(self.resolved, self.recipes, strict=True):
            checks.check_recipe(method, cards.methods[method.name], own or recipe, where)
        guided = bool(experiment.sampling and experiment.sampling.guidance)
        self.memory_mib = memory.estimate(self.data_card, recipe, self._generator(recipe), guided)
        self.sampling: SamplingSpec | None = None
        if experiment.sampling:
            self.sampling = sampling_of(self, experiment.sampling, where)
        judge = add_judge(self, experiment.classifier, where) if experiment.classifier else None
        self.measuring = Measuring(add, experiment, cards, where, judge)
        self.scenarios, self.names = steps_of(experiment, self.training)

    def _generator(self, recipe: NamedRecipe) -> Size | None:
        """Return the size of the network, where it is a generator whose size is known."""
        own, card = self.experiment.architecture, self.cards.models[self.experiment.architecture.key]
        side = image_side(self.experiment, self.data_card, recipe)
        shape = (self.data_card.shape[0], side, side)
        return size_of(own.key, {**card.settings, **own.settings}, shape, self.data_card.classes)

    def add_data(self) -> Folder:
        """Add what makes the dataset; return its folder."""
        if self.drawing:
            return self.add(draw_job(self.training, self.drawing, self.data_card.shape[0], self.memory_mib))
        return self.add(prepare_job(self.dataset, self.experiment.dataset.folder))

    @functools.cached_property
    def choices(self) -> dict[RowSpec, Folder]:
        """The folder of the choice of each row whose settings are searched; its trials are added with it."""
        search = self.experiment.search
        assert search  # the schema asks for it where a row is searched
        return add_choices(
            self, lambda recipe: [SeedExpansion(self, seeds, recipe) for seeds in search.seeds]
        )

    def training_by(self, recipe: NamedRecipe | None) -> TrainingSpec:
        """Return the training specification of a row: by a recipe of its own, or by the experiment's."""
        return self.training if recipe is None else self.training.changed(recipe=recipe)

    def _recipe_of_row(self, entry: Method, where: str) -> NamedRecipe | None:
        """Return the recipe of a row's own, shortened as the experiment's is; None where it has none."""
        if entry.recipe is None:
            return None
        experiment, place = self.experiment, f"{where}, row '{methods.row_of(entry).name}'"
        recipe = recipe_of(experiment.recipe.model_copy(update={"name": entry.recipe}), place)
        network = self.cards.models[experiment.architecture.key]
        checks.check_network(experiment, self.cards, self.data_card, recipe, place)
        check_batches(experiment, network, self.data_card, recipe, place)
        checks.check_pretrained(experiment, network, recipe, place)
        return recipe

    def runs(self) -> list[RunSpec]:
        """Add every job of the experiment and return its runs."""
        return [run for seeds in self.experiment.seeds for run in SeedExpansion(self, seeds).runs()]

    def result(self, method: str) -> ArchitectureSpec | None:
        """Return the network of the models that a method returns, around the original's; None where it is that one."""
        network = self.cards.methods[method].network
        if network is None:
            return None
        base = self.training.architecture
        known = self.cards.models[network].settings
        settings = {key: value for key, value in base.settings.items() if key in known}
        return ArchitectureSpec(name=network, settings={"body": base.name, **settings})

    def method_modules(self, method: MethodSpec) -> tuple[str, ...]:
        """Return where the code of a method starts: its own, that of its network, and that of what it reads."""
        network = self.cards.methods[method.name].network
        kinds = methods.state_kinds(self.cards.methods[method.name], method.trials[0].settings)
        return (
            f"reunlearn.unlearning.methods.{method.name}",
            f"reunlearn.data.scenarios.{self.experiment.scenario.kind}",  # methods ask it what is forgotten
            *((f"reunlearn.models.{network}",) if network else ()),
            *(f"reunlearn.training.state.{kind}" for kind in kinds),
        )
