"""The arguments and options that several commands have, with what a shell completes them with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from reunlearn.commands import completion
from reunlearn.commands.completion import files_of, listed, plugins

if TYPE_CHECKING:
    from reunlearn.commands.duration import Machine

SOME = "a study that `reunlearn studies` lists; several with commas; all: those of the papers"


def _study(words: str) -> typer.models.ArgumentInfo:
    info: typer.models.ArgumentInfo = typer.Argument(help=words, autocompletion=listed(completion.studies))
    return info


Study = Annotated[str, _study(SOME)]
OneStudy = Annotated[
    str | None, _study("a study, or a specification.json; the list of all reports if absent")
]
OfStudies = Annotated[str | None, _study("a study, or several with commas; all that there are if absent")]
AlsoStudies = Annotated[str | None, _study("a study, or several with commas: also what it needs here")]
OnlyStudy = Annotated[str | None, _study("look at this study only")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        help="only this method; several with commas, or repeated",
        autocompletion=listed(plugins("methods")),
    ),
]
Seeds = Annotated[
    list[str] | None, typer.Option("--seed", help="only this seed; several with commas, or repeated")
]
Device = Annotated[
    str,
    typer.Option(
        help="that jobs would run on: auto, cpu or cuda", autocompletion=completion.of("auto", "cpu", "cuda")
    ),
]
Devices = Annotated[int | None, typer.Option(help="cores or GPUs; the cores of this machine if absent")]
Profile = Annotated[
    str, typer.Option(help="of Snakemake, that it would be run with", autocompletion=completion.profiles)
]
Weights = Annotated[
    str | None,
    typer.Option(
        help="that the snapshot keeps: all, originals or none; those of the last snapshot if absent",
        autocompletion=completion.of("all", "originals", "none"),
    ),
]
Run = Annotated[
    str, typer.Argument(help="a run's folder or a part of its name", autocompletion=completion.runs)
]
Prepared = Annotated[str, typer.Argument(help="a prepared dataset", autocompletion=completion.prepared)]
Dataset = Annotated[
    str,
    typer.Option(help="a dataset that `reunlearn datasets` lists", autocompletion=plugins("datasets")),
]
Network = Annotated[
    str,
    typer.Option(
        help="as in 'small_cnn width=16'; yours: 'mynet.py:Net width=16'", autocompletion=plugins("models")
    ),
]
Attacks = Annotated[
    str | None,
    typer.Option(
        help="as in a,b; all that need no shadow models if absent", autocompletion=listed(plugins("attacks"))
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(help="for normalisation, resizing and augmentation", autocompletion=files_of("recipes")),
]
Ignored = Annotated[str | None, typer.Option(help="layers that the network does not have, as in aux,fc2")]
# of an audit
Model = Annotated[str, typer.Option(help="the weights in question: a safetensors file")]
Forget = Annotated[str, typer.Option(help="official training numbers: .npy, or text with one per line")]
Retain = Annotated[str | None, typer.Option(help="likewise; the rest of the training set if absent")]
Reference = Annotated[
    list[str] | None, typer.Option(help="weights trained without forget; a second one is the noise floor")
]
Original = Annotated[str | None, typer.Option(help="weights before unlearning")]
Train = Annotated[int | None, typer.Option(help="training samples, where a study trained on so many")]
Validation = Annotated[int, typer.Option(help="samples that such a study held out")]
Folder = Annotated[str | None, typer.Option(help="your own images, for datasets that need them")]
Side = Annotated[
    int | None, typer.Option(help="height and width of the images of an image_folder, in pixels")
]
Threads = Annotated[int, typer.Option(help="CPU threads")]
Output = Annotated[
    str | None, typer.Option(help="a new folder; one in reports/audits, called as the model, if absent")
]


def methods(words: list[str] | None) -> list[str] | None:
    """Return the methods that are asked for, as METHODS of `make` is read."""
    from reunlearn.study import asked

    return asked.parts(",".join(words or ()), "methods")


def seeds(words: list[str] | None) -> list[int] | None:
    """Return the seeds that are asked for, as SEEDS of `make` is read."""
    from reunlearn.study import asked

    return asked.seeds(",".join(words or ()))


def machine(device: str, devices: int | None) -> Machine:
    """Return where jobs would run, DEVICE read as that of `make` is: auto is a GPU where there is one."""
    from reunlearn.base.gpu import has_gpu
    from reunlearn.commands.duration import Machine
    from reunlearn.study import asked

    chosen = asked.device(device)
    if chosen == "auto":
        chosen = "cuda" if has_gpu() else "cpu"
    return Machine(chosen) if devices is None else Machine(chosen, devices)
