"""What lies between a model, the original and Retrain: outputs, weights, and where there is nothing to compare."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from reunlearn.base.arrays import write_arrays
from reunlearn.base.files import read_json
from reunlearn.metrics.classification import log_softmax
from reunlearn.stages import compare
from reunlearn.stages.execution import Job
from reunlearn.training.checkpoint import save_model


def outputs(folder: Path, seed: int, bad: bool = False) -> str:
    """Write the outputs of an evaluation."""
    draw = np.random.default_rng(seed)
    arrays = {f"{name}_logits": draw.normal(size=(7, 4)).astype(np.float16) for name in compare.SETS}
    if bad:
        arrays["test_logits"][0, 0] = np.nan
    write_arrays(folder / "outputs.npz", arrays)
    return str(folder)


def weights(folder: Path, value: float, width: int = 3) -> str:
    """Write a network whose weights are all one value."""
    network = nn.Linear(2, width)
    for parameter in network.parameters():
        nn.init.constant_(parameter, value)
    folder.mkdir(parents=True, exist_ok=True)
    save_model(network, folder / "model.safetensors")
    return str(folder)


def readings(folder: Path, inputs: dict[str, str]) -> dict[str, float]:
    """Run the stage."""
    work = folder / "comparison"
    work.mkdir()
    compare.run(Job({"inputs": inputs}, work))
    return read_json(work / "readings.json")


def roles(folder: Path, bad: bool = False, width: int = 3) -> dict[str, str]:
    """Return all inputs of a row."""
    return {
        "evaluation": outputs(folder / "evaluation", 1, bad),
        "reference": outputs(folder / "reference", 2),
        "model": weights(folder / "model", 1.0, width),
        "original": weights(folder / "original", 2.0),
        "retrained": weights(folder / "retrained", 4.0),
    }


def test_divergence_runs_from_retrain_to_the_model(tmp_path: Path) -> None:
    inputs = roles(tmp_path)
    found = readings(tmp_path, inputs)
    ours, theirs = (
        np.load(Path(inputs[r]) / "outputs.npz")["forget_logits"] for r in ("evaluation", "reference")
    )
    log_p, log_q = log_softmax(theirs), log_softmax(ours)
    expected = (np.exp(log_p) * (log_p - log_q)).sum(axis=1).mean()
    assert found["d_kl"] == found["kl_forget"] == pytest.approx(expected)
    backwards = (np.exp(log_q) * (log_q - log_p)).sum(axis=1).mean()
    assert found["d_kl"] != pytest.approx(backwards)
    assert found["kl_test"] != found["kl_forget"]


def test_distances_of_weights(tmp_path: Path) -> None:
    found = readings(tmp_path, roles(tmp_path))
    assert found["weight_distance_original"] == pytest.approx(3)  # nine weights, each 1 apart
    assert found["relative_weight_distance_original"] == pytest.approx(1 / 2)
    assert found["relative_weight_distance_retrain"] == pytest.approx(3 / 4)


def test_without_a_second_retrain_only_the_original_is_compared_with(tmp_path: Path) -> None:
    inputs = {k: v for k, v in roles(tmp_path).items() if k not in ("reference", "retrained")}
    assert set(readings(tmp_path, inputs)) == {
        "weight_distance_original",
        "relative_weight_distance_original",
    }


def pool(folder: Path, seed: int, models: int, shift: float) -> list[str]:
    """Write a pool of shadow models in two blocks: the right class's logit is a normal draw plus a shift."""
    draw, blocks = np.random.default_rng(seed), []
    for number in range(2):
        logits = draw.normal(size=(models // 2, 9, 3))
        logits[..., 0] += shift
        arrays = {"logits": logits.astype(np.float16), "member": np.zeros((models // 2, 9), dtype=bool)}
        write_arrays(
            folder / f"{number}" / "outputs.npz", arrays | {"index": np.arange(9), "label": np.zeros(9, int)}
        )
        blocks.append(str(folder / f"{number}"))
    return blocks


def test_margins_of_pools_are_compared_where_there_are_any(tmp_path: Path) -> None:
    inputs: dict = roles(tmp_path)
    arrays = dict(np.load(Path(inputs["evaluation"]) / "outputs.npz"))
    arrays |= {"forget_index": np.array([2, 5]), "forget_labels": np.zeros(2, dtype=np.int64)}
    write_arrays(Path(inputs["evaluation"]) / "outputs.npz", arrays)
    pools = {
        "without_forget": pool(tmp_path / "without_forget", 1, 40, 0.0),
        "unlearned": pool(tmp_path / "like", 2, 40, 0.0),
    }
    found = readings(tmp_path, inputs | pools)
    assert 0 < found["klom_floor_forget"] < 8
    (tmp_path / "comparison/readings.json").unlink()
    (tmp_path / "comparison").rmdir()
    apart = readings(tmp_path, inputs | pools | {"unlearned": pool(tmp_path / "far", 3, 40, 9.0)})
    assert apart["klom_forget"] > 3 * found["klom_forget"]


def test_outputs_that_are_not_finite_and_other_architectures_have_no_distance(tmp_path: Path) -> None:
    assert readings(tmp_path, roles(tmp_path, bad=True, width=4)) == {}
