"""The commands that list what there is: plugins of each kind, studies, recipes, printed numbers."""

from __future__ import annotations

from typing import Annotated

import typer

from reunlearn.commands.completion import Complete, files_of, plugins
from reunlearn.commands.options import AsJson, OnlyStudy
from reunlearn.commands.panels import KNOWN

app = typer.Typer()


def _one(complete: Complete) -> typer.models.ArgumentInfo:
    info: typer.models.ArgumentInfo = typer.Argument(
        help="show only this one, in full", autocompletion=complete
    )
    return info


Names = Annotated[
    list[str] | None, typer.Argument(help="show only these, in full", autocompletion=plugins("methods"))
]
Attack = Annotated[str | None, _one(plugins("attacks"))]
Measure = Annotated[str | None, _one(plugins("measures"))]
Objective = Annotated[str | None, _one(plugins("objectives"))]
Network = Annotated[str | None, _one(plugins("models"))]
Dataset = Annotated[str | None, _one(plugins("datasets"))]
Table = Annotated[str | None, _one(plugins("tables"))]
Figure = Annotated[str | None, _one(plugins("figures"))]
Paper = Annotated[str | None, _one(files_of("papers"))]
Recipe = Annotated[str | None, _one(files_of("recipes"))]
Printing = Annotated[
    str | None,
    typer.Argument(
        help="a file of config/papers; all, in short, if absent", autocompletion=files_of("papers")
    ),
]
Ledger = Annotated[bool, typer.Option("--ledger", help="show where papers and their released code differ")]


@app.command(rich_help_panel=KNOWN)
def methods(names: Names = None, ledger: Ledger = False, json: AsJson = False) -> None:
    """List methods: data they may see, readings, idea, paper; show those named in full."""
    from reunlearn.commands import list_methods

    list_methods.methods(names, ledger, json)


@app.command(rich_help_panel=KNOWN)
def attacks(name: Attack = None, json: AsJson = False) -> None:
    """List attacks, or show one's definition card."""
    from reunlearn.commands import list_measures

    list_measures.attacks(name, json)


@app.command(rich_help_panel=KNOWN)
def measures(name: Measure = None, json: AsJson = False) -> None:
    """List all that is measured on a model, attacks included, or show one's definition card."""
    from reunlearn.commands import list_measures

    list_measures.measures(name, json)


@app.command(rich_help_panel=KNOWN)
def objectives(name: Objective = None, json: AsJson = False) -> None:
    """List what models can be trained for, or show one objective: what it gives, settings, what serves it."""
    from reunlearn.commands import list_plugins

    list_plugins.objectives(name, json)


@app.command(rich_help_panel=KNOWN)
def models(name: Network = None, json: AsJson = False) -> None:
    """List networks: what they read, the objectives they serve, settings; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.models(name, json)


@app.command(rich_help_panel=KNOWN)
def datasets(name: Dataset = None, json: AsJson = False) -> None:
    """List datasets, or show one's card, with its classes and sub-classes by number and name."""
    from reunlearn.commands import list_plugins

    list_plugins.datasets(name, json)


@app.command(rich_help_panel=KNOWN)
def tables(name: Table = None, json: AsJson = False) -> None:
    """List the tables that a report can show; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.tables(name, json)


@app.command(rich_help_panel=KNOWN)
def figures(name: Figure = None, json: AsJson = False) -> None:
    """List the figures that a report can show; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.figures(name, json)


@app.command(rich_help_panel=KNOWN)
def studies(json: AsJson = False) -> None:
    """List studies."""
    from reunlearn.commands import list_config

    list_config.studies(json)


@app.command(rich_help_panel=KNOWN)
def papers(name: Paper = None, json: AsJson = False) -> None:
    """List the papers, or show one: its words, tables, figures, claims, what it leaves open and what was chosen."""
    from reunlearn.commands import list_papers

    list_papers.papers(name, json)


@app.command(rich_help_panel=KNOWN)
def printed(
    paper: Printing = None,
    study: OnlyStudy = None,
    json: AsJson = False,
) -> None:
    """List every number that a paper prints, with the row of ours that it meets, or why there is none."""
    from reunlearn.commands import printed as command

    command.printed(paper, study, json)


@app.command(rich_help_panel=KNOWN)
def recipes(name: Recipe = None, json: AsJson = False) -> None:
    """List training recipes with their sources, or show one with every default filled in."""
    from reunlearn.commands import list_config

    list_config.recipes(name, json)
