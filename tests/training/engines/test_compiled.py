"""A compiled loss gives the losses of the ordinary engine; without a compiler the ordinary engine trains."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from reunlearn.objectives.classification import Classification
from reunlearn.training.engines.choose import choose
from reunlearn.training.engines.compiled import Compiled
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.loop import train
from tests.training.small_training import KilledError, changed, fresh, make_samples, same_bits

TOLERANCE = 1e-4  # of the losses of each epoch, relative
COMPILER = shutil.which("c++") or shutil.which("g++")


def trained(engine: type[Engine], **options: Any) -> Any:
    recipe, model = changed({}), fresh()
    history = train(model, make_samples(recipe), Classification(4), recipe, 3, engine=engine, **options)
    return model, history


@pytest.mark.thorough  # compiling takes most of a minute
@pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")
@pytest.mark.filterwarnings("ignore")  # of torch's compiler
def test_a_compiled_loss_is_the_loss(tmp_path: Path) -> None:
    def die(numbers: dict[str, Any], epochs: int) -> None:
        if numbers["epoch"] == 3:
            raise KilledError

    recipe = changed({"engine": "compiled"})
    assert choose(fresh(), make_samples(recipe), Classification(4), recipe).engine is Compiled
    model, history = trained(Compiled)
    _, expected = trained(Eager)
    losses = [entry["loss"] for entry in history]
    assert losses == pytest.approx([entry["loss"] for entry in expected], rel=TOLERANCE)
    with pytest.raises(KilledError):
        trained(Compiled, checkpoints=tmp_path, progress=die, seconds_between=0)
    resumed, again = trained(Compiled, checkpoints=tmp_path)
    assert again == history
    assert same_bits(resumed, model)


def test_without_a_compiler_the_ordinary_engine_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Any, **__: Any) -> Any:
        raise RuntimeError("InvalidCxxCompiler: no working compiler\nSet …")

    monkeypatch.setattr(torch, "compile", lambda loss, **_: refuses)
    recipe = changed({"engine": "compiled"})
    choice = choose(fresh(), make_samples(recipe), Classification(4), recipe)
    assert choice.engine is Eager
    assert choice.reason == "RuntimeError: InvalidCxxCompiler: no working compiler"
