"""Attacks on a user's own model and shadow models: the numbers of the attack itself, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import reunlearn
from reunlearn.base.errors import UserError
from reunlearn.library import libraries
from tests.library.own import CLASSES, SIZES, Pair, network, original, same, sets, trained

MODELS = 4


def run(name: str, model: nn.Module | None = None, **more: Any) -> reunlearn.Attacked:
    """Attack on the shared sets; `more` may leave one out by None, or give another argument."""
    return reunlearn.attack(model or original(), name, **{**sets(), **more})


def halves() -> tuple[list[nn.Module], dict[str, np.ndarray]]:
    """Return networks, each trained on a half of forget and a half of validation, and who was trained with what."""
    models, member = (
        [],
        {name: np.zeros((MODELS, SIZES[name]), dtype=bool) for name in ("forget", "validation")},
    )
    for number in range(MODELS):
        for name, mask_MN in member.items():
            mask_MN[number] = (np.arange(SIZES[name]) + number // 2) % 3 == 0
            mask_MN[number] ^= bool(number % 2)
        chosen = {n: tuple(part[torch.from_numpy(member[n][number])] for part in sets()[n]) for n in member}
        models.append(fitted([*chosen.values(), sets()["retain"]], number))
    return models, member


def fitted(pairs: list[Pair], seed: int) -> nn.Module:
    """Return a network after a few steps on these samples."""
    x, y = (torch.cat(parts) for parts in zip(*pairs, strict=True))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(10):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model.eval()


@torch.no_grad()
def answers(models: list[nn.Module], name: str) -> np.ndarray:
    """Return logits [M, N, K] in half precision, as pools hold them."""
    return np.stack([model(sets()[name][0]).numpy().astype(np.float16) for model in models])


@pytest.mark.parametrize(
    "name", ["entropy_logistic", "loss_logistic_cv", "confidence_svc", "svc_probability"]
)
def test_an_attack_on_outputs_gives_its_numbers_and_its_card(name: str) -> None:
    model = copy.deepcopy(original())
    found = run(name, model)
    assert same(model, original()) and not model.training
    assert found.value == found.numbers[name] and found.card.name == name
    assert 0 <= found.numbers[f"{name}.auc"] <= 1
    assert len(found.member_scores) == SIZES["forget"] and len(found.other_scores) > 0
    assert run(name).numbers == found.numbers


def test_a_model_that_knows_forget_by_heart_is_told_from_one_that_never_saw_it() -> None:
    known, unknown = (
        run("loss_logistic_cv", m).numbers["loss_logistic_cv.auc"] for m in (original(), trained("retain"))
    )
    assert known > 0.9 > unknown


@pytest.mark.parametrize("name", ["lira", "lira_offline", "rmia"])
def test_shadow_models_and_what_they_answer_give_the_same_numbers(name: str) -> None:
    models, member = halves()
    by_models = run(name, shadows={"halves": reunlearn.Shadows(models=models, member=member)})
    logits = {each: answers(models, each) for each in member}
    by_logits = run(name, shadows={"halves": reunlearn.Shadows(logits=logits, member=member)})
    assert by_models.numbers.keys() == by_logits.numbers.keys()
    for key, value in by_models.numbers.items():
        assert value == pytest.approx(by_logits.numbers[key], abs=1e-3), key
    assert np.isfinite(by_models.member_scores).all()


def test_attacks_that_compare_with_a_retrained_model_read_it() -> None:
    pools = {
        kind: [fitted([sets()["retain"]], seed) for seed in (1, 2, 3)]
        for kind in ("unlearned", "without_forget")
    }
    shadows = {kind: reunlearn.Shadows(models=models) for kind, models in pools.items()}
    found = run("u_lira", retrained=trained("retain"), shadows=shadows)
    assert len(found.other_scores) == SIZES["forget"]
    with pytest.raises(UserError, match="attack 'u_lira' needs a retrained reference"):
        run("u_lira", shadows=shadows)


def test_augmented_samples_are_asked_where_an_attack_reads_them() -> None:
    def shifted(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        return x_BCHW + torch.randn(x_BCHW.shape, generator=generator)

    name = "entropy_logistic_augmented"
    assert run(name).value == run("entropy_logistic").value
    assert run(name, augment=shifted).numbers != run(name).numbers
    assert run("entropy_logistic", augment=shifted).numbers == run("entropy_logistic").numbers


def broken() -> nn.Module:
    model = copy.deepcopy(original())
    nn.init.constant_(model[-1].bias, float("nan"))
    return model


MEMBER = {name: np.zeros((2, SIZES[name]), dtype=bool) for name in ("forget", "validation")}
LOGITS = {name: np.zeros((2, SIZES[name], CLASSES)) for name in MEMBER}


def pool(logits: Any = LOGITS, member: Any = MEMBER) -> dict[str, Any]:
    """Return the argument with a pool of halves."""
    return {"shadows": {"halves": reunlearn.Shadows(logits=logits, member=member)}}


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("liar", {}, "no attack 'liar'; did you mean lira"),
        ("lira", {}, r"learns from shadow models; give shadows=\{'halves': reunlearn.Shadows"),
        (
            "entropy_logistic",
            {"retain": None},
            "attack 'entropy_logistic' reads the retain set; give retain=",
        ),
        ("entropy_logistic", {"test": None}, "reads the test set; give test="),
        ("svc_probability", {"validation": None}, "reads the validation set; give validation="),
        ("quantile_regression", {}, "quantile_regression needs 19 validation samples"),
        ("entropy_logistic", {"model": broken()}, "an output of the model is not finite"),
        ("lira", {"validation": None, **pool()}, "validation"),
        ("lira", {"shadows": {"halves": reunlearn.Shadows()}}, "give either models, .* or logits"),
        ("lira", pool(member=None), "member is missing"),
        ("lira", pool({"forget": LOGITS["forget"]}), "no logits of the validation set"),
        (
            "lira",
            pool({**LOGITS, "forget": np.zeros((2, 3, 4))}),
            r"\[2, 3, 4\], not \[models, 12, classes\]",
        ),
        ("lira", pool({**LOGITS, "forget": np.zeros((3, 12, 4))}), "logits of 2 and 3 models"),
        (
            "lira",
            pool(member={**MEMBER, "forget": np.zeros((2, 12))}),
            r"float64 \[2, 12\], not bool \[2, 12\]",
        ),
        ("lira", pool(), "lira needs 2 shadow models of each side"),
    ],
)
def test_what_does_not_fit_is_one_line(name: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        run(name, **more)
    assert "\n" not in str(caught.value)


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(name: str) -> object:
        if name == "confidence_svc":
            raise ModuleNotFoundError("No module named 'sklearn.svm'", name="sklearn.svm")
        return original_get(name)

    original_get = libraries.get
    monkeypatch.setattr(libraries, "get", get)
    with pytest.raises(
        UserError, match=r"needs sklearn, which is not installed; pip install 'reunlearn\[attacks\]'"
    ):
        run("confidence_svc")
    lines = {line.name: line for line in reunlearn.attacks()}
    assert lines["confidence_svc"].missing == "sklearn" and lines["confidence_svc"].card is None
    assert lines["confidence_svc"].summary and "Needs sklearn" in str(lines["confidence_svc"])
    assert lines["lira"].missing is None and lines["lira"].card is not None
