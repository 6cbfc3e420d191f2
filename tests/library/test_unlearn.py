"""A method on a user's own model and data: what it may see, what comes back, what is refused."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import reunlearn
from reunlearn.base.errors import UserError
from reunlearn.training.tensor_files import save_model, write_tensors
from reunlearn.unlearning import registry
from reunlearn.unlearning.task import Task
from tests.library.own import CLASSES, SIZES, network, original, same, sets, trained

SHORT = {"epochs": 1, "batch_size": 8}
RECIPE = {"epochs": 5, "batch_size": 8, "learning_rate": 0.01, "weight_decay": 0.1}


def run(method: str, model: nn.Module | None = None, **more: Any) -> reunlearn.Unlearned:
    """Let a method forget on the shared sets; `more` may leave one out by None, or give another argument."""
    given = {name: pair for name, pair in sets().items() if name != "test"}
    return reunlearn.unlearn(model or original(), method, **{**given, **more})


@pytest.mark.parametrize(
    "method", ["finetune", "salun@code", "fisher", "pgu@paper", "bad_teacher@code", "nabla_tau"]
)
def test_the_model_given_stays_and_the_seed_decides(method: str) -> None:
    hypers = next(line.settings for line in reunlearn.methods() if line.name == method.partition("@")[0])
    settings = {key: value for key, value in {**SHORT, "epochs": 2}.items() if key in hypers}
    model, state = copy.deepcopy(original()), torch.get_rng_state()
    first = run(method, model, settings=settings, recipe=RECIPE)
    assert same(model, original()) and not model.training
    assert torch.equal(torch.get_rng_state(), state)
    assert first.model is not model and not first.model.training
    assert not same(first.model, model)
    assert same(first.model, run(method, settings=settings, recipe=RECIPE).model)
    assert first.record.status == "finished" and first.record.seconds > 0
    assert all(bool(weight.isfinite().all()) for weight in first.model.state_dict().values())


def test_another_seed_gives_other_weights() -> None:
    assert not same(run("finetune", settings=SHORT).model, run("finetune", settings=SHORT, seed=1).model)


def test_the_record_says_what_was_done() -> None:
    record = run("salun@code", settings={**SHORT, "fraction": 0.5}, log=["losses"]).record
    assert (record.method, record.reading, record.seed) == ("salun", "code", 0)
    assert record.settings["fraction"] == 0.5 and record.settings["batch_size"] == 8
    assert (record.device, record.precision, record.preset) == ("cpu", "full", None)
    assert record.sizes == {"forget": SIZES["forget"], "retain": SIZES["retain"]}
    assert record.drawn["retain"] == SIZES["retain"]
    assert record.drawn["forget"] == 2 * SIZES["forget"]  # for the mask, and to learn other labels
    assert len(record.series["retain_loss.value"]) == len(record.series["retain_loss.step"]) > 0


def test_loaders_data_sets_and_arrays_give_the_same_bits() -> None:
    pairs = run("finetune", settings=SHORT).model
    data = {name: TensorDataset(*pair) for name, pair in sets().items() if name != "test"}
    assert same(pairs, run("finetune", settings=SHORT, **data).model)
    loaders = {name: DataLoader(each, batch_size=5, shuffle=True) for name, each in data.items()}
    assert same(pairs, run("finetune", settings=SHORT, **loaders).model)


def test_the_layout_of_images_in_memory_changes_nothing() -> None:
    x, y = sets()["retain"]
    last = (x.to(memory_format=torch.channels_last), y)
    assert same(run("finetune", settings=SHORT).model, run("finetune", settings=SHORT, retain=last).model)


def test_weights_come_back_as_files_of_weights_want_them(tmp_path: Path) -> None:
    made = run("finetune", settings=SHORT).model
    assert all(weight.is_contiguous() for weight in made.state_dict().values())
    save_model(made, tmp_path / "model.safetensors")


def test_a_model_in_training_mode_comes_back_in_it() -> None:
    model = copy.deepcopy(original()).train()
    assert run("finetune", model, settings=SHORT).model.training and model.training


def test_a_method_sees_what_it_declares_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def peek(self: object, model: nn.Module, task: Task) -> nn.Module:
        seen.append(len(task.retain))
        with pytest.raises(Exception, match="reads 'forget' but declares retain"):
            len(task.forget)
        return model

    registry.card("finetune")
    monkeypatch.setattr(registry._CLASSES["finetune"], "unlearn", peek)
    assert run("finetune").record.drawn == {"retain": 0}
    assert seen == [SIZES["retain"]]


def test_augmentation_draws_from_the_methods_generator() -> None:
    drawn = []

    def flip(x_BCHW: Tensor, generator: torch.Generator) -> Tensor:
        flipped_B = torch.rand(len(x_BCHW), generator=generator) < 0.5
        drawn.append(flipped_B)
        return torch.where(flipped_B[:, None, None, None], x_BCHW.flip(-1), x_BCHW)

    made = [run("finetune", settings=SHORT, augment=flip).model for _ in range(2)]
    assert same(*made) and not same(made[0], run("finetune", settings=SHORT).model)
    assert torch.equal(torch.cat(drawn[: len(drawn) // 2]), torch.cat(drawn[len(drawn) // 2 :]))
    assert sum(map(len, drawn)) == 2 * SIZES["retain"]


def test_untrained_networks_are_made_from_the_model_or_by_the_users_function() -> None:
    settings = {**SHORT, "temperature": 1.0}
    own = run("bad_teacher@code", settings=settings).model
    assert same(own, run("bad_teacher@code", settings=settings).model)
    asked: list[int] = []

    def fresh(seed: int) -> nn.Module:
        asked.append(seed)
        return network()

    given = run("bad_teacher@code", settings=settings, fresh=fresh).model
    assert len(asked) == 1 and same(given, run("bad_teacher@code", settings=settings, fresh=fresh).model)
    assert same(own, given)  # the same modules draw the same weights


def test_a_network_that_cannot_draw_its_weights_anew_asks_for_a_function() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.scale = network(), nn.Parameter(torch.ones(()))

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x) * self.scale

    with pytest.raises(UserError, match=r"the model \(Scaled\) cannot draw .*fresh=lambda seed"):
        run("bad_teacher@code", Scaled())
    run("finetune", Scaled(), settings=SHORT)


def test_initial_weights_are_a_network_or_a_folder(tmp_path: Path) -> None:
    start = network()
    given = run("unrolling_sgd@paper", recipe=RECIPE, state={"initial_weights": start}).model
    save_model(start, tmp_path / "state.safetensors")
    read = run("unrolling_sgd@paper", recipe=RECIPE, state={"initial_weights": tmp_path}).model
    assert same(given, read) and not same(given, original())


def test_updates_of_the_training_are_taken_from_their_folder(tmp_path: Path) -> None:
    updates = {name: t.double() * 0.1 for name, t in original().state_dict().items() if t.is_floating_point()}
    write_tensors(tmp_path / "state.safetensors", updates)
    made = run("amnesiac@paper", settings=SHORT, state={"batch_updates": tmp_path})
    assert made.record.status == "finished"


def test_true_labels_are_those_of_the_forget_set() -> None:
    labels = (sets()["forget"][1] + 1) % CLASSES
    settings = {"points": "forget"}
    wrong = run("warnecke_first_order", settings=settings, true_labels=labels).model
    assert not same(wrong, run("warnecke_first_order", settings=settings).model)


def test_a_scenario_of_whole_classes_reaches_the_method() -> None:
    x, y = sets()["retain"]
    forget, retain = (x[y == 3], y[y == 3]), (x[y != 3], y[y != 3])
    scenario = {"kind": "class", "classes": [3]}
    settings = {"remove_outputs": True}
    made = run("pgu@paper", forget=forget, retain=retain, scenario=scenario, settings=settings).model
    with torch.no_grad():
        assert 3 not in made(x).argmax(dim=1)


def test_presets_of_a_study_are_asked_for_by_its_names() -> None:
    like = {"dataset": "digits", "recipe": "digits-small"}
    scenario = {"kind": "random", "fraction": 0.2}
    record = run("salun@paper", settings={"epochs": 1}, like=like, scenario=scenario).record
    assert record.preset and "settings-on-digits" in record.preset
    assert record.settings["epochs"] == 1  # what is given wins
    assert (
        record.settings["learning_rate"]
        != run("salun@paper", settings=SHORT).record.settings["learning_rate"]
    )


def test_precision_is_the_recipes_unless_another_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reunlearn.training.precision.has_bfloat16", lambda device: True)
    mixed = {**RECIPE, "precision": "mixed"}
    found = [
        run(method, settings=settings, **more).record.precision
        for method, settings, more in (
            ("finetune", SHORT, {}),
            ("finetune", SHORT, {"recipe": mixed}),
            ("finetune", SHORT, {"recipe": mixed, "precision": "full"}),
            ("finetune", SHORT, {"precision": "mixed"}),
            ("fisher", {}, {"precision": "mixed"}),
        )
    ]
    assert found == ["full", "mixed", "full", "mixed", "full"]


def test_a_result_that_is_not_finite_is_said() -> None:
    record = run("gradient_ascent", settings={"learning_rate": 1e20, "epochs": 3}).record
    assert record.status == "diverged"


@pytest.mark.parametrize(
    ("method", "more", "words"),
    [
        ("salum@code", {}, "no method 'salum'; did you mean salun"),
        ("salun", {}, "paper and released code differ; write salun@paper or salun@code"),
        ("salun@released", {}, "names no reading; write salun@paper or salun@code"),
        ("finetune@code", {}, "has only one reading; write finetune"),
        ("finetune", {"retain": None}, "method 'finetune' reads the retain set; give retain="),
        ("nabla_tau", {"validation": None}, "reads the validation set; give validation="),
        ("pgu@paper", {"retain": None}, "reads the retain set"),
        ("finetune", {"settings": {"epoch": 1}}, "unknown hyper-parameter 'epoch'; did you mean epochs"),
        ("finetune", {"settings": {"epochs": -1}}, "epochs must be at least"),
        ("finetune", {"like": {"data": "digits"}}, "like: there is no 'data'; did you mean dataset"),
        ("finetune", {"scenario": {"kind": "clas"}}, "scenario: no scenario 'clas'"),
        ("finetune", {"scenario": {"kind": "class"}}, "takes 'classes', which is missing"),
        ("finetune", {"scenario": {"kind": "random", "fraction": 0.2, "steps": 2}}, "steps are for studies"),
        ("unsir", {}, "is for the scenario 'class' or 'subclass', and nothing is said"),
        ("unsir", {"scenario": {"kind": "random", "fraction": 0.2}}, "not for 'random'"),
        ("finetune", {"recipe": {"epoch": 3}}, "recipe: epoch: unknown key 'epoch'; did you mean epochs"),
        ("finetune", {"log": ["loses"]}, "log: there is no 'loses'; did you mean losses"),
        ("fisher", {"log": ["losses"]}, "cannot note 'losses' with these settings; it can note: nothing"),
        ("finetune", {"precision": "half"}, "precision: 'half'; write full or mixed"),
        ("ntk@paper", {}, "reads 'initial_weights' of the training.* or the network before its training"),
        ("amnesiac@code", {}, "reads 'batch_updates' of the training, which a trained model does not tell"),
        ("ntk@paper", {"state": {"initial_weights": network()}}, "reads the weight decay of the training"),
        ("ntk@paper", {"state": {"initial_weights": "nowhere"}}, "nowhere: there is no state.safetensors"),
        ("amnesiac@code", {"state": {"batch_updates": network()}}, "'batch_updates' is no network"),
        ("unrolling_sgd@code", {}, "does not say how the original was trained; give recipe="),
        ("boundary_shrink@paper", {}, "has no pixels; .*give pixels="),
        ("boundary_shrink@paper", {"pixels": ([0.5, 0.5], [0.5, 0.5])}, "do not fit x"),
        ("warnecke_first_order", {"true_labels": [1]}, "a whole number for each of the 12 forget samples"),
        ("erm_ktp", {}, "runs in a study only: it returns a network of its own"),
        ("esd", {}, "runs in a study only: it is for generators"),
        ("finetune", {"device": "cuda:99"}, "device: 'cuda:99' cannot be used"),
        (
            "finetune",
            {"forget": (torch.zeros(2, 1, 8, 8), torch.tensor([0, 4]))},
            "y holds class 4, but .* 4 classes",
        ),
        (
            "finetune",
            {"forget": (torch.zeros(2, 3, 8, 8), torch.tensor([0, 1]))},
            "the model does not take x",
        ),
        ("finetune", {"retain": (torch.zeros(2, 1, 9, 9), torch.tensor([0, 1]))}, "one shape and type"),
    ],
)
def test_what_does_not_fit_is_one_line(method: str, more: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        run(method, **more)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (3, "a int; a torch.nn.Module"),
        (nn.Flatten(0), r"logits \[2, classes\] are expected"),
        (original().requires_grad_(True)[:2], r"logits \[2, classes\]"),
    ],
)
def test_a_model_that_is_no_classifier_is_refused(model: Any, words: str) -> None:
    with pytest.raises(UserError, match=words):
        run("finetune", model)


def test_frozen_weights_are_refused() -> None:
    model = copy.deepcopy(original())
    model[0].requires_grad_(False)
    with pytest.raises(UserError, match=r"2 of its weights are frozen \(0.weight"):
        run("finetune", model)


def test_a_batch_of_one_sample_is_said_in_words() -> None:
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, CLASSES))
    x, y = sets()["retain"]
    with pytest.raises(UserError, match="a training batch of one sample"):
        run("finetune", model, retain=(x[:9], y[:9]), settings=SHORT)


def test_pixels_let_methods_move_them() -> None:
    made = run("boundary_shrink@paper", settings={"epochs": 1}, pixels=([0.5], [0.25]))
    assert made.record.status == "finished" and not same(made.model, trained())


def test_texts_are_token_ids() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.EmbeddingBag(9, 4), nn.Linear(4, 3))
    draws = torch.Generator().manual_seed(1)
    texts = {
        n: (torch.randint(0, 9, (8, 5), generator=draws), torch.arange(8) % 3) for n in ("forget", "retain")
    }
    made = reunlearn.unlearn(model, "random_labels@paper", settings={"epochs": 1, "batch_size": 4}, **texts)
    assert made.record.status == "finished"
    with pytest.raises(UserError, match="asks for pixels, which these inputs do not give"):
        reunlearn.unlearn(model, "boundary_shrink@paper", **texts)
