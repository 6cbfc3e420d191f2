"""ERM-KTP against a slow loop; what it hands over, what it sees, what it refuses."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from reunlearn.base.errors import UserError
from reunlearn.models.registry import build
from reunlearn.study.scenario import read_scenario
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.state.registry import FILE
from reunlearn.training.tensor_files import save_model
from reunlearn.unlearning.methods.erm_ktp import kept_channels
from reunlearn.unlearning.task import AccessError, Task
from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import (
    CLASSES,
    assert_same,
    conv_net,
    distance,
    make_samples,
    make_task,
)

SETTINGS = {
    "epochs": 4,
    "learning_rate": 0.2,
    "batch_size": 6,
    "first_drop": 2,
    "second_drop": 3,
    "least_kept": 0.0,
    "momentum": 0.7,
    "weight_decay": 0.01,
}
FORGOTTEN = 1


def network(seed: int) -> nn.Module:
    architecture = ArchitectureSpec(name="masked", settings={"body": "small_cnn", "width": 2})
    return build(architecture, (2, 4, 4), CLASSES, seed).double()


def teacher() -> nn.Module:
    """Return a network with a mask of which one channel is free of class 1, and statistics that were gathered."""
    model = network(1).train()
    for seed in range(3):
        model(make_samples(20, seed=seed).take(slice(None)).x)
    with torch.no_grad():
        model.mask.copy_(
            torch.tensor([[1, 0.2, 0], [0.5, 0, 1], [0, 1, 0.4], [1, 0.3, 1]], dtype=torch.float64)
        )
    return model.eval()


def retain(size: int = 15):
    return make_samples(size, seed=5, labels=[0, 2, 2] * (size // 3))


def task(folder: Path, scenario: dict | None = None) -> Task:
    folder.mkdir(exist_ok=True)
    save_model(teacher(), folder / FILE)
    return make_task(
        "erm_ktp",
        {"retain": retain(), "forget": make_samples(6, seed=6, labels=[FORGOTTEN] * 6)},
        SETTINGS,
        state={"entangled": folder},
        result=network,
        scenario=read_scenario(scenario or {"kind": "class", "classes": [FORGOTTEN]}),
    )


def run(folder: Path, **settings) -> nn.Module:
    return make("erm_ktp", None, SETTINGS | settings).unlearn(conv_net(), task(folder))


def reference(bn_mode: str = "train", parts: tuple[float, float] = (1.0, 1.0), drops=(2, 3)) -> nn.Module:
    """Return the student by plain loops: one sample, one channel at a time."""
    generator = torch.Generator().manual_seed(5)
    student = network(int(torch.randint(2**31, (), generator=generator)))
    wise, samples = teacher(), retain()
    kept = [c for c in range(4) if wise.mask[c, FORGOTTEN] == 0]
    with torch.no_grad():
        for c in range(4):
            for k in range(CLASSES):
                keeps = k != FORGOTTEN and c in kept
                student.body.head.weight[k, c] = wise.body.head.weight[k, c] if keeps else 0
                student.mask[c, k] = 0 if k == FORGOTTEN else wise.mask[c, k]
        for k in range(CLASSES):
            student.body.head.bias[k] = 0 if k == FORGOTTEN else wise.body.head.bias[k]
    velocity: dict = {}
    for epoch in range(4):
        rate = 0.2 * 0.1 ** sum(epoch >= drop for drop in drops)
        student.train(bn_mode == "train")
        for batch in samples.batches(6, generator, shuffle=True, augmented=True):
            own, wanted = student.body.features(batch.x), wise.body.features(batch.x).detach()
            before = sum(((a - b) ** 2).sum() for a, b in zip(own, wanted, strict=True)) / own.numel()
            after = 0
            for a, b in zip(own, wanted, strict=True):
                for c in range(4):
                    gap = a[c].mean() - (b[c].mean() if c in kept else 0)
                    after = after + gap**2 / (4 * len(batch))
            student.zero_grad(set_to_none=True)
            (parts[0] * before + parts[1] * after).backward()
            with torch.no_grad():
                for name, p in student.body.features.named_parameters():
                    push = p.grad + 0.01 * p
                    velocity[name] = 0.7 * velocity[name] + push if name in velocity else push
                    p -= rate * velocity[name]
    return student


@pytest.mark.parametrize("bn_mode", ["train", "eval"])
def test_equals_the_slow_loop(bn_mode: str, tmp_path: Path) -> None:
    assert_same(run(tmp_path, bn_mode=bn_mode), reference(bn_mode))


def test_control_other_losses_and_rates_end_elsewhere(tmp_path: Path) -> None:
    result = run(tmp_path)
    for other in ({"parts": (0.0, 1.0)}, {"parts": (1.0, 0.0)}, {"drops": (2, 9)}, {"bn_mode": "eval"}):
        assert distance(result, reference(**other)) > 1e-6, other


def test_only_features_learn(tmp_path: Path) -> None:
    result, wise = run(tmp_path), teacher()
    assert result.head.weight[FORGOTTEN].tolist() == [0] * 4
    assert result.head.weight[:, [0, 2, 3]].abs().max() == 0  # class 1 has something of these channels
    assert torch.equal(result.head.weight[[0, 2], 1], wise.head.weight[[0, 2], 1])
    assert torch.equal(result.head.bias[[0, 2]], wise.head.bias[[0, 2]])
    assert result.mask[:, FORGOTTEN].abs().max() == 0
    assert torch.equal(result.mask[:, [0, 2]], wise.mask[:, [0, 2]])
    assert all(p.requires_grad for p in result.parameters())


@pytest.mark.parametrize(
    ("forgotten", "least", "kept"),
    [
        ([1], 0.0, [1]),
        ([0], 0.0, [2]),
        ([1, 2], 0.0, []),
        ([1], 0.25, [1]),  # the share is there already
        ([1], 0.5, [0, 1]),
        ([1], 0.51, [0, 1, 3]),
        ([1, 2], 0.25, [0]),
        ([1], 1.0, [0, 1, 2, 3]),
    ],
)
def test_which_channels_are_kept(forgotten: list[int], least: float, kept: list[int]) -> None:
    found = kept_channels(teacher().mask, torch.tensor(forgotten), least)
    assert found.nonzero().flatten().tolist() == kept


def test_reads_retain_only_and_neither_teacher_nor_original_change(tmp_path: Path) -> None:
    given, original = task(tmp_path), conv_net()
    before = (tmp_path / FILE).read_bytes()
    make("erm_ktp", None, SETTINGS).unlearn(original, given)
    assert given.drawn() == {"retain": 4 * 15}
    assert distance(original, conv_net()) == 0
    assert (tmp_path / FILE).read_bytes() == before
    with pytest.raises(AccessError):
        _ = given.forget


def test_another_original_changes_nothing(tmp_path: Path) -> None:
    """The teacher stands in its place; its precision alone counts."""
    other = copy.deepcopy(conv_net())
    with torch.no_grad():
        other[0].weight.mul_(2)
    result = make("erm_ktp", None, SETTINGS).unlearn(other, task(tmp_path))
    assert distance(result, run(tmp_path)) == 0


def test_what_is_no_class_is_refused(tmp_path: Path) -> None:
    random = {"kind": "random", "fraction": 0.5}
    with pytest.raises(UserError, match="whole classes only; scenario 'random' does not"):
        make("erm_ktp", None, SETTINGS).unlearn(conv_net(), task(tmp_path, random))
