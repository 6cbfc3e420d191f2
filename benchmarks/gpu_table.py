"""The table of what `benchmarks/gpu.sh` measured, and what follows from it: `python benchmarks/gpu_table.py gpu.json`.

Where the whole project is installed, the last lines say what one seed of GDR-GMA's CIFAR-10 20 % row set is expected to
take: the plan's own estimate, with the units that were measured here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EPOCHS, IMAGES = 200, 50_000  # of the paper's trainings
ATTACK_MODELS = 100
EXPERIMENT = "table2-cifar10-20"
DATALOADER = "DataLoader loop"


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield the table, of the sections that are there."""
    if machine := found.get("machine"):
        yield ", ".join(f"{key} {value}" for key, value in machine.items() if key != "seconds")
    rates = found.get("matrix", {})
    if rates:
        yield "matrix products: " + ", ".join(
            f"{name} {rates[name]:.1f} TFLOP/s" for name in ("bf16", "tf32", "fp32")
        )
    yield from _training(found, rates)
    if own := found.get("evaluate"):
        yield f"evaluation, full precision: {own['images_per_second']:,.0f} images/s in batches of {own['batch']}"
    yield from _pool(found)
    yield from _checks(found.get("check", {}))
    yield from _methods(found.get("methods", {}))
    yield from _row_set(found)


def _training(found: dict[str, Any], rates: dict[str, float]) -> Iterator[str]:
    entries = {name: own for name, own in found.get("train", {}).items() if isinstance(own, dict)}
    loaders = [own["images_per_second"] for own in found.get("loader", {}).values() if isinstance(own, dict)]
    if loaders:
        yield f"ResNet-18, {DATALOADER}: {max(loaders):,.0f} images/s"
    for name, own in entries.items():
        rate = own["images_per_second"]
        words = [f"ResNet-18, {name}: {rate:,.0f} images/s"]
        words.append(f"{EPOCHS * IMAGES / rate / 60:.1f} min for {EPOCHS} epochs")
        if loaders:
            words.append(f"{rate / max(loaders):.2f} x the loop")
        if rates:
            words.append(
                f"{rate * found['train']['flop_per_image'] / rates['bf16'] / 1e12:.0%} of the bf16 rate"
            )
        if own["peak_memory_mib"]:
            words.append(f"{own['peak_memory_mib']:,.0f} MiB")
        yield ", ".join(words) + _engine(own)


def _engine(own: dict[str, Any]) -> str:
    return f" [{own['engine']}: {own['engine_reason']}]" if own.get("engine_reason") else ""


def _pool(found: dict[str, Any]) -> Iterator[str]:
    for section in ("pool", "processes"):
        for name, own in found.get(section, {}).items():
            if isinstance(own, dict):
                minutes = ATTACK_MODELS * EPOCHS * IMAGES / own["images_per_second"] / 60
                yield (
                    f"SmallVGG, {name}: {own['images_per_second']:,.0f} images/s of all together, {minutes:.0f} min "
                    f"for {ATTACK_MODELS} models, {EPOCHS} epochs of {IMAGES:,} images" + _engine(own)
                )


def _checks(found: dict[str, Any]) -> Iterator[str]:
    for name, own in found.items():
        if name == "equal":
            yield from (f"check, {what}: {apart:.2g}" for what, apart in own.items())
        elif isinstance(own, dict):
            eager, other = own["eager"], own["graphed"]
            apart = max(abs(a - b) for a, b in zip(eager["losses"], other["losses"], strict=True))
            yield (
                f"check, {name}: {other['engine']} against eager: losses {apart:.2g} apart, weights "
                f"{own['largest_difference']:.2g}" + _engine(other)
            )


def _methods(found: dict[str, Any]) -> Iterator[str]:
    for name, own in found.items():
        if isinstance(own, dict):
            eager, other = own["eager"], own["graphed"]
            yield (
                f"method {name}, mixed: {other['engine']} {other['images_per_second']:,.0f} images/s, "
                f"{other['images_per_second'] / eager['images_per_second']:.2f} x eager, weights "
                f"{own['largest_difference']:.2g} apart" + _engine(other)
            )


def _row_set(found: dict[str, Any]) -> Iterator[str]:
    unit = found.get("units")
    if unit is None:
        return
    try:
        from reunlearn.commands.costs import Costs
        from reunlearn.study.cost import Unit, shipped
        from reunlearn.study.plan import make_plan

        plan = make_plan("gdr-gma", only_seeds=[0])
    except Exception as error:  # a machine that only measures has neither all packages nor a prepared project
        yield f"GDR-GMA: estimated where the project is installed ({type(error).__name__})"
        return
    runs = [run for run in plan.runs if run.experiment == EXPERIMENT]
    folders = {folder for run in runs for folder in (run.model, *run.state, *run.measured.values())}
    measured = Unit(
        network="resnet18",
        settings={"width": unit["width"]},
        side=32,
        device="cuda",
        step_ms=unit["step_ms"],
        sample_ms=unit["sample_ms"],
        forward_ms=unit["forward_ms"],
        parameters=unit["parameters"],
        measured="benchmarks/gpu.py",
    )
    calibration = shipped().model_copy(update={"units": (measured,)})
    costs = Costs(plan.jobs, {}, "cuda", calibration)
    trainings = others = 0.0
    for folder in folders:
        seconds = costs.of(plan.jobs[folder]).seconds or 0.0
        if plan.jobs[folder].stage in ("original", "retrained"):
            trainings += seconds
        else:
            others += seconds
    yield (
        f"GDR-GMA, {EXPERIMENT}, one seed, eager in full precision: trainings {trainings / 60:.1f} min, methods and "
        f"measurements {others / 60:.1f} min (the plan's estimate; shares of methods were measured on CPUs)"
    )


def main() -> None:
    """Print it."""
    for line in lines(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))):
        print(line)


if __name__ == "__main__":
    main()
