"""The command line: thin. Stages run one job; the other commands look at studies, plugins and artifacts.

Every command that prints what it found takes --json: the answer, and nothing else, is on stdout; warnings and the one
line of an error are on stderr. The exit code is 0, 1 where the answer is that something is wrong, 2 after a mistake.
"""

from __future__ import annotations

import sys
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:  # installed for Python alone
    sys.exit("error: the command line needs more packages: pip install 'reunlearn[pipeline]'")

from reunlearn.base.version import __version__
from reunlearn.commands import calling, listing
from reunlearn.commands import options as o
from reunlearn.commands.panels import MODEL_PANEL, RUNS_PANEL, STUDIES_PANEL
from reunlearn.commands.stage_commands import WithStages

# commands without --json, and why
WITHOUT_JSON = {"run": "it prints nothing but its progress, on stderr"}

app = typer.Typer(
    help="Reproducible machine unlearning.",
    cls=WithStages,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
new_app = typer.Typer(help="Write the file to start from.", no_args_is_help=True)
data_app = typer.Typer(help="Prepared datasets.", no_args_is_help=True)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"{calling.NAME} {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version")
    ] = False,
) -> None:
    """Reproducible machine unlearning."""


@app.command(rich_help_panel=STUDIES_PANEL)
def run(
    study: o.Study,
    method: o.Methods = None,
    seed: o.Seeds = None,
    debug: Annotated[bool, typer.Option("--debug", help="open a debugger where an error happens")] = False,
) -> None:
    """Run a study in this process, without Snakemake."""
    from reunlearn.commands import run as command

    command.run(study, o.methods(method), o.seeds(seed), debug)


@app.command(rich_help_panel=STUDIES_PANEL)
def plan(
    study: o.Study,
    method: o.Methods = None,
    seed: o.Seeds = None,
    why: Annotated[bool, typer.Option("--why", help="say why each job would run")] = False,
    slurm: Annotated[bool, typer.Option("--slurm", help="say how long jobs of a cluster would be")] = False,
    json: o.AsJson = False,
    device: o.Device = "auto",
    devices: o.Devices = None,
) -> None:
    """Say what a study consists of: runs per stage, what is done, what is missing, hours, memory, disk."""
    from reunlearn.commands import plan as command

    machine = o.machine(device, devices)
    raise typer.Exit(
        command.run(study, o.methods(method), o.seeds(seed), why=why, slurm=slurm, json=json, machine=machine)
    )


@app.command(rich_help_panel=STUDIES_PANEL)
def doctor(
    study: o.AlsoStudies = None,
    profile: o.Profile = "default",
    json: o.AsJson = False,
    device: o.Device = "auto",
    devices: o.Devices = None,
) -> None:
    """Check this machine, and what a study needs of it: a line each, and how to mend it. Changes nothing."""
    from reunlearn.doctor import command

    raise typer.Exit(command.run(study, profile, json, o.machine(device, devices)))


@app.command(rich_help_panel=RUNS_PANEL)
def show(run: o.Run, json: o.AsJson = False) -> None:
    """Show one run: specification, state, log, the exact command."""
    from reunlearn.commands import show as command

    raise typer.Exit(command.run(run, json))


@app.command(rich_help_panel=STUDIES_PANEL)
def chosen(
    study: o.Study,
    write: Annotated[bool, typer.Option("--write", help="put it into config/presets")] = False,
    json: o.AsJson = False,
) -> None:
    """Say which settings the searches of a study chose."""
    from reunlearn.commands import chosen as command

    raise typer.Exit(command.run(study, write, json))


@app.command(rich_help_panel=RUNS_PANEL)
def verify(study: o.Study, json: o.AsJson = False) -> None:
    """Hash every artifact of a study again; name each that is missing, changed or stale."""
    from reunlearn.commands import verify as command

    raise typer.Exit(command.run(study, json))


@app.command(rich_help_panel=RUNS_PANEL)
def gc(
    yes: Annotated[bool, typer.Option("--yes", help="remove them; without it they are listed")] = False,
    json: o.AsJson = False,
) -> None:
    """List, then remove, runs that no study names and what killed jobs left behind."""
    from reunlearn.commands import gc as command

    raise typer.Exit(command.run(yes, json))


@app.command(rich_help_panel=RUNS_PANEL)
def restore(
    study: o.OfStudies = None,
    pull: Annotated[bool, typer.Option(help="fetch from the remote first")] = True,
    json: o.AsJson = False,
) -> None:
    """After a clone: fetch, verify, set aside what fails."""
    from reunlearn.commands import restore as command

    raise typer.Exit(command.run(study, pull, json))


@app.command(rich_help_panel=RUNS_PANEL)
def snapshot(
    study: o.OfStudies = None,
    weights: o.Weights = None,
    push: Annotated[bool, typer.Option(help="send it to the remote")] = True,
    merge: Annotated[str | None, typer.Option(help="another runs.dvc to merge into ours")] = None,
    json: o.AsJson = False,
) -> None:
    """Record the sound runs in runs.dvc and push them."""
    from reunlearn.commands import snapshot as command

    raise typer.Exit(command.run(study, weights, push, merge, json))


@data_app.command("lock")
def data_lock(name: o.Prepared, json: o.AsJson = False) -> None:
    """Accept the prepared files of one dataset as the right ones: its entry in data.dvc."""
    from reunlearn.commands import lock as command

    raise typer.Exit(command.run(name, json))


@app.command(rich_help_panel=MODEL_PANEL)
def audit(
    model: o.Model,
    architecture: o.Network,
    dataset: o.Dataset,
    forget: o.Forget,
    retain: o.Retain = None,
    reference: o.Reference = None,
    original: o.Original = None,
    recipe: o.Recipe = None,
    train: o.Train = None,
    validation: o.Validation = 0,
    attacks: o.Attacks = None,
    folder: o.Folder = None,
    side: o.Side = None,
    threads: o.Threads = 1,
    output: o.Output = None,
    ignore: o.Ignored = None,
    json: o.AsJson = False,
) -> None:
    """Attack a model of your own, outside any study: the numbers, and a report like a study's."""
    from reunlearn.commands import audit as command
    from reunlearn.study.audit import AuditRequest

    request = AuditRequest(
        model,
        architecture,
        dataset,
        forget,
        retain,
        tuple(reference or ()),
        original,
        recipe,
        train,
        validation,
        None if attacks is None else _names(attacks),
        folder,
        side,
        threads,
        output,
        _names(ignore or ""),
    )
    command.run(request, json)


def _names(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


@app.command(rich_help_panel=STUDIES_PANEL)
def summary(study: o.Study, json: o.AsJson = False) -> None:
    """Say where the report is and where the time went."""
    from reunlearn.commands import summary as command
    from reunlearn.study import asked
    from reunlearn.study.plan import make_plans

    command.run(make_plans(asked.studies(study)), json)


@app.command(rich_help_panel=STUDIES_PANEL)
def report(
    study: o.OneStudy = None,
    source: Annotated[str | None, typer.Option("--from", help="a folder of results")] = None,
    to: Annotated[str | None, typer.Option(help="a folder to write; that of the results if absent")] = None,
    single_file: Annotated[bool, typer.Option("--single-file", help="write NAME.html alone")] = False,
    json: o.AsJson = False,
) -> None:
    """Write a study's page again from its results, and reports/index.html; of a specification, run the stage."""
    if study is not None and study.endswith("specification.json"):
        from reunlearn.stages.execution import run_stage

        raise typer.Exit(run_stage("report", study))
    from reunlearn.commands import report as command

    command.run(study, source, to, single=single_file, json=json)


@app.command(rich_help_panel=STUDIES_PANEL)
def partial(study: o.Study, method: o.Methods = None, seed: o.Seeds = None, json: o.AsJson = False) -> None:
    """Write a report of what there is; it names the missing runs."""
    from reunlearn.commands import partial as command

    command.run(study, o.methods(method), o.seeds(seed), json)


@new_app.command("method")
def new_method(
    name: Annotated[str, typer.Argument(help="the method's name everywhere")], json: o.AsJson = False
) -> None:
    """Write the file to start a new method from."""
    from reunlearn.commands import new_method as command

    command.run(name, json)


app.add_typer(data_app, name="data", rich_help_panel=RUNS_PANEL)
app.add_typer(new_app, name="new", rich_help_panel=MODEL_PANEL)
app.add_typer(listing.app)


def main() -> None:
    """Run the command line."""
    sys.exit(calling.call(app))


if __name__ == "__main__":
    main()
