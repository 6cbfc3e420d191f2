"""The replay meets the original to the bit, and what it sums is what the steps did."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.base.files import read_json
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.training.randomness import seeded
from reunlearn.training.replayed import read_replayed, replayed_distance
from reunlearn.training.state import batch_updates
from reunlearn.training.state.batch_updates import BatchUpdates
from tests.training.state.requests import request

COUNT, CLASSES = 50, 4
RECIPE = Recipe(
    learning_rate=0.05,
    weight_decay=5e-4,
    epochs=3,
    batch_size=16,
    schedule="cosine",
    schedule_per="step",
    warmup_epochs=1,
    augmentation=("crop", "flip"),
)


def samples() -> Samples:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (COUNT, 3, 8, 8), dtype=np.uint8)
    augmentation = Augmentation(RECIPE.augmentation)
    numbers = np.arange(COUNT) + 1000  # official numbers are not rows
    return ImageSamples(
        x, rng.integers(0, CLASSES, COUNT), numbers, (0.5,) * 3, (0.25,) * 3, augmentation=augmentation
    )


def start(seed: int) -> nn.Module:
    """Return a network with dropout and BatchNorm as it is before training."""
    network = build(ArchitectureSpec(name="small_cnn", settings={"width": 4}), (3, 8, 8), CLASSES, seed)
    return nn.Sequential(nn.Dropout(0.3), network)


def original(seed: int = 3, around: Any = None) -> nn.Module:
    model = start(seed)
    more = {} if around is None else {"around": around(model)}
    train(model, samples(), Classification(CLASSES), RECIPE, seed, **more)
    return model


def written(
    folder: Path, model: nn.Module, forget: list[int] | None, earlier: list[int] | None = None
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Write the state as the stage does, under a global random state of its own; return facts and sums."""
    folder.mkdir(exist_ok=True)
    wanted = request(
        folder,
        model,
        samples(),
        CLASSES,
        seed=3,
        start=start,
        forget=None if forget is None else np.array(forget),
        earlier=None if earlier is None else np.array(earlier),
        recipe=RECIPE,
    )
    with seeded(3, "state", "batch_updates"):
        facts = batch_updates.write(wanted)
    return facts, batch_updates.read(folder)


def same_bits(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[key]) for key, value in a.state_dict().items())


def test_the_replay_ends_in_the_very_original(tmp_path: Path) -> None:
    folder = tmp_path / "written"
    facts, updates = written(folder, original(), [1003])
    assert facts["replay_distance"] == facts["replay_largest"] == 0
    assert [p.name for p in folder.iterdir()] == ["state.safetensors"]
    assert replayed_distance(folder) == 0
    assert facts["batches"] == 3 * 4
    assert facts["batches_summed"] == 3  # one batch per epoch holds the sample
    assert {t.dtype for t in updates.values()} == {torch.float64}


@pytest.mark.parametrize("change", [{"seed": 4}, {"weight": 1e-6}])
def test_another_original_is_noticed(tmp_path: Path, change: dict[str, Any]) -> None:
    """The control of the test above; also what happens where the replay ends in other bits."""
    model = original(change.get("seed", 3))
    with torch.no_grad():
        model[1].head.bias[0] += change.get("weight", 0)
    facts, _ = written(tmp_path, model, [1003])
    replayed = read_replayed(start(0), tmp_path)
    assert same_bits(replayed, original())
    assert not same_bits(replayed, model)
    apart = [
        (a.double() - b.double()).flatten()
        for a, b in zip(replayed.state_dict().values(), model.state_dict().values(), strict=True)
    ]
    assert facts["replay_distance"] == pytest.approx(torch.cat(apart).norm().item(), rel=1e-12)
    assert replayed_distance(tmp_path) == facts["replay_distance"] > 0
    assert read_json(tmp_path / "replay.json")["device"] == "cpu"


def test_all_updates_together_lead_back_to_the_initial_weights(tmp_path: Path) -> None:
    facts, updates = written(tmp_path, original(), None)
    assert facts["batches_summed"] == facts["batches"] == 12
    end, begin = original().state_dict(), start(3).state_dict()
    for name, change in updates.items():
        assert torch.equal((end[name].double() - change).float(), begin[name]), name
    # the control: without one batch they do not
    _, fewer = written(tmp_path / "fewer", original(), None, earlier=[1003])
    assert not torch.equal(
        (end["1.head.weight"].double() - fewer["1.head.weight"]).float(), begin["1.head.weight"]
    )


def steps_by_hand() -> list[tuple[list[int], dict[str, Tensor]]]:
    """Return the numbers in each batch and what its step did, from copies of the whole model before each step."""
    trail: list[tuple[list[int], dict[str, Tensor]]] = []

    def around(model: nn.Module) -> Any:
        class Step:
            def __init__(self, batch: Batch) -> None:
                self.batch = batch

            def __enter__(self) -> None:
                self.before = copy.deepcopy(model)

            def __exit__(self, *_: object) -> None:
                before = dict(self.before.named_parameters())
                change = {
                    n: p.detach().double() - before[n].detach().double() for n, p in model.named_parameters()
                }
                trail.append((self.batch.index.tolist(), change))

        return Step

    original(around=around)
    return trail


@pytest.mark.parametrize("earlier", [[], [1007, 1008]])
def test_sums_are_those_of_the_batches_that_hold_a_forget_sample(tmp_path: Path, earlier: list[int]) -> None:
    forget = [1003, 1044]
    facts, updates = written(tmp_path, original(), forget, earlier)
    trail = steps_by_hand()
    chosen = [c for index, c in trail if set(index) & set(forget) and not set(index) & set(earlier)]
    assert facts["batches_summed"] == len(chosen)
    assert 0 < len(chosen) < len(trail)
    for name, _ in start(0).named_parameters():
        assert torch.allclose(updates[name], sum(c[name] for c in chosen), rtol=0, atol=1e-12), name


def test_watching_changes_no_bit() -> None:
    watched = original(around=lambda model: BatchUpdates(model).around)
    assert same_bits(watched, original())


def test_the_hook_is_entered_once_per_batch_and_all_that_changes_changes_inside() -> None:
    seen: list[int] = []
    last: dict[str, Tensor] = {}

    def around(model: nn.Module) -> Any:
        class Step:
            def __init__(self, batch: Batch) -> None:
                seen.extend(batch.index.tolist())

            def __enter__(self) -> None:
                assert not last or all(torch.equal(v, last[name]) for name, v in model.state_dict().items())

            def __exit__(self, *_: object) -> None:
                assert not last or not torch.equal(last["1.head.weight"], model[1].head.weight)
                last.update({name: value.clone() for name, value in model.state_dict().items()})

        return Step

    model = original(around=around)
    assert sorted(seen) == sorted(3 * list(range(1000, 1000 + COUNT)))
    assert all(torch.equal(value, last[name]) for name, value in model.state_dict().items())
