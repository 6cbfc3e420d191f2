"""The commands of the stages: one for each line of the table of stages, which is read when one of them is asked for."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from reunlearn.commands import completion
from reunlearn.commands.panels import STAGES_PANEL

BY_HAND = "report"  # a stage whose command is one for users, too


class WithStages(TyperGroup):
    """The commands for users, and those of the stages: jobs call these, so a shell does not offer them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, or of those that a shell offers."""
        names: list[str] = super().list_commands(ctx)
        return names if completion.is_asked() else [*names, *stage_commands()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command by its name; None if there is no such command."""
        return super().get_command(ctx, cmd_name) or stage_commands().get(cmd_name)


@functools.cache
def stage_commands() -> Mapping[str, Any]:
    """Return the command of each stage."""
    from reunlearn.study.stages import STAGES  # what specifications are: half a second

    app = typer.Typer()
    for stage in STAGES:
        if stage != BY_HAND:
            _add(app, stage)
    commands: Mapping[str, Any] = typer.main.get_group(app).commands
    return commands


def _add(app: typer.Typer, stage: str) -> None:
    @app.command(stage, help=f"Run the stage {stage} of one job.", rich_help_panel=STAGES_PANEL)
    def command(specification: Annotated[str, typer.Argument(help="a job's specification.json")]) -> None:
        from reunlearn.stages.execution import run_stage

        raise typer.Exit(run_stage(stage, specification))
