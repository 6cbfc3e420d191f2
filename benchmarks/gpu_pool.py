"""Many models on one GPU: one after the other, in groups, in several processes."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from gpu_setup import CLASSES, TINY, Figures, Sizes, epochs, images, network, recipe

from reunlearn.objectives.classification import Classification
from reunlearn.training.engines.choose import choose
from reunlearn.training.engines.graphed_group import choose_of_group
from reunlearn.training.loop import train_together

DRIVER = Path(__file__).with_name("gpu.py")


def pool(sizes: Sizes) -> Figures:
    """Return the images per second of SmallVGG models without dropout: one after the other, and in groups."""
    samples, found = images(sizes.pool_images), Figures()
    for precision, asked in (("full", "eager"), ("mixed", "eager"), ("mixed", "graphed")):
        wanted = recipe(sizes, precision=precision, engine=asked, epochs=4)
        model = network("small_vgg", width=sizes.vgg, dropout=0.0)
        choice = choose(model, samples, Classification(CLASSES), wanted)
        found[f"one by one, {asked} {precision}"] = choice.facts | epochs(
            [model], samples, wanted, choice.engine
        )
    for width in sizes.widths:
        models = [network("small_vgg", seed, width=sizes.vgg, dropout=0.0) for seed in range(width)]
        wanted = recipe(sizes, precision="mixed", epochs=3)
        choice = choose_of_group(models, [samples] * width, Classification(CLASSES), wanted)
        found[f"groups of {width}, mixed"] = choice.facts | epochs(models, samples, wanted, choice.engine)
    return found


def processes(sizes: Sizes) -> Figures:
    """Return the images per second of several processes on one GPU, one SmallVGG each, without MPS."""
    found = {}
    for count in sizes.processes:
        command = [sys.executable, str(DRIVER), "--one-model", *(["--dry-run"] if sizes == TINY else [])]
        started = [
            subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE) for _ in range(count)
        ]
        for each in started:
            assert each.stdout is not None and each.stdout.readline()  # it is warm
        for each in started:
            assert each.stdin is not None
            each.stdin.close()
        rates = [float(each.stdout.read()) for each in started if each.stdout is not None and not each.wait()]
        found[f"{count} processes"] = {"images_per_second": sum(rates), "engine": "graphed mixed"}
    return found


def one_model(sizes: Sizes) -> None:
    """Train one model of `processes`: say that it is warm, wait for the start, print the rate of the given time."""
    samples, model = images(sizes.pool_images), network("small_vgg", width=sizes.vgg, dropout=0.0)
    wanted = recipe(sizes, precision="mixed", engine="graphed", epochs=1000)
    engine = choose(model, samples, Classification(CLASSES), wanted).engine
    began = count = 0.0

    class _EndError(Exception):
        pass

    def progress(numbers: Figures, _: int) -> None:
        nonlocal began, count
        if numbers["epoch"] == 1:
            print("warm", flush=True)
            sys.stdin.read()
            began = time.perf_counter()
            return
        count += len(samples)
        if time.perf_counter() - began > sizes.pool_seconds:
            raise _EndError

    try:
        train_together(
            [model], [samples], Classification(CLASSES), wanted, [0], engine=engine, progress=progress
        )
    except _EndError:
        print(count / (time.perf_counter() - began))
