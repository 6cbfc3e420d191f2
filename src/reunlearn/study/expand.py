"""One experiment of a study → its jobs: data, models, unlearning runs, evaluations, attacks."""

from __future__ import annotations

from typing import Any, Protocol

from reunlearn.study import methods, paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.errors import UserError, near
from reunlearn.study.load import load_recipe
from reunlearn.study.schema import Experiment, Method, Seeds, Study

FLOOR_SEED = 1000  # the second retrained model of seed u is trained with seed u + FLOOR_SEED
SHADOW_SEED = 10_000  # shadow models start here: never the seed of an original or retrained model


class Collector(Protocol):
    """Where jobs are collected: the plan."""

    study: Study
    rows: list[dict[str, Any]]

    def add(self, stage: str, folder: str, spec: dict, inputs: dict, plugins: tuple[str, ...] = ()) -> str:
        """Add a job once and return its folder."""


class Expansion:
    """One experiment → jobs."""

    def __init__(self, plan: Collector, experiment: Experiment) -> None:
        self.plan, self.experiment = plan, experiment
        cards = catalogue()
        where = f"study '{plan.study.name}', experiment '{experiment.name}'"
        for kind, name in [("datasets", experiment.dataset.name), ("models", experiment.architecture.name)]:
            if name not in cards[kind]:
                raise UserError(f"{where}: no {kind[:-1]} '{name}'; {near(name, cards[kind])}")
        for name in experiment.attacks:
            if name not in cards["attacks"]:
                raise UserError(f"{where}: no attack '{name}'; {near(name, cards['attacks'])}")
            if cards["attacks"][name]["shadows"] and experiment.shadows is None:
                raise UserError(f"{where}: attack '{name}' needs shadow models; add 'shadows'")
        dataset_card = cards["datasets"][experiment.dataset.name]
        _check_sizes(experiment, dataset_card, where)
        self.where, self.cards = where, cards
        self.dataset = experiment.dataset.model_dump()
        self.training = {
            "dataset": self.dataset,
            "architecture": experiment.architecture.model_dump(),
            "recipe": load_recipe(experiment.recipe),
            "objective": dataset_card["objective"],
            "threads": experiment.threads,
        }
        self.scenario = experiment.scenario.model_dump(exclude_none=True)
        self.objective = f"reunlearn.objectives.{dataset_card['objective']}"
        self.model = f"reunlearn.models.{experiment.architecture.name}"

    def run(self) -> None:
        """Add every job of the experiment."""
        entries = self.experiment.method_entries
        resolved = [methods.resolve(m, self.experiment, self.cards["methods"], self.where) for m in entries]
        labels = [methods.row_name(m) for m in entries]
        for label, entry, spec in zip(labels, entries, resolved, strict=True):
            needs = self.cards["methods"][entry.name]["needs"]
            if (
                methods.holds(needs["validation"], spec["settings"])
                and not self.experiment.dataset.validation
            ):
                raise UserError(
                    f"{self.where}: '{label}' reads validation samples; give 'dataset' a 'validation'"
                )
        for label in labels:
            if labels.count(label) > 1:
                raise UserError(f"{self.where}: two rows are called '{label}'; give one a 'label'")
        for seeds in self.experiment.seed_triples:
            self._seed(seeds, list(zip(entries, resolved, strict=True)))

    def _seed(self, seeds: Seeds, entries: list[tuple[Method, dict[str, Any]]]) -> None:
        plan, triple = self.plan, (seeds.train, seeds.split, seeds.method)
        self.data = plan.add(
            "prepare",
            paths.prepared(self.dataset["name"]),
            {"dataset": self.dataset["name"]},
            {},
            (f"reunlearn.data.sets.{self.dataset['name']}",),
        )
        self.split = plan.add(
            "split",
            paths.split(self.dataset, self.experiment.scenario.name, seeds.split),
            {"dataset": self.dataset, "scenario": self.scenario, "split_seed": seeds.split},
            {"data": self.data},
        )
        original = self._train("original", paths.original(self.training, seeds.train), seeds.train)
        shadows = self._shadows(seeds.split)
        method_seeds = [seeds.method, seeds.method + FLOOR_SEED][: 2 if self.experiment.noise_floor else 1]
        retrain_triples = [(seeds.train, seeds.split, seed) for seed in method_seeds]
        scenario = self.experiment.scenario.name
        references = [
            paths.evaluation(paths.row(self.training, scenario, t, "retrain", None)) for t in retrain_triples
        ]
        for index, retrain_triple in enumerate(retrain_triples):
            folder = self._retrained(seeds.split, retrain_triple[2])
            self._row("retrain", folder, retrain_triple, shadows, references[index - 1])
        self._row("original", original, triple, shadows, references[0])
        for entry, specification in entries:
            folder = self._unlearn(entry, specification, seeds, original)
            self._row(methods.row_name(entry), folder, triple, shadows, references[0], specification)

    def _train(self, stage: str, folder: str, seed: int, split: bool = False) -> str:
        inputs = {"data": self.data, **({"split": self.split} if split else {})}
        spec = {"training": self.training, "seed": seed}
        return self.plan.add(stage, folder, spec, inputs, (self.model, self.objective))

    def _retrained(self, split_seed: int, seed: int) -> str:
        folder = paths.retrained(self.training, self.experiment.scenario.name, split_seed, seed)
        return self._train("retrained", folder, seed, split=True)

    def _shadows(self, split_seed: int) -> dict[str, str]:
        """Add the pools inside (trained on everything) and outside (without the forget set)."""
        wanted = self.experiment.shadows
        if wanted is None:
            return {}
        scenario = self.experiment.scenario.name
        pools = {}
        for kind, count in (("inside", wanted.inside), ("outside", wanted.outside)):
            first = SHADOW_SEED + (1000 * (1 + split_seed) if kind == "outside" else 0)
            spec = {"training": self.training, "kind": kind, "count": count, "first_seed": first}
            inputs = {"data": self.data, **({"split": self.split} if kind == "outside" else {})}
            where = (scenario, split_seed) if kind == "outside" else (None, None)
            folder = paths.pool(self.training, f"{kind}{count}", *where)
            pools[kind] = self.plan.add("shadow", folder, spec, inputs, (self.model, self.objective))
        return pools

    def _unlearn(self, entry: Method, spec: dict[str, Any], seeds: Seeds, original: str) -> str:
        name, digest = methods.row_name(entry), paths.short_digest(spec)
        triple = (seeds.train, seeds.split, seeds.method)
        folder = paths.row(self.training, self.experiment.scenario.name, triple, name, digest)
        inputs: dict[str, Any] = {"data": self.data, "split": self.split, "original": original}
        for kind in methods.state_kinds(self.cards["methods"][entry.name], spec["settings"]):
            inputs[kind] = self.plan.add(
                "state",
                paths.state(self.training, kind, seeds.train),
                {"training": self.training, "kind": kind, "seed": seeds.train},
                {"data": self.data, "original": original},
                (f"reunlearn.training.state.{kind}", self.model, self.objective),
            )
        specification = {
            "training": self.training,
            "scenario": self.scenario,
            "method": spec,
            "seed": seeds.method,
        }
        plugins = (f"reunlearn.unlearning.methods.{entry.name}", self.model, self.objective)
        return self.plan.add("unlearn", folder, specification, inputs, plugins)

    def _row(
        self,
        name: str,
        model: str,
        seeds: tuple[int, int, int],
        shadows: dict[str, str],
        reference: str,
        method: dict[str, Any] | None = None,
    ) -> None:
        """Add the evaluation and the attacks of one run, and note the row."""
        run = model if method else paths.row(self.training, self.experiment.scenario.name, seeds, name, None)
        inputs: dict[str, Any] = {"data": self.data, "split": self.split, "model": model}
        spec = {"training": self.training}
        evaluation = self.plan.add(
            "evaluate", paths.evaluation(run), spec, inputs, (self.model, self.objective)
        )
        attacks = {}
        for attack in self.experiment.attacks:
            wanted: dict[str, Any] = {"evaluation": evaluation}
            if self.cards["attacks"][attack]["shadows"]:
                wanted |= shadows | {"split": self.split, "reference": reference}
            attacks[attack] = self.plan.add(
                "attack",
                paths.attack(run, attack),
                {"attack": attack, "training": self.training},
                wanted,
                (f"reunlearn.attacks.{attack}", self.model, self.objective),
            )
        train_seed, split_seed, method_seed = seeds
        self.plan.rows.append(
            {
                "experiment": self.experiment.name,
                "name": name,
                "train_seed": train_seed,
                "split_seed": split_seed,
                "method_seed": method_seed,
                "scenario": self.scenario,
                "method": method,
                "model": model,
                "evaluation": evaluation,
                "attacks": attacks,
            }
        )


def _check_sizes(experiment: Experiment, card: dict[str, Any], where: str) -> None:
    """Refuse what the dataset cannot give: too many images, unknown classes, an empty forget set."""
    dataset, scenario = experiment.dataset, experiment.scenario
    train = dataset.train or card["train"] - dataset.validation
    if train + dataset.validation > card["train"]:
        have = f"{dataset.name} has {card['train']} training images"
        raise UserError(f"{where}: train {train} + validation {dataset.validation} is too many; {have}")
    wrong = [c for c in scenario.classes or () if not 0 <= c < card["classes"]]
    if wrong:
        raise UserError(
            f"{where}: no class {wrong[0]}; {dataset.name} has classes 0 to {card['classes'] - 1}"
        )
    if len(set(scenario.classes or ())) == card["classes"]:
        raise UserError(f"{where}: all classes would be forgotten; nothing is left to retain")
    if scenario.fraction and not 0 < round(scenario.fraction * train) < train:
        raise UserError(
            f"{where}: fraction {scenario.fraction} of {train} images forgets none or all of them"
        )
