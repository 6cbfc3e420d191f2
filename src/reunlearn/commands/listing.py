"""The commands that list what there is: plugins of each kind, studies, recipes, printed numbers."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer()

AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Name = Annotated[str | None, typer.Argument(help="show only this one, in full")]
Names = Annotated[list[str] | None, typer.Argument(help="show only these, in full")]
Ledger = Annotated[bool, typer.Option("--ledger", help="show where papers and their released code differ")]


@app.command()
def methods(names: Names = None, ledger: Ledger = False, json: AsJson = False) -> None:
    """List methods: data they may see, readings, idea, paper; show those named in full."""
    from reunlearn.commands import list_methods

    list_methods.methods(names, ledger, json)


@app.command()
def attacks(name: Name = None, json: AsJson = False) -> None:
    """List attacks, or show one's definition card."""
    from reunlearn.commands import list_measures

    list_measures.attacks(name, json)


@app.command()
def measures(name: Name = None, json: AsJson = False) -> None:
    """List all that is measured on a model, attacks included, or show one's definition card."""
    from reunlearn.commands import list_measures

    list_measures.measures(name, json)


@app.command()
def objectives(name: Name = None, json: AsJson = False) -> None:
    """List what models can be trained for, or show one objective: what it gives, settings, what serves it."""
    from reunlearn.commands import list_plugins

    list_plugins.objectives(name, json)


@app.command()
def models(name: Name = None, json: AsJson = False) -> None:
    """List networks: what they read, the objectives they serve, settings; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.models(name, json)


@app.command()
def datasets(name: Name = None, json: AsJson = False) -> None:
    """List datasets, or show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.datasets(name, json)


@app.command()
def tables(name: Name = None, json: AsJson = False) -> None:
    """List the tables that a report can show; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.tables(name, json)


@app.command()
def figures(name: Name = None, json: AsJson = False) -> None:
    """List the figures that a report can show; show one's card."""
    from reunlearn.commands import list_plugins

    list_plugins.figures(name, json)


@app.command()
def studies(json: AsJson = False) -> None:
    """List studies."""
    from reunlearn.commands import list_config

    list_config.studies(json)


@app.command()
def papers(name: Name = None, json: AsJson = False) -> None:
    """List the papers, or show one: its words, tables, figures, claims, what it leaves open and what was chosen."""
    from reunlearn.commands import list_papers

    list_papers.papers(name, json)


@app.command()
def printed(
    paper: Annotated[
        str | None, typer.Argument(help="a file of config/papers; all, in short, if absent")
    ] = None,
    study: Annotated[str | None, typer.Argument(help="look at this study only")] = None,
    json: AsJson = False,
) -> None:
    """List every number that a paper prints, with the row of ours that it meets, or why there is none."""
    from reunlearn.commands import printed as command

    command.printed(paper, study, json)


@app.command()
def recipes(name: Name = None, json: AsJson = False) -> None:
    """List training recipes with their sources, or show one with every default filled in."""
    from reunlearn.commands import list_config

    list_config.recipes(name, json)
