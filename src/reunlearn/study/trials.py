"""The trials of a row whose settings are searched → jobs: ordinary runs on the search's seeds, probed, and a choice.

A row in steps is searched in its first step and keeps what was chosen there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import full_digest
from reunlearn.study import methods, paths
from reunlearn.study.cards import MethodCard
from reunlearn.study.data_jobs import modules_of
from reunlearn.study.inputs import ChooseInputs, Folder, ProbeInputs
from reunlearn.study.jobs import ChooseJob, ProbeJob
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.rows import Method
from reunlearn.study.searching import candidates
from reunlearn.study.specs import ORIGINAL, MethodSpec, RowSpec, SearchSpec, TrainingSpec

if TYPE_CHECKING:
    from reunlearn.study.expand import Expansion
    from reunlearn.study.schema import Experiment
    from reunlearn.study.seed_expansion import SeedExpansion

NEEDS = ("outputs",)  # of the objective: what is chosen by are class probabilities


def with_trials(
    entry: Method, experiment: Experiment, cards: Mapping[str, MethodCard], where: str
) -> MethodSpec:
    """Return a row's full specification; where it searches settings, with the trials.

    Args:
        entry: the row, as the study has it.
        experiment: says how many trials there may be, and on which seeds.
        cards: of all methods.
        where: begins the error line.

    Raises:
        UserError: a value does not fit its hyper-parameter, or trials read other training-time state.
    """
    spec = methods.resolve(entry, experiment, cards, where)
    if not entry.search:
        return spec
    assert experiment.search  # the schema asks for it
    card, place = cards[entry.name], f"{where}, method '{methods.row_of(entry).name}': search"
    found = candidates(entry.search, experiment.search.budget, experiment.search.draw)
    checked = tuple(methods.check_settings(values, card, place) for values in found)
    fixed = {key: value for key, value in spec.settings.items() if key not in entry.search}
    searched = spec.changed(
        settings=fixed, search=SearchSpec(candidates=checked, seeds=experiment.search.seeds)
    )
    if len({tuple(methods.state_kinds(card, trial.settings)) for trial in searched.trials}) > 1:
        names = " or ".join(sorted(entry.search))
        raise UserError(f"{place}: {names} decides which training-time state is read; give it in 'settings'")
    return searched


def check_objective(resolved: list[MethodSpec], capabilities: set[str], objective: str, where: str) -> None:
    """Refuse a search where the objective does not give what is chosen by."""
    lacking = [name for name in NEEDS if name not in capabilities]
    if lacking and any(spec.search for spec in resolved):
        raise UserError(
            f"{where}: a search asks for {', '.join(lacking)}, which the objective '{objective}' does not give"
        )


def add_choices(
    whole: Expansion, per_seed: Callable[[NamedRecipe | None], list[SeedExpansion]]
) -> dict[RowSpec, Folder]:
    """Add the trials of every row that is searched, their probes, and the choice; return the choices' folders.

    Args:
        whole: the experiment.
        per_seed: returns its jobs on each of the search's seeds, for originals of a recipe.
    """
    entries = map(methods.row_of, whole.experiment.methods)
    rows = zip(entries, whole.resolved, whole.recipes, strict=True)
    return {
        row: _add_choice(whole.training_by(recipe), per_seed(recipe), row, method)
        for row, method, recipe in rows
        if method.search
    }


def _add_choice(
    training: TrainingSpec, per_seed: list[SeedExpansion], row: RowSpec, method: MethodSpec
) -> Folder:
    whole = per_seed[0].whole
    tried = RowSpec(method=row.method, reading=row.reading)  # a trial is the run of any such row
    originals = tuple(_add_probe(seed, ORIGINAL, seed.original_model(), None) for seed in per_seed)
    probes = [
        _add_probe(seed, tried, seed.first_step(tried, trial), trial)
        for trial in method.trials
        for seed in per_seed
    ]
    job = ChooseJob(
        "choose",
        paths.choice(_with_originals(training, per_seed), whole.names[0], row, method.short),
        method,
        modules=("reunlearn.stages.choose",),
        inputs=ChooseInputs(originals=originals, trials=tuple(probes)),
    )
    return whole.add(job)


def _with_originals(training: TrainingSpec, per_seed: list[SeedExpansion]) -> TrainingSpec:
    """Return a specification with the models of the user's that are the originals, if these are."""
    given = sorted({seed.given.sha256 for seed in per_seed if seed.given})
    return training.changed(given=given[0] if len(given) == 1 else full_digest(given)) if given else training


def _add_probe(seed: SeedExpansion, row: RowSpec, model: Folder, method: MethodSpec | None) -> Folder:
    """Add the probe of one model after the first step; `method`: None of an original."""
    whole, digest = seed.whole, method.short if method else None
    scenario = f"reunlearn.data.scenarios.{whole.experiment.scenario.kind}"
    result = whole.result(method.name) if method else None
    training = seed.training.changed(architecture=result) if result else seed.training
    job = ProbeJob(
        "probe",
        paths.probe(paths.run(seed.training, whole.names[0], seed.seeds, row, digest)),
        training,
        whole.scenarios[0],
        modules=("reunlearn.stages.probe", scenario, *modules_of(training, whole.training.architecture)),
        memory_mib=whole.memory_mib,
        inputs=ProbeInputs(data=seed.data, taught=seed.taught, split=seed.splits[0], model=model),
    )
    return whole.add(job)
