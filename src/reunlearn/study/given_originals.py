"""A user's own model as the original of an experiment: its files, what it rules out, and what is to be said of it.

Weights are not read here: their names and types stand in the file's header.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.hashes import file_hashes
from reunlearn.base.pickles import no_safetensors
from reunlearn.base.tensor_names import of_layers, without_wrappers
from reunlearn.base.tensor_shapes import tensors_of
from reunlearn.study import methods
from reunlearn.study.cards import Catalogue
from reunlearn.study.recipes import NO_RECIPE, NamedRecipe
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import MethodSpec

FULL = "F32"
ONE_MODEL = (
    "One original for all seeds: runs differ in what is forgotten and in the methods' draws, not in training."
)
NO_RETRAIN = (
    "No gap to Retrain and no noise floor: what a model that never saw the forget set would say is not known."
)


@dataclass(frozen=True)
class Weights:
    """A file of weights: its path, and the SHA-256 of what it holds."""

    file: str
    sha256: str


def read_weights_file(file: str, ignore: Iterable[str] = ()) -> tuple[Weights, tuple[str, ...]]:
    """Return a file's digest, and in words what is unusual about it: a wrapper's prefix, types, what is left out.

    Raises:
        UserError: there is no such file, or it is no safetensors file.
    """
    path = Path(file).expanduser()
    if not path.is_file():
        raise UserError(f"{file}: {'a folder, not a file' if path.is_dir() else 'no such file'} of weights")
    try:
        found = tensors_of(path)
    except ValueError:
        raise UserError(no_safetensors(path, "it has no header of one")) from None
    except OSError as error:
        raise UserError(f"{file}: {error.strerror or error}") from None
    unwrapped, words = without_wrappers(found), []
    if unwrapped.keys() != found.keys():
        prefix = next(iter(found)).removesuffix(next(iter(unwrapped)))
        words.append(f"'{prefix}' is taken off all names: a wrapped network's")
    for layer, names in of_layers(unwrapped, ignore).items():
        words += [f"'{layer}' is left out: {len(names)} of its tensors"] if names else []
    kinds = Counter(kind for kind, _ in unwrapped.values() if "F" in kind and kind != FULL)
    words += [
        f"{count} tensors are in {kind}, and become what the network has" for kind, count in kinds.items()
    ]
    digest = file_hashes(path.parent, [path.name])[path.name]
    return Weights(file, digest), tuple(words)


def with_one_original(experiment: Experiment) -> Experiment:
    """Return the experiment with one train seed everywhere, if one model of the user's is the original of all seeds.

    Raises:
        ValueError: two sets of seeds differ in nothing but the training.
    """
    original, search = experiment.original, experiment.search
    if original is None or not isinstance(original.weights, str):
        return experiment
    train = experiment.seeds[0].train

    def trained_once(seeds: tuple[Seeds, ...]) -> tuple[Seeds, ...]:
        found = tuple(dict.fromkeys(s.model_copy(update={"train": train}) for s in seeds))
        if len(found) < len(seeds):
            raise ValueError(
                "one original serves all, so that those that differ in 'train' only give the same runs; give them "
                "other 'split' or 'method' seeds, or a file for each train seed, as in 'weights: {0: FILE, 1: FILE}'"
            )
        return found

    changes: dict[str, object] = {"seeds": trained_once(experiment.seeds)}
    if search:
        changes["search"] = search.model_copy(update={"seeds": trained_once(search.seeds)})
    return experiment.model_copy(update=changes)


class GivenOriginals:
    """The models of the user's that are an experiment's originals; none where it trains them itself.

    Attributes:
        notes: in words, what is unusual about the files, and what the report cannot tell.
    """

    def __init__(self, experiment: Experiment, where: str) -> None:
        self.experiment, self.where = experiment, f"{where}: original"
        self.ignore: tuple[str, ...] = ()
        self.notes: tuple[str, ...] = ()
        self._files: dict[str, Weights] = {}
        if original := experiment.original:
            self.ignore = original.ignore
            seeds = [*experiment.seeds, *(experiment.search.seeds if experiment.search else ())]
            self._read(dict.fromkeys(seed.train for seed in seeds))

    def of(self, train: int) -> Weights | None:
        """Return the weights that stand for those of a train seed; None where these are trained."""
        return self._files[self._file_of(train)] if self.experiment.original else None

    def _file_of(self, train: int) -> str:
        assert self.experiment.original
        weights = self.experiment.original.weights
        if isinstance(weights, str):
            return weights
        if train not in weights:
            known = ", ".join(map(str, sorted(weights)))
            raise UserError(
                f"{self.where}: weights: none for train seed {train}, only for {known}; give it a file, or all one file"
            )
        return weights[train]

    def _read(self, trains: Iterable[int]) -> None:
        notes, seed_of = list[str](), dict[str, int]()
        for train in trains:
            file = self._file_of(train)
            if file not in self._files:
                try:
                    self._files[file], words = read_weights_file(file, self.ignore)
                except UserError as error:
                    raise UserError(f"{self.where}: {error}") from None
                notes += [f"Original {file}: {word}." for word in words]
            other = seed_of.setdefault(self._files[file].sha256, train)
            if other != train:
                raise UserError(
                    f"{self.where}: the weights of train seeds {other} and {train} are the same; give one file for all"
                )
        self.notes = (*notes, *self._cannot_tell())

    def _cannot_tell(self) -> list[str]:
        """Return what a report on these models cannot tell."""
        experiment = self.experiment
        assert experiment.original
        found = []
        if isinstance(experiment.original.weights, str) and len(experiment.seeds) > 1:
            found.append(ONE_MODEL)
        if not experiment.retrain:
            return [*found, NO_RETRAIN]
        return [
            *found,
            f"Retrain is trained by recipe '{experiment.recipe.name}': a gap to it also holds what your own "
            "training did otherwise.",
        ]

    def check(self, resolved: Iterable[MethodSpec], cards: Catalogue, recipe: NamedRecipe) -> None:
        """Refuse what only a training tells that is made here: its state, its recipe, its labels.

        Args:
            resolved: the rows, with their settings.
            cards: of all plugins.
            recipe: of what is trained.

        Raises:
            UserError: a method, a measure, the scenario or the dataset asks for that.
        """
        experiment = self.experiment
        if experiment.original is None and experiment.recipe.name == NO_RECIPE:
            raise UserError(f"{self.where}: there is none, so it is trained; give a 'recipe'")
        if experiment.original is None:
            return
        if experiment.scenario.POISONS:
            kind = experiment.scenario.kind
            self._refuse(
                f"scenario '{kind}' trains the original with wrong labels, and yours is trained already"
            )
        if "weights" in experiment.scenario.READS:
            self._refuse(
                f"scenario '{experiment.scenario.kind}' finds its samples by an original that is trained here; choose "
                "another scenario"
            )
        if experiment.dataset.drawn:
            self._refuse("it cannot draw the dataset; name one that is not 'drawn'")
        trains = recipe.name != NO_RECIPE and recipe.epochs > 0
        for entry, method in zip(experiment.methods, resolved, strict=True):
            row = methods.row_of(entry).name
            if entry.recipe:
                self._refuse(
                    f"'{row}' has a 'recipe' for an original of its own, and yours is trained; take it out"
                )
            for trial in method.trials:
                self._check_method(row, trial, cards, trains)
        if not trains:
            self._check_untrained(cards)

    def _check_method(self, row: str, method: MethodSpec, cards: Catalogue, trains: bool) -> None:
        card, settings = cards.methods[method.name], method.settings
        for kind in methods.state_kinds(card, settings):
            if cards.states[kind].of_training:
                what = kind.replace("_", " ")
                self._refuse(
                    f"'{row}' reads {what} of the training, which nobody saw of your model; leave it out"
                )
        reads = any(methods.holds(when, settings) for when in (card.needs.recipe, card.needs.weight_decay))
        if reads and not trains:
            self._refuse(
                f"'{row}' reads how the original was trained; give its 'recipe', or leave the row out"
            )

    def _check_untrained(self, cards: Catalogue) -> None:
        """Refuse what needs models that are trained, where no recipe says how."""
        if self.experiment.scenario.READS:
            self._refuse(
                f"scenario '{self.experiment.scenario.kind}' chooses samples by models that are trained; give the "
                "'recipe' that says how, or choose another scenario"
            )
        for name in (*self.experiment.attacks, *(entry.name for entry in self.experiment.measures)):
            card = cards.measures[name]
            if card.pools or card.recipe:
                what = "needs shadow models" if card.pools else "trains as the original was trained"
                self._refuse(f"'{name}' {what}; give the 'recipe' that says how, or leave it out")

    def _refuse(self, why: str) -> None:
        raise UserError(f"{self.where}: {why}")
