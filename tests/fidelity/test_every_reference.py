"""What holds for every reference: it runs on both networks, gives the same again, and leaves modes as it says."""

from __future__ import annotations

import ast
import copy
import functools
from pathlib import Path

import pytest
import torch
from torch import nn

from .cases import CASES
from .harness import METHODS
from .networks import NETS, fresh_network

FOLDER = Path(__file__).parent
MOVES_A_PART = {"cf_k", "eu_k", "pgu", "ssd", "warnecke_first_order", "warnecke_second_order"}
# how often each reference forwards the network in training mode: BatchNorm counts it
FORWARDS = {
    **dict.fromkeys(["finetune", "gradient_ascent", "l1_sparse", "amnesiac_relabel", "bad_teacher"], 4),
    **dict.fromkeys(["neg_grad", "neg_grad_plus", "gdr_gma@paper", "gdr_gma@code", "nabla_tau"], 12),
    **dict.fromkeys(["lur: exact", "lur: first order"], 12),
    **dict.fromkeys(["random_labels", "salun: exact", "salun: gradient only"], 9),
    **dict.fromkeys(["cf_k", "eu_k", "fisher", "ssd", "influence", "ntk", "unrolling_sgd", "pgu"], 0),
    **{"scrub": 10, "unsir": 2, "sfr_on": 9, "pgu: depoisoning": 0},
}
PUTS_THE_MODE_BACK = ("fisher", "ssd", "influence", "ntk", "unrolling_sgd", "pgu", "pgu: depoisoning")


def method_of(name: str) -> str:
    """Return the method of a case."""
    return name.partition(":")[0].partition("@")[0]


def can_run(name: str, kind: str) -> bool:
    """Tell whether a case can run on this network: ERM-KTP needs a feature map."""
    return kind != "two_layer" or method_of(name) != "erm_ktp"


@functools.cache
def before_and_after(name: str, kind: str) -> tuple[nn.Module, nn.Module]:
    """Return a network, and what the reference made of a copy of it."""
    before = fresh_network(kind)
    return before, CASES[name](copy.deepcopy(before), kind)


@pytest.mark.parametrize(("name", "kind"), [(n, k) for n in CASES for k in NETS if can_run(n, k)])
def test_runs_in_float64_and_changes_the_weights(name: str, kind: str) -> None:
    before, after = before_and_after(name, kind)
    states, weights = after.state_dict(), dict(after.named_parameters())
    assert states.keys() == before.state_dict().keys()
    assert all(v.dtype in (torch.float64, torch.int64) and v.isfinite().all() for v in states.values())
    changed = [not torch.equal(value, before.state_dict()[n]) for n, value in weights.items()]
    assert any(changed) and (all(changed) or method_of(name) in MOVES_A_PART)


@pytest.mark.parametrize("name", CASES)
def test_gives_the_same_weights_again(name: str) -> None:
    once = before_and_after(name, "small_conv")[1].state_dict()
    again = CASES[name](fresh_network("small_conv"), "small_conv").state_dict()
    assert all(torch.equal(value, again[key]) for key, value in once.items())


@pytest.mark.parametrize("name", FORWARDS)
def test_moves_the_running_statistics_as_often_as_it_says(name: str) -> None:
    before, after = before_and_after(name, "small_conv")
    for old, new in zip(before.modules(), after.modules(), strict=True):
        if isinstance(new, nn.BatchNorm2d):
            assert int(new.num_batches_tracked) - int(old.num_batches_tracked) == FORWARDS[name]
            assert torch.equal(new.running_mean, old.running_mean) == (FORWARDS[name] == 0)
            assert torch.equal(new.running_var, old.running_var) == (FORWARDS[name] == 0)


@pytest.mark.parametrize("name", PUTS_THE_MODE_BACK)
def test_puts_the_mode_back(name: str) -> None:
    assert all(module.training for module in before_and_after(name, "small_conv")[1].modules())


def test_every_method_has_a_reference_a_case_and_a_test_file() -> None:
    assert {path.stem for path in (FOLDER / "references").glob("[a-z]*.py")} == set(METHODS)
    assert {method_of(name) for name in CASES} == set(METHODS)
    assert {f"test_{name}" for name in METHODS} <= {path.stem for path in FOLDER.glob("test_*.py")}


def test_references_do_not_import_our_code() -> None:
    for path in (FOLDER / "references").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            assert not any(name.startswith("reunlearn") for name in names), path
