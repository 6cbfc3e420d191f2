"""The command line: thin. Stages run one job; the other commands look at studies, plugins and artifacts."""

from __future__ import annotations

import sys
from typing import Annotated

try:
    import typer
except ModuleNotFoundError:  # installed for Python alone
    sys.exit("error: the command line needs more packages: pip install 'reunlearn[pipeline]'")

from reunlearn.base import project
from reunlearn.base.errors import UserError
from reunlearn.base.refused_writes import told_in_words
from reunlearn.base.secrets import hide_in_streams
from reunlearn.commands import listing
from reunlearn.study.stages import STAGES

app = typer.Typer(
    help="Reproducible machine unlearning.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
new_app = typer.Typer(help="Write the file to start from.", no_args_is_help=True)
data_app = typer.Typer(help="Prepared datasets.", no_args_is_help=True)
app.add_typer(new_app, name="new")
app.add_typer(data_app, name="data")
app.add_typer(listing.app)

SOME = "a study that `reunlearn studies` lists; several with commas; all: those of the papers"
Study = Annotated[
    str,
    typer.Argument(
        help="a study that `reunlearn studies` lists; several with commas; all: those of the papers"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Methods = Annotated[list[str] | None, typer.Option("--method", help="only this method; may be repeated")]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="only this seed; may be repeated")]
Device = Annotated[str, typer.Option(help="that jobs would run on: cpu or cuda")]
Devices = Annotated[int | None, typer.Option(help="cores or GPUs; the cores of this machine if absent")]
Network = Annotated[str, typer.Option(help="as in 'small_cnn width=16'; yours: 'mynet.py:Net width=16'")]
Attacks = Annotated[str | None, typer.Option(help="as in a,b; all that need no shadow models if absent")]
Ignored = Annotated[str | None, typer.Option(help="layers that the network does not have, as in aux,fc2")]


def _listed(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas."""
    return tuple(filter(None, (name.strip() for name in text.split(","))))


def _add_stage(stage: str) -> None:
    @app.command(stage, help=f"Run the stage {stage} of one job.", rich_help_panel="Stages")
    def command(specification: Annotated[str, typer.Argument(help="a job's specification.json")]) -> None:
        from reunlearn.worker import run_stage

        raise typer.Exit(run_stage(stage, specification))


for _stage in STAGES:
    if _stage != "report":  # below: it is a command for users, too
        _add_stage(_stage)


@app.command()
def run(study: Study, method: Methods = None, seed: Seeds = None, debug: bool = False) -> None:
    """Run a study in this process, without Snakemake."""
    from reunlearn.commands import run as command

    command.run(study, method, seed, debug)


@app.command()
def plan(
    study: Study,
    method: Methods = None,
    seed: Seeds = None,
    why: Annotated[bool, typer.Option("--why", help="say why each job would run")] = False,
    slurm: Annotated[bool, typer.Option("--slurm", help="say how long jobs of a cluster would be")] = False,
    json: AsJson = False,
    device: Device = "cpu",
    devices: Devices = None,
) -> None:
    """Say what a study consists of: runs per stage, what is done, what is missing, hours, memory, disk."""
    from reunlearn.commands import plan as command
    from reunlearn.commands.duration import Machine

    machine = Machine(device) if devices is None else Machine(device, devices)
    raise typer.Exit(command.run(study, method, seed, why=why, slurm=slurm, json=json, machine=machine))


@app.command()
def doctor(
    study: Annotated[
        str | None, typer.Argument(help="a study, or several with commas: also what it needs here")
    ] = None,
    profile: Annotated[str, typer.Option(help="of Snakemake, that it would be run with")] = "default",
    json: AsJson = False,
    device: Device = "cpu",
    devices: Devices = None,
) -> None:
    """Check this machine, and what a study needs of it: a line each, and how to mend it. Changes nothing."""
    from reunlearn.commands.duration import Machine
    from reunlearn.doctor import command

    machine = Machine(device) if devices is None else Machine(device, devices)
    raise typer.Exit(command.run(study, profile, json, machine))


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="a run's folder or a part of its name")], json: AsJson = False
) -> None:
    """Show one run: specification, state, log, the exact command."""
    from reunlearn.commands import show as command

    raise typer.Exit(command.run(run, json))


@app.command()
def chosen(
    study: Study,
    write: Annotated[bool, typer.Option("--write", help="put it into config/presets")] = False,
    json: AsJson = False,
) -> None:
    """Say which settings the searches of a study chose."""
    from reunlearn.commands import chosen as command

    raise typer.Exit(command.run(study, write, json))


@app.command()
def verify(study: Study, json: AsJson = False) -> None:
    """Hash every artifact of a study again; name each that is missing, changed or stale."""
    from reunlearn.commands import verify as command

    raise typer.Exit(command.run(study, json))


@app.command()
def gc(
    yes: Annotated[bool, typer.Option("--yes", help="remove them; without it they are listed")] = False,
    json: AsJson = False,
) -> None:
    """List, then remove, runs that no study names and what killed jobs left behind."""
    from reunlearn.commands import gc as command

    raise typer.Exit(command.run(yes, json))


@app.command()
def restore(
    study: Annotated[
        str | None, typer.Argument(help="a study, or several with commas; all that there are if absent")
    ] = None,
    pull: Annotated[bool, typer.Option(help="fetch from the remote first")] = True,
    json: AsJson = False,
) -> None:
    """After a clone: fetch, verify, set aside what fails."""
    from reunlearn.commands import restore as command

    raise typer.Exit(command.run(study, pull, json))


@app.command()
def snapshot(
    study: Annotated[
        str | None, typer.Argument(help="a study, or several with commas; all that there are if absent")
    ] = None,
    weights: Annotated[str | None, typer.Option(help="all, originals or none")] = None,
    push: Annotated[bool, typer.Option(help="send it to the remote")] = True,
    merge: Annotated[str | None, typer.Option(help="another runs.dvc to merge into ours")] = None,
    json: AsJson = False,
) -> None:
    """Record the sound runs in runs.dvc and push them."""
    from reunlearn.commands import snapshot as command

    raise typer.Exit(command.run(study, weights, push, merge, json))


@data_app.command("lock")
def data_lock(name: Annotated[str, typer.Argument(help="a prepared dataset")], json: AsJson = False) -> None:
    """Accept the prepared files of one dataset as the right ones: its entry in data.dvc."""
    from reunlearn.commands import lock as command

    raise typer.Exit(command.run(name, json))


@app.command()
def audit(
    model: Annotated[str, typer.Option(help="the weights in question: a safetensors file")],
    architecture: Network,
    dataset: Annotated[str, typer.Option(help="a dataset that `reunlearn datasets` lists")],
    forget: Annotated[str, typer.Option(help="official training numbers: .npy, or text with one per line")],
    retain: Annotated[
        str | None, typer.Option(help="likewise; the rest of the training set if absent")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="weights trained without forget; a second one is the noise floor")
    ] = None,
    original: Annotated[str | None, typer.Option(help="weights before unlearning")] = None,
    recipe: Annotated[str | None, typer.Option(help="for normalisation, resizing and augmentation")] = None,
    train: Annotated[
        int | None, typer.Option(help="training samples, where a study trained on so many")
    ] = None,
    validation: Annotated[int, typer.Option(help="samples that such a study held out")] = 0,
    attacks: Attacks = None,
    folder: Annotated[str | None, typer.Option(help="your own images, for datasets that need them")] = None,
    side: Annotated[
        int | None, typer.Option(help="height and width of the images of an image_folder")
    ] = None,
    threads: Annotated[int, typer.Option(help="CPU threads")] = 1,
    output: Annotated[str | None, typer.Option(help="a new folder; reports/audits/MODEL if absent")] = None,
    ignore: Ignored = None,
    json: AsJson = False,
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
        None if attacks is None else _listed(attacks),
        folder,
        side,
        threads,
        output,
        _listed(ignore or ""),
    )
    command.run(request, json)


@app.command()
def summary(study: Study) -> None:
    """Say where the report is and where the time went."""
    from reunlearn.commands import summary as command
    from reunlearn.study import asked
    from reunlearn.study.plan import make_plans

    command.run(make_plans(asked.studies(study)))


@app.command()
def report(
    study: Annotated[str | None, typer.Argument(help="a study, or a specification.json")] = None,
    source: Annotated[str | None, typer.Option("--from", help="a folder of results")] = None,
    to: Annotated[str | None, typer.Option(help="a folder to write; that of the results if absent")] = None,
    single_file: Annotated[bool, typer.Option("--single-file", help="write NAME.html alone")] = False,
) -> None:
    """Write a study's page again from its results, and reports/index.html; of a specification, run the stage."""
    if study is not None and study.endswith("specification.json"):
        from reunlearn.worker import run_stage

        raise typer.Exit(run_stage("report", study))
    from reunlearn.commands import report as command

    command.run(study, source, to, single_file)


@app.command()
def partial(study: Study, method: Methods = None, seed: Seeds = None) -> None:
    """Write a report of what there is; it names the missing runs."""
    from reunlearn.commands import partial as command

    command.run(study, method, seed)


@new_app.command("method")
def new_method(name: Annotated[str, typer.Argument(help="the method's name everywhere")]) -> None:
    """Write the file to start a new method from."""
    from reunlearn.commands import new_method as command

    print(f"wrote {command.run(name)}; name it in a study and run `make reproduce`")


def main() -> None:
    """Run the command line; a UserError is one line and exit code 2."""
    hide_in_streams()
    try:
        with told_in_words("."):
            project.enter()
            app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
