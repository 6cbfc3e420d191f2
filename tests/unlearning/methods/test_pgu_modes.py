"""PGU's other modes: depoisoning, steps, energies of single layers, removed outputs; and its promise to first order."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.autograd.functional import jvp
from torch.func import functional_call

from reunlearn.base.errors import UserError
from reunlearn.gradients.subspace import weighted_layers
from reunlearn.study.scenario import read_scenario
from reunlearn.unlearning.methods import pgu
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make
from tests.unlearning.methods.double_precision import (
    CLASSES,
    NETWORKS,
    DoubleSamples,
    assert_same,
    conv_net,
    distance,
    make_samples,
    make_task,
    memorise,
    two_layers,
    write_state,
)
from tests.unlearning.methods.test_pgu import FORGET, moments, part, projection, whole

RETAIN = slice(12, 40)
DEPOISON = {
    "mode": "depoisoning",
    "stop": "best",
    "epochs": 6,
    "learning_rate": 0.1,
    "final_learning_rate": 0.05,
    "batch_size": 5,
    "energy": 0.97,
    "offset": 0.1,
}


def plain() -> DoubleSamples:
    return whole(augmentation=())


def all_sets() -> dict:
    samples = plain()
    validation = make_samples(30, seed=3)
    return {"forget": part(samples, FORGET), "retain": part(samples, RETAIN), "validation": validation}


def basis(moment: np.ndarray, energy: float, reading: str) -> np.ndarray:
    """Return M, its columns from the largest σ on, by way of the projection of the slow loop."""
    p = projection(moment, energy, int(reading == "paper"), reading == "paper")
    values, vectors = np.linalg.eigh(moment)
    order = np.argsort(-np.abs(values))[: round(np.trace(p))]
    assert np.allclose(vectors[:, order] @ vectors[:, order].T, p, atol=1e-6)
    return vectors[:, order]


def accuracy_and_loss(model: nn.Module, batch, offset: float, reading: str) -> Tensor:
    p_BK = torch.softmax(model(batch.x), dim=1)
    total = torch.zeros((), dtype=torch.float64)
    for row, label in zip(p_BK, batch.y, strict=True):
        shares = row
        if reading == "code":
            others = torch.stack([row[k] for k in range(CLASSES) if k != label])
            shares = others / others.sum()
        total = total - torch.log(1 - row[label] + offset) - 0.2 * (shares * shares.log()).sum()
    return total / len(batch)


def depoisoned(model: nn.Sequential, reading: str, space: str, scaled: int, scale_rate: float) -> nn.Module:
    """Return the best epoch by plain loops, Q by automatic differentiation."""
    model, sets = copy.deepcopy(model).eval(), all_sets()
    kept = moments(model, sets["retain"].take(slice(None)).x)
    if space == "moments":
        full = moments(model, plain().take(slice(None)).x)
        gone = moments(model, sets["forget"].take(slice(None)).x)
        kept = {i: full[i] - gone[i] for i in full}
    spaces = {i: torch.from_numpy(basis(m, DEPOISON["energy"], reading)) for i, m in kept.items()}
    last = max(spaces)
    u = spaces[last][:, -scaled:]
    base, q = model[last].weight.detach().clone(), torch.eye(u.shape[1]).double()
    best, best_accuracy = copy.deepcopy(model), -1.0
    for epoch in range(1, 6):
        rate = 0.1 * (0.05 / 0.1) ** (epoch / 6)
        model.train()
        for module in model:
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        for begin in range(0, 12, 5):
            batch = sets["forget"].take(slice(begin, min(begin + 5, 12)))
            w_leaf, q_leaf = base.requires_grad_(), q.requires_grad_()
            effective = w_leaf + w_leaf @ (u @ q_leaf @ u.T) - w_leaf @ (u @ u.T)
            body = {f"{i}.weight": model[i].weight for i in spaces if i != last}
            loss = accuracy_and_loss(
                lambda x, e=effective: functional_call(model, {f"{last}.weight": e}, (x,)),
                batch,
                0.1,
                reading,
            )
            found = torch.autograd.grad(loss, [w_leaf, q_leaf, *body.values()])
            with torch.no_grad():
                base = w_leaf - rate * (found[0] - found[0] @ spaces[last] @ spaces[last].T)
                q = q_leaf - rate * scale_rate * found[1]
                for (name, weight), g in zip(body.items(), found[2:], strict=True):
                    m = spaces[int(name.split(".")[0])]
                    flat = g.flatten(1)
                    weight -= rate * (flat - flat @ m @ m.T).view_as(weight)
                model[last].weight.copy_(base + base @ (u @ q @ u.T) - base @ (u @ u.T))
        model.eval()
        validation = sets["validation"].take(slice(None))
        accuracy = float((model(validation.x).argmax(1) == validation.y).double().mean())
        if accuracy > best_accuracy:
            best, best_accuracy = copy.deepcopy(model), accuracy
    return best


def run_depoisoning(model: nn.Module, folder: Path, reading: str, **settings) -> tuple[nn.Module, Task]:
    state = write_state(folder, copy.deepcopy(model), plain())
    task = make_task("pgu", all_sets(), DEPOISON | settings, state=state)
    return make("pgu", reading, DEPOISON | settings).unlearn(copy.deepcopy(model), task), task


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("reading", "scaled"), [("paper", 99), ("code", 99), ("code", 1)])
@pytest.mark.parametrize("space", ["moments", "retain"])
def test_depoisoning_equals_the_slow_loop(
    network: str, reading: str, scaled: int, space: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgu, "SCALED", scaled)
    model = memorise(NETWORKS[network](), plain(), steps=150)
    result, task = run_depoisoning(model, tmp_path, reading, space=space)
    assert_same(result, depoisoned(model, reading, space, scaled, 0.1))
    assert ("retain" in task.drawn()) == (space == "retain")


def test_depoisoning_s_readings_and_parts_differ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: each part of the slow loop counts."""
    monkeypatch.setattr(pgu, "SCALED", 1)
    model = memorise(two_layers(), plain(), steps=150)
    result, _ = run_depoisoning(model, tmp_path, "code", space="moments")
    assert distance(result, depoisoned(model, "code", "moments", 1, 0.1)) < 1e-9
    for other in (("paper", "moments", 1, 0.1), ("code", "moments", 99, 0.1), ("code", "moments", 1, 0.0)):
        assert distance(result, depoisoned(model, *other)) > 1e-6, other


def test_the_last_400_directions_are_scaled_and_fewer_do_not_fail() -> None:
    head = nn.Linear(500, 3)
    widths = {}
    for reading in ("paper", "code"):
        method = make("pgu", reading, {"mode": "depoisoning"})
        for count in (450, 300):
            regions = method.regions(head, {"head": head}, {"head": torch.eye(500)[:, :count]})
            widths[reading, count] = regions["head"].basis_DK.argmax(dim=0).tolist()
    assert widths["code", 450] == list(range(50, 450))
    assert widths["code", 300] == list(range(300))
    assert widths["paper", 450] == list(range(450))
    assert make("pgu", "paper", {}).regions(head, {"head": head}, {}) == {}


STEP = {"epochs": 3, "learning_rate": 0.2, "batch_size": 5, "energy": 0.7, "stop": "chance"}


def step_task(folder: Path | None, number: int, forget: slice, carried: dict | None = None) -> Task:
    scenario = read_scenario({"kind": "first", "count": 6, "steps": 2, "step": number})
    state = {"layer_inputs": folder} if folder else {}
    sets = {"forget": part(plain(), forget)}
    return make_task("pgu", sets, STEP, scenario=scenario, state=state, carried=carried)


@pytest.mark.parametrize("reading", ["paper", "code"])
def test_a_step_goes_on_from_the_moments_of_the_step_before(reading: str, tmp_path: Path) -> None:
    model = memorise(conv_net(), plain(), steps=150)
    write_state(tmp_path, copy.deepcopy(model), plain())
    method = make("pgu", reading, STEP)
    first = step_task(tmp_path, 1, slice(0, 6))
    between = method.unlearn(copy.deepcopy(model), first)
    second = step_task(None, 2, slice(6, 12), first.carry)  # the original's moments are not even there
    bases = method.bases(copy.deepcopy(between), second)
    assert second.carry == {}, "nothing follows the last step"
    full = moments(model.eval(), plain().take(slice(None)).x)
    gone = moments(model, part(plain(), slice(0, 6)).take(slice(None)).x)
    later = moments(between.eval(), part(plain(), slice(6, 12)).take(slice(None)).x)
    assert list(first.carry) == [str(i) for i in full]
    for i, m_DK in bases.items():
        number = int(i)
        assert np.allclose(first.carry[i].numpy(), full[number] - gone[number], atol=1e-8)
        rest = full[number] - gone[number] - later[number]
        expected = projection(rest, 0.7, int(reading == "paper"), reading == "paper")
        assert np.allclose((m_DK @ m_DK.T).numpy(), expected, atol=1e-6)
        alone = projection(full[number] - later[number], 0.7, int(reading == "paper"), reading == "paper")
        if number == 0:
            assert not np.allclose(expected, alone, atol=1e-6), "control: as if step 1 had not been"


def test_a_single_run_leaves_nothing_behind(tmp_path: Path) -> None:
    model = memorise(conv_net(), plain(), steps=60)
    task = make_task("pgu", all_sets(), STEP, state=write_state(tmp_path, copy.deepcopy(model), plain()))
    make("pgu", "paper", STEP).unlearn(model, task)
    assert task.carry == {}


def test_energies_of_single_layers(tmp_path: Path) -> None:
    model = memorise(conv_net(), plain(), steps=60)
    state = write_state(tmp_path, copy.deepcopy(model), plain())
    ranks = {}
    for text in ("", "3=0.2", "3 = 0.2, 5=1"):
        settings = {"energy": 0.7, "energy_by_layer": text}
        bases = make("pgu", "code", settings).bases(
            model, make_task("pgu", all_sets(), settings, state=state)
        )
        ranks[text] = [basis.shape[1] for basis in bases.values()]
    assert ranks["3=0.2"][1] < ranks[""][1]
    assert ranks["3=0.2"][::2] == ranks[""][::2]
    assert ranks["3 = 0.2, 5=1"][2] == 3 > ranks[""][2]


@pytest.mark.parametrize("text", ["conv", "0=much", "0=1.5", "none=0.5", "0=0.5;3=0.5"])
def test_energies_that_cannot_be_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(UserError, match="energy_by_layer") as caught:
        pgu.layer_energies(text, ["0", "3"], 0.9)
    assert "\n" not in str(caught.value)


def test_removed_outputs_are_never_answered(tmp_path: Path) -> None:
    samples = plain()
    gone = np.flatnonzero(samples.y.numpy() == 1)
    forget = part(samples, gone)
    model = memorise(conv_net(), samples, steps=150)
    state = write_state(tmp_path, copy.deepcopy(model), samples)
    settings = STEP | {"mode": "class", "remove_outputs": True}
    scenario = read_scenario({"kind": "class", "classes": [1, 2], "steps": 2, "step": 1})
    task = make_task("pgu", {"forget": forget}, settings, scenario=scenario, state=state)
    result = make("pgu", "paper", settings).unlearn(copy.deepcopy(model), task).eval()
    said = result(samples.take(slice(None)).x).argmax(1)
    assert sorted(said.unique().tolist()) == [0, 2], "class 2 goes in the next step only"
    assert all(bool(p.isfinite().all()) for p in result.parameters())
    other = make_task("pgu", {"forget": forget}, settings, state=state)
    with pytest.raises(UserError, match="class scenario"):
        make("pgu", "paper", settings).unlearn(copy.deepcopy(model), other)


def first_order_change(energy: float, folder: Path) -> float:
    """Return how much the outputs on retain move per step, to first order: J (θ' − θ), its largest entry."""
    samples = plain()
    samples.x_NHWC[12:, :, :, 1] = 0  # retain uses the first channel only: there is room to unlearn
    samples.shift = torch.zeros_like(samples.shift)
    model = memorise(conv_net(), samples, steps=150)
    settings = STEP | {"energy": energy}
    task = make_task(
        "pgu", {"forget": part(samples, FORGET)}, settings, state=write_state(folder, model, samples)
    )
    result = make("pgu", "paper", settings).unlearn(copy.deepcopy(model), task)
    before = {
        f"{name}.weight": layer.weight.detach() for name, layer in weighted_layers(model.eval()).items()
    }
    change = {name: result.state_dict()[name] - value for name, value in before.items()}
    assert max(float(v.abs().max()) for v in change.values()) > 1e-3, "nothing was unlearned"
    x = part(samples, RETAIN).take(slice(None)).x
    names = list(before)

    def outputs(*weights: Tensor) -> Tensor:
        return functional_call(model, dict(zip(names, weights, strict=True)), (x,))

    _, moved = jvp(outputs, tuple(before.values()), tuple(change.values()))
    return float(moved.abs().max())


def test_outputs_on_retain_stay_to_first_order(tmp_path: Path) -> None:
    changes = [first_order_change(energy, tmp_path / str(energy)) for energy in (1 - 1e-6, 0.9, 0.0)]
    assert changes[0] < 1e-8
    assert changes[0] < changes[1] < changes[2]
    assert changes[2] > 0.01
