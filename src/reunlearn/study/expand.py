"""One experiment of a study → its jobs: data, models, unlearning runs, evaluations, attacks."""

from __future__ import annotations

from typing import Any, Protocol

from reunlearn.base.hashing import short_digest
from reunlearn.study import checks, methods, paths
from reunlearn.study.catalogue import catalogue
from reunlearn.study.datasets import resolve_dataset
from reunlearn.study.load import load_recipe
from reunlearn.study.pools import Pools
from reunlearn.study.pretrained import weights_digest
from reunlearn.study.schema import Experiment, Method, Seeds, Study
from reunlearn.study.steps import steps_of

FLOOR_SEED = 1000  # the second retrained model of seed u is trained with seed u + FLOOR_SEED


class Collector(Protocol):
    """Where jobs are collected: the plan."""

    study: Study
    rows: list[dict[str, Any]]

    def add(self, stage: str, folder: str, spec: dict, inputs: dict, plugins: tuple[str, ...] = ()) -> str:
        """Add a job once and return its folder."""


class Expansion:
    """One experiment → jobs. An experiment with steps stands for one of them: see `steps.per_step`."""

    def __init__(self, plan: Collector, experiment: Experiment) -> None:
        self.plan, self.experiment, self.cards = plan, experiment, catalogue()
        self.where = f"study '{plan.study.name}', experiment '{experiment.name}'"
        checks.check_names(experiment, self.cards, self.where)
        data, self.dataset = resolve_dataset(experiment.dataset, self.cards["datasets"], self.where)
        checks.check_sizes(experiment, data, self.where)
        recipe, network = load_recipe(experiment.recipe), self.cards["models"][experiment.architecture.name]
        checks.check_network(experiment, network, data, recipe, self.where)
        checks.check_pretrained(experiment, network, self.where)
        self.base_training = {
            "dataset": self.dataset,
            "architecture": _network(experiment),
            "recipe": recipe,
            "objective": data["objective"],
            "threads": experiment.threads,
        }
        self.objective = f"reunlearn.objectives.{data['objective']}"
        self.model = f"reunlearn.models.{experiment.architecture.name}"
        self.scenarios, self.names = steps_of(experiment)
        self.scenario, self.name = self.scenarios[-1], self.names[-1]

    def run(self) -> None:
        """Add every job of the experiment."""
        entries = self.experiment.method_entries
        resolved = [methods.resolve(m, self.experiment, self.cards["methods"], self.where) for m in entries]
        objective = self.base_training["objective"]
        checks.check_methods(self.experiment, resolved, self.cards, objective, self.where)
        for seeds in self.experiment.seed_triples:
            self._seed(seeds, list(zip(entries, resolved, strict=True)))

    def _seed(self, seeds: Seeds, entries: list[tuple[Method, dict[str, Any]]]) -> None:
        triple = (seeds.train, seeds.split, seeds.method)
        self.method_seed = seeds.method
        self._data(seeds.split)
        original = self._train("original", paths.original(self.training, seeds.train), seeds.train)
        self.pools = self._pools(seeds.split)
        method_seeds = [seeds.method, seeds.method + FLOOR_SEED][: 2 if self.experiment.noise_floor else 1]
        retrain_triples = [(seeds.train, seeds.split, seed) for seed in method_seeds]
        self.references = {  # evaluation → weights
            paths.evaluation(paths.row(self.training, self.name, t, "retrain", None)): paths.retrained(
                self.training, self.name, seeds.split, t[2]
            )
            for t in retrain_triples
        }
        references = list(self.references)
        for index, retrain_triple in enumerate(retrain_triples):
            folder = self.references[references[index]]
            self._train("retrained", folder, retrain_triple[2], {"split": self.split})
            self._row("retrain", folder, retrain_triple, references[index - 1])
        self._row("original", original, triple, references[0])
        for entry, specification in entries:
            folder = self._unlearn(entry, specification, seeds, original, len(self.names))
            self._row(methods.row_name(entry), folder, triple, references[0], specification)

    def _data(self, split_seed: int) -> None:
        """Add the prepared data and the split of each step; a poisoned training names what it was taught."""
        about, folder = self.dataset, self.experiment.dataset.folder
        self.data = self.plan.add(
            "prepare",
            paths.prepared(about),
            {"dataset": {k: about[k] for k in ("name", "side", "listing")}, "source": folder},
            {},
            (f"reunlearn.data.sets.{about['name']}",),
        )
        self.splits = [
            self._split(name, scenario, split_seed)
            for name, scenario in zip(self.names, self.scenarios, strict=True)
        ]
        self.split, self.training, self.taught = self.splits[-1], dict(self.base_training), {}
        if self.scenario["kind"] == "label_flip":  # what is taught is the same in all steps
            poison = {k: v for k, v in self.scenario.items() if k != "step"} | {"steps": 1}
            name = self.experiment.scenario.model_copy(update={"steps": 1, "step": None}).name
            self.training["poison"] = {"scenario": poison, "split_seed": split_seed}
            self.taught = {"taught": self._split(name, poison, split_seed)}

    def _split(self, name: str, scenario: dict[str, Any], split_seed: int) -> str:
        spec = {"dataset": self.dataset, "scenario": scenario, "split_seed": split_seed}
        return self.plan.add("split", paths.split(self.dataset, name, split_seed), spec, {"data": self.data})

    def _train(self, stage: str, folder: str, seed: int, inputs: dict[str, str] | None = None) -> str:
        spec = {"training": self.training, "seed": seed}
        wanted = {"data": self.data, **self.taught, **(inputs or {})}
        return self.plan.add(stage, folder, spec, wanted, (self.model, self.objective))

    def _pools(self, split_seed: int) -> Pools:
        """Return what adds the pools of shadow models that attacks read."""
        wanted = self.experiment.shadows
        return Pools(
            self.plan.add,
            self.training,
            wanted.model_dump() if wanted else {},
            {"data": self.data, **self.taught},
            (self.model, self.objective),
            self.splits,
            self.scenarios,
            self.name,
            split_seed,
        )

    def _pool(self, kind: str, row: str, method: dict[str, Any] | None) -> list[str]:
        """Add one pool for a row's attack and return its folders."""
        if kind != "unlearned":
            return getattr(self.pools, kind)()
        if method is None:
            return self.pools.unlearned(row, None)
        plugins = (f"reunlearn.unlearning.methods.{method['name']}", *self._networks(method["name"]))
        states = methods.state_kinds(self.cards["methods"][method["name"]], method["settings"])
        plugins += tuple(f"reunlearn.training.state.{kind}" for kind in states)
        return self.pools.unlearned(row, {"method": method, **self._result(method["name"])}, plugins)

    def _unlearn(self, entry: Method, spec: dict[str, Any], seeds: Seeds, original: str, step: int) -> str:
        """Add the run of one step, and before it those of the steps that it starts from."""
        start = original if step == 1 else self._unlearn(entry, spec, seeds, original, step - 1)
        name, digest = methods.row_name(entry), short_digest(spec)
        triple = (seeds.train, seeds.split, seeds.method)
        folder = paths.row(self.training, self.names[step - 1], triple, name, digest)
        inputs: dict[str, Any] = {"data": self.data, "split": self.splits[step - 1], "original": start}
        for kind in methods.state_kinds(self.cards["methods"][entry.name], spec["settings"]):
            inputs[kind] = self._state(kind, entry.name, seeds, original, step)
        specification = {
            "training": self.training,
            "scenario": self.scenarios[step - 1],
            "method": spec,
            "seed": seeds.method,
            **self._result(entry.name),
        }
        plugins = (f"reunlearn.unlearning.methods.{entry.name}", *self._networks(entry.name), self.objective)
        return self.plan.add("unlearn", folder, specification, {**inputs, **self.taught}, plugins)

    def _state(self, kind: str, method: str, seeds: Seeds, original: str, step: int) -> str:
        """Add training-time state of one kind, of the original alone or also of what a step forgets."""
        per_split = self.cards["states"][kind]["per_split"]
        where = (self.names[step - 1], seeds.split) if per_split else None
        return self.plan.add(
            "state",
            paths.state(self.training, kind, seeds.train, where),
            {"training": self.training, "kind": kind, "seed": seeds.train, **self._result(method)},
            {
                "data": self.data,
                **self.taught,
                "original": original,
                **({"split": self.splits[step - 1]} if per_split else {}),
            },
            (f"reunlearn.training.state.{kind}", *self._networks(method), self.objective),
        )

    def _result(self, method: str) -> dict[str, Any]:
        """Return, for methods that return another architecture than the original's, which: it goes around that one."""
        network = self.cards["methods"][method]["network"]
        if network is None:
            return {}
        own = self.base_training["architecture"]
        known = self.cards["models"][network]["settings"]
        settings = {key: value for key, value in own["settings"].items() if key in known}
        return {"result": {"name": network, "settings": {"body": own["name"], **settings}}}

    def _networks(self, method: str) -> tuple[str, ...]:
        network = self.cards["methods"][method]["network"]
        return (self.model, f"reunlearn.models.{network}") if network else (self.model,)

    def _row(
        self,
        name: str,
        model: str,
        seeds: tuple[int, int, int],
        reference: str,
        method: dict[str, Any] | None = None,
    ) -> None:
        """Add the evaluation and the attacks of one run, and note the row."""
        run = model if method else paths.row(self.training, self.name, seeds, name, None)
        inputs: dict[str, Any] = {"data": self.data, "split": self.split, "model": model}
        training = self.training
        plugins: tuple[str, ...] = (self.model, self.objective)
        if method and (result := self._result(method["name"])):
            training = {**training, "architecture": result["result"]}
            plugins = (*self._networks(method["name"]), self.objective)
        evaluation = self.plan.add("evaluate", paths.evaluation(run), {"training": training}, inputs, plugins)
        cards = self.cards["attacks"]
        kinds = {kind for attack in self.experiment.attacks for kind in cards[attack]["pools"]}
        pools = {kind: self._pool(kind, name, method) for kind in sorted(kinds)}
        attacks: dict[str, str] = {}
        for attack in self.experiment.attacks:
            read: dict[str, Any] = {kind: pools[kind] for kind in cards[attack]["pools"]}
            wanted = {"evaluation": evaluation, **read, **({"reference": reference} if read else {})}
            about = {"attack": attack, "training": training}
            modules = (f"reunlearn.attacks.{attack}", *plugins)
            attacks[attack] = self.plan.add("attack", paths.attack(run, attack), about, wanted, modules)
        train_seed, split_seed, method_seed = seeds
        original = paths.original(self.training, train_seed)
        comparison = self._comparison(run, model, original, reference, pools)
        relearning = self._relearning(run, inputs, training, seeds, plugins)
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
                "comparison": comparison,
                "relearning": relearning,
                "attacks": attacks,
            }
        )

    def _comparison(
        self, run: str, model: str, original: str, reference: str, pools: dict[str, list[str]]
    ) -> str:
        """Add the comparison of one run with the original and Retrain; a run is not compared with itself.

        Where an attack has the row's unlearned models and retrained ones trained, their margins are compared, too.
        """
        evaluation = paths.evaluation(run)
        inputs: dict[str, Any] = {"evaluation": evaluation, "model": model, "original": original}
        if reference != evaluation:
            inputs |= {"reference": reference, "retrained": self.references[reference]}
        if {"unlearned", "without_forget"} <= pools.keys():
            inputs |= {kind: pools[kind] for kind in ("unlearned", "without_forget")}
        return self.plan.add("compare", paths.comparison(run), {}, inputs)

    def _relearning(
        self,
        run: str,
        inputs: dict[str, str],
        training: dict[str, Any],
        seeds: tuple[int, int, int],
        plugins: tuple[str, ...],
    ) -> str | None:
        """Add the measurement of relearn time, if the study asks for it; its target is the original's accuracy."""
        if self.experiment.relearn is None:
            return None
        original = paths.row(self.training, self.name, (*seeds[:2], self.method_seed), "original", None)
        spec = {"training": training, "cap": self.experiment.relearn, "seed": seeds[2]}
        inputs = {**inputs, "target": paths.evaluation(original)}
        return self.plan.add("relearn", paths.relearning(run), spec, inputs, plugins)


def _network(experiment: Experiment) -> dict[str, Any]:
    """Return what specifications say of the network: a user's own weights also by what they hold."""
    wanted = experiment.architecture.settings.get("pretrained")
    own = {} if wanted in (None, "cache") else {"weights": weights_digest(str(wanted))}
    return {**experiment.architecture.model_dump(), **own}
