"""`reunlearn studies` and `recipes`: what lies in config/. A file that cannot be read is named and stops nothing."""

from __future__ import annotations

from dataclasses import dataclass

from reunlearn.base.yaml_files import read_yaml
from reunlearn.commands.each import of_each
from reunlearn.commands.printing import joined, print_facts, print_json, print_table
from reunlearn.study.load import CONFIG, load_recipe, load_study, names
from reunlearn.study.recipes import NamedRecipe
from reunlearn.study.schema import Study


@dataclass(frozen=True)
class StudyLine:
    """A study in short."""

    name: str
    title: str
    experiments: str
    seeds: tuple[int, ...]


def studies(as_json: bool) -> None:
    """List studies; one that cannot be read is named on stderr."""
    lines = [_study_line(study) for study in of_each("study", names("studies"), load_study).good.values()]
    if as_json:
        print_json(lines)
        return
    rows = [
        {"study": e.name, "title": e.title, "experiments": e.experiments, "seeds": joined(e.seeds)}
        for e in lines
    ]
    print_table(rows, "Studies")


def _study_line(study: Study) -> StudyLine:
    seeds = {s.train for e in study.experiments for s in e.seeds}
    experiments = joined([f"{e.dataset.name} {e.scenario.name}" for e in study.experiments])
    return StudyLine(study.name, study.title, experiments, tuple(sorted(seeds)))


@dataclass(frozen=True)
class RecipeLine:
    """A recipe in short."""

    name: str
    epochs: int
    training: str
    source: str


def recipes(name: str | None, as_json: bool) -> None:
    """List recipes, or show one in full; one that cannot be read is named on stderr."""
    if name:
        recipe = load_recipe(name)
        if as_json:
            print_json([recipe])
        else:
            print_facts({key: str(value) for key, value in recipe}, name)
        return
    lines = [
        _recipe_line(recipe) for recipe in of_each("recipe", names("recipes"), load_recipe).good.values()
    ]
    if as_json:
        print_json(lines)
        return
    rows = [
        {"recipe": e.name, "epochs": str(e.epochs), "training": e.training, "source": e.source} for e in lines
    ]
    print_table(rows, "Recipes")


def _recipe_line(recipe: NamedRecipe) -> RecipeLine:
    how = f"{recipe.optimizer} {recipe.learning_rate:g} {recipe.schedule}, batch {recipe.batch_size}"
    source = read_yaml(CONFIG / "recipes" / f"{recipe.name}.yaml")["source"]
    return RecipeLine(recipe.name, recipe.epochs, how, source)
