"""The command line: thin. Stages run one job; the other commands look at studies, plugins and artifacts."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from reunlearn.study.errors import UserError

STAGES = (
    "prepare",
    "split",
    "original",
    "retrained",
    "shadow",
    "state",
    "unlearn",
    "evaluate",
    "attack",
    "aggregate",
    "report",
    "track",
)

app = typer.Typer(help="Reproducible machine unlearning.", no_args_is_help=True, add_completion=False)


def _add_stage(stage: str) -> None:
    @app.command(stage, help=f"Run the stage {stage} of one job.", rich_help_panel="Stages")
    def command(specification: Annotated[str, typer.Argument(help="a job's specification.json")]) -> None:
        from reunlearn.worker import run_stage

        raise typer.Exit(run_stage(stage, specification))


for _stage in STAGES:
    _add_stage(_stage)


def main() -> None:
    """Run the command line; a UserError is one line and exit code 2."""
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
