"""An audit of a study's models, given as a stranger's files, says what the study said; mistakes leave nothing."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from reunlearn.base.arrays import read_arrays
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.cli import app
from reunlearn.commands import audit
from reunlearn.study import paths
from reunlearn.study.audit import AuditRequest
from tests.commands.own_model import EXPERIMENT, NUMBERS, STUDY, Own, create, inside, result_of
from tests.workflow.project import ROOT

LINES = {"retrain": "Retrain", "noise_floor": "Noise floor", "original": "Original", "finetune": "audited"}
ATTACKS = EXPERIMENT["attacks"]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A finished study, its models and lists as files."""
    return create(tmp_path_factory.mktemp("project"))


def request(own: Own, **more: Any) -> AuditRequest:
    """Return a request for an audit of the finetuned model against all others."""
    asked = {
        "model": own.models["finetune"],
        "architecture": "small_cnn width=6",
        "dataset": "digits",
        "forget": own.forget,
        "references": (own.models["retrain"], own.models["noise_floor"]),
        "original": own.models["original"],
        "recipe": "tiny",
        "attacks": tuple(ATTACKS),
        **NUMBERS,
    }
    return AuditRequest(**(asked | more))


@pytest.fixture(scope="module")
def audited(own: Own) -> Path:
    """The folder of one audit."""
    with inside(own.root):
        audit.run(request(own, output="out/audited"))
    return own.root / "out" / "audited"


def of_study(own: Own, name: str) -> dict[str, float]:
    """Return all that the study's stages wrote of a model."""
    numbers: dict[str, float] = {}
    for folder in own.run(name).measured.values():
        numbers |= read_json(result_of(folder, "numbers.json"))
    return numbers


@pytest.mark.parametrize("name", LINES)
def test_the_numbers_are_those_of_the_stages(own: Own, audited: Path, name: str) -> None:
    numbers = read_json(audited / "audit.json")["numbers"][LINES[name]]
    with inside(own.root):
        wanted = of_study(own, name)
    assert numbers == pytest.approx(wanted, abs=0, rel=0)
    assert len(wanted) > 20


def test_control_the_models_differ(audited: Path) -> None:
    numbers = read_json(audited / "audit.json")["numbers"]
    losses = {numbers[line]["loss_forget"] for line in LINES.values()}
    assert len(losses) == len(LINES)


def test_the_tables_have_the_form_of_a_study(own: Own, audited: Path) -> None:
    for name in ("results", "samples", "scores", "classes"):
        ours = pd.read_parquet(audited / "results" / f"{name}.parquet")
        theirs = pd.read_parquet(own.root / paths.results(STUDY) / f"{name}.parquet")
        assert ours.dtypes.to_dict() == theirs.dtypes.to_dict(), name
        assert len(ours) >= len(theirs) > 0 if name != "results" else len(ours) > 0
    runs = read_json(audited / "results" / "runs.json")
    assert not runs["missing"] and any("/audited~" in folder for folder in runs["jobs"])
    assert str(own.root) not in (audited / "results" / "runs.json").read_text()


class Page(HTMLParser):
    """Collect what a page links to, its headings, and whether every element is closed."""

    VOID = frozenset(("meta", "link", "br", "wbr", "img", "input", "hr", "path", "use", "rect", "line"))

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.links += [given["href"] or ""] if tag == "a" else []
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read_page(folder: Path) -> tuple[Page, str]:
    page = Page()
    page.feed((folder / "index.html").read_text(encoding="utf-8"))
    assert page.open == []
    return page, " ".join(" ".join(page.text).split())


def test_the_page_opens_and_every_link_leads_somewhere(audited: Path) -> None:
    page, text = read_page(audited)
    assert len(page.ids) == len(set(page.ids))
    inner = [link[1:] for link in page.links if link.startswith("#")]
    files = [link for link in page.links if not link.startswith("#")]
    assert set(inner) <= set(page.ids) and len(files) > 10
    for link in files:
        assert (audited / link.partition("#")[0]).stat().st_size > 0
    runs = (audited / "runs/audit.html").read_text(encoding="utf-8")
    sources = [unquote(link) for link in re.findall(r'href="(\.\./[^"#]+)', runs)]
    assert len(sources) > 10
    assert [link for link in sources if not (audited / "runs" / link).exists()] == []
    assert "The audited model lies" in text and "another Retrain" in text
    assert "make reproduce" not in text and "Best method" not in text and "—best" not in text
    assert not (audited / "index.html").read_text().count('class="tag"')


@pytest.mark.thorough
def test_the_page_names_the_command_that_makes_it_again(own: Own, audited: Path) -> None:
    words = shlex.split(read_json(audited / "audit.json")["command"])
    assert words[0] == "reunlearn" and shlex.join(words) in read_page(audited)[1]
    words[words.index("out/audited")] = "out/again"
    with inside(own.root):
        done = CliRunner().invoke(app, [*words[1:], "--json"], catch_exceptions=False)
        assert done.exit_code == 0
        again = read_json("out/again/audit.json")
    assert again["numbers"] == read_json(audited / "audit.json")["numbers"]
    assert json.loads(done.stdout) == again


@pytest.mark.thorough
def test_a_list_of_what_stays_says_the_same_as_the_sizes(own: Own, audited: Path) -> None:
    with inside(own.root):
        audit.run(request(own, retain=own.retain, train=None, output="out/retain"))
    ours, theirs = (read_json(f / "audit.json") for f in (own.root / "out/retain", audited))
    assert ours["numbers"] == theirs["numbers"] and ours["samples"] == theirs["samples"]


def test_without_a_reference_the_page_says_that_nothing_can_be_compared(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(own.root):
        audit.run(request(own, references=(), original=None, recipe=None, attacks=("loss_logistic_cv",)))
    _, text = read_page(own.root / "reports/audits/finetune")
    assert "There is no Retrain to compare with" in text and "Avg. Gap" not in text
    printed = capsys.readouterr().out
    assert "loss_logistic_cv, AUC" in printed and "reports/audits/finetune/index.html" in printed
    found = read_json(own.root / "reports/audits/finetune/audit.json")
    assert set(found["numbers"]) == {"audited"}
    assert "accuracy_forget_augmented" not in found["numbers"]["audited"]  # no recipe, no augmentation


def broken(own: Own, name: str) -> str:
    """Write a model whose weights are finite but whose outputs are not; return its file."""
    tensors = load_file(own.root / own.models[name])
    (variance,) = [key for key in tensors if key.endswith("1.running_var")][:1]
    tensors[variance] = torch.full_like(tensors[variance], -1.0)
    save_file(tensors, own.root / f"broken_{name}.safetensors")
    return f"broken_{name}.safetensors"


def test_a_model_that_answers_nan_has_diverged_wherever_it_is_shown(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    with inside(own.root):
        audit.run(request(own, model=broken(own, "finetune"), output="out/broken"))
    printed = capsys.readouterr().out
    lines = [line for line in printed.splitlines() if "accuracy" in line.lower() or ", AUC" in line]
    assert len(lines) > 4
    assert all(line.strip(" │").endswith("diverged") for line in lines)
    assert "audited diverged: some of its outputs are not finite numbers" in printed
    found = read_json(own.root / "out/broken/audit.json")
    assert found["status"]["audited"] == {"finished": 0, "diverged": 1}
    assert found["status"]["Retrain"] == {"finished": 1, "diverged": 0}
    assert found["numbers"]["audited"]["accuracy_forget"] is None
    assert set(found["numbers"]["audited"].values()) == {None}
    assert found["numbers"]["Retrain"]["accuracy_forget"] > 0
    _, text = read_page(own.root / "out/broken")
    assert "The audited model diverged: some of its outputs are not finite numbers" in text
    assert "There is no Retrain" not in text
    results = pd.read_parquet(own.root / "out/broken/results/results.parquet")
    audited = results[(results["method"] == "audited") & results["metric"].str.startswith("accuracy_")]
    assert len(audited) > 3 and audited["value"].isna().all()


def test_a_reference_or_original_that_answers_nan_is_not_called_absent(
    own: Own, capsys: pytest.CaptureFixture[str]
) -> None:
    references = (broken(own, "retrain"), own.models["noise_floor"])
    more = {"original": broken(own, "original"), "attacks": ("loss_logistic_cv",)}
    with inside(own.root):
        audit.run(request(own, references=references, output="out/floorless", **more))
    printed = capsys.readouterr().out
    _, text = read_page(own.root / "out/floorless")
    assert "The reference diverged" in text and "There is no Retrain" not in text
    for shown in (printed, text):
        assert "Retrain diverged: some of its outputs" in " ".join(shown.split())
        assert "Original diverged: some of its outputs" in " ".join(shown.split())
    found = read_json(own.root / "out/floorless/audit.json")
    assert found["status"]["audited"] == {"finished": 1, "diverged": 0}
    assert found["numbers"]["audited"]["loss_logistic_cv.auc"] > 0


@pytest.mark.thorough
def test_a_model_of_the_noise_floor_that_answers_nan_does_not_count(own: Own) -> None:
    references = (own.models["retrain"], own.models["noise_floor"], broken(own, "retrain"))
    with inside(own.root):
        more = {"original": None, "attacks": ("loss_logistic_cv",), "output": "out/floor"}
        audit.run(request(own, references=references, **more))
        audit.run(request(own, references=references[:2], **{**more, "output": "out/floor_without"}))
    ours, without = (read_json(own.root / f"out/{name}/audit.json") for name in ("floor", "floor_without"))
    assert ours["status"]["Noise floor"] == {"finished": 1, "diverged": 1}
    assert ours["numbers"]["Noise floor"] == without["numbers"]["Noise floor"]
    assert "Noise floor: 1 of 2 models diverged" in read_page(own.root / "out/floor")[1]
    assert without["notes"] == []


@pytest.mark.thorough
def test_a_model_that_is_its_own_reference_is_noted(own: Own, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copyfile(own.root / own.models["finetune"], own.root / "copy.safetensors")
    with inside(own.root):
        more = {"original": own.models["finetune"], "attacks": ("loss_logistic_cv",)}
        audit.run(request(own, references=("copy.safetensors",), output="out/same", **more))
    found = read_json(own.root / "out/same/audit.json")
    assert len(found["notes"]) == 3
    printed, text = " ".join(capsys.readouterr().out.split()), read_page(own.root / "out/same")[1]
    for note in found["notes"]:
        assert "hold the same weights" in note and note in text and note in printed
    assert found["numbers"]["audited"]["accuracy_test"] == found["numbers"]["Retrain"]["accuracy_test"]


def test_weights_of_a_wrapped_network_and_of_16_bits_are_audited_as_the_plain_ones(
    own: Own, audited: Path
) -> None:
    names = own.models
    wrapped = {f"module._orig_mod.{k}": t for k, t in load_file(own.root / names["finetune"]).items()}
    save_file(wrapped, own.root / "wrapped.safetensors")
    stored = load_file(own.root / names["retrain"])
    stored = {key: t.bfloat16() if t.is_floating_point() else t.int() for key, t in stored.items()}
    save_file(stored, own.root / "bfloat16.safetensors")
    references = ("bfloat16.safetensors", names["noise_floor"])
    with inside(own.root):
        audit.run(request(own, model="wrapped.safetensors", references=references, output="out/wrapped"))
    ours, theirs = (read_json(f / "audit.json")["numbers"] for f in (own.root / "out/wrapped", audited))
    of_reference = ("weight_distance_retrain", "relative_weight_distance_retrain")
    for row in ("audited", "Original"):
        assert ours[row]["accuracy_forget"] == theirs[row]["accuracy_forget"]
        assert ours[row]["entropy_logistic"] == theirs[row]["entropy_logistic"]
        for name in of_reference:
            assert ours[row][name] == pytest.approx(theirs[row][name], rel=1e-2)
    assert ours["audited"]["weight_distance_original"] == theirs["audited"]["weight_distance_original"]
    notes = read_json(own.root / "out/wrapped/audit.json")["notes"]
    assert "wrapped.safetensors: 'module._orig_mod.' is taken off all names, a wrapper's." in notes
    assert any("of bfloat16 became float32" in note for note in notes)


@pytest.mark.thorough
def test_whole_classes_are_told_apart_on_test(own: Own) -> None:
    labels = np.load(own.root / "data/digits/train_y.npy")
    np.save(own.root / "threes.npy", np.flatnonzero(labels == 3))
    with inside(own.root):
        more = {"forget": "threes.npy", "train": None, "validation": 0, "output": "out/class"}
        audit.run(request(own, attacks=("loss_logistic_cv",), **more))
    numbers = read_json(own.root / "out/class/audit.json")["numbers"]["audited"]
    tested = np.load(own.root / "data/digits/test_y.npy") == 3
    shares = np.array([tested.mean(), 1 - tested.mean()])
    parts = np.array([numbers["accuracy_test_forgotten"], numbers["accuracy_test_retained"]])
    assert numbers["accuracy_test"] == pytest.approx(float(shares @ parts))


def test_the_dataset_is_prepared_as_by_a_study(own: Own) -> None:
    with inside(own.root):
        before = Path("runs/digits/prepared/record.json").read_bytes()
        audit.run(
            request(own, references=(), original=None, attacks=("loss_logistic_cv",), output="out/once")
        )
        assert Path("runs/digits/prepared/record.json").read_bytes() == before


def spoil(name: str) -> dict[str, Any]:
    """Write weights with a mistake in the working directory; return the change of the request."""
    tensors = load_file("finetune.safetensors")
    if name == "nan":
        tensors["head.bias"][0] = float("nan")
    if name == "missing":
        del tensors["head.bias"]
    if name == "pickle":
        torch.save(tensors, "spoiled.pt")
        return {"model": "spoiled.pt"}
    save_file(tensors, f"{name}.safetensors")
    return {"model": f"{name}.safetensors"}


@pytest.mark.parametrize(
    ("mistake", "said"),
    [
        ("nan", "weight 'head.bias' holds NaN"),
        ("missing", "no weight 'head.bias', which small_cnn needs"),
        ("pickle", "a pickle, which can run code when it is opened; convert it: "),
        ({"architecture": "small_cnn width=7"}, "weight 'features.0.weight' is (6, 1, 3, 3)"),
        ({"references": ("none.safetensors",)}, "none.safetensors: no such file of weights"),
        ({"original": "config"}, "config: a folder, not a file of weights"),
        ({"dataset": "diggits"}, "no dataset 'diggits'; did you mean digits"),
        ({"attacks": ("lirra",)}, "no attack 'lirra'; did you mean lira"),
        ({"forget": "beyond.npy"}, "no sample 99999"),
        ({"output": "config"}, "exists and is not empty"),
    ],
    ids=str,
)
def test_a_mistake_is_told_before_any_work(
    own: Own, tmp_path: Path, mistake: str | dict[str, Any], said: str
) -> None:
    for name in own.models.values():
        (tmp_path / name).symlink_to(own.root / name)
    (tmp_path / "config").symlink_to(own.root / "config")
    (tmp_path / "forget.npy").symlink_to(own.root / "forget.npy")
    np.save(tmp_path / "beyond.npy", np.array([1, 99_999]))
    with inside(tmp_path):
        change = spoil(mistake) if isinstance(mistake, str) else mistake
        before = sorted(tmp_path.iterdir())
        with pytest.raises(UserError) as caught:
            audit.run(request(own, **{"output": "out", **change}))
        left = set(tmp_path.iterdir()) - set(before) - {tmp_path / ".reunlearn"}
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert left == set()  # no data were prepared, no folder was begun


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"forget": "untouched.npy"}, r"untouched.npy: sample \d+ is not among the 150 of --train"),
        ({"forget": "held_out.npy"}, r"held_out.npy: sample \d+ is among the 100 of --validation"),
        (
            {"retain": "held_out.npy", "train": None},
            r"held_out.npy: sample \d+ is among the 100 of --validation",
        ),
        ({"forget": "trained.npy"}, "trained.npy: lists the whole training set"),
    ],
)
def test_samples_that_the_model_was_not_trained_on_are_refused(
    own: Own, change: dict[str, Any], said: str
) -> None:
    with inside(own.root):
        (split,) = own.plan.of_stage("split")
        indices = read_arrays(Path(split.folder) / "indices.npz")
        trained = np.union1d(indices["forget"], indices["retain"])
        np.save("trained.npy", trained)
        np.save("held_out.npy", indices["validation"][:3])
        rest = np.setdiff1d(np.arange(1198), np.union1d(trained, indices["validation"]))
        np.save("untouched.npy", rest[:3])
        with pytest.raises(UserError, match=said):
            audit.run(request(own, output="out/never", **change))
        assert not Path("out/never").exists()


def test_an_attack_that_nobody_named_and_that_has_too_few_samples_is_left_out(
    own: Own, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any) -> None:
        raise ValueError("too few samples")

    monkeypatch.setattr("reunlearn.attacks.loss_logistic_cv.run", fail)
    more = {"references": (), "original": None, "attacks": None, "validation": 0, "output": "out/fewer"}
    with inside(own.root):
        audit.run(request(own, retain=own.retain, train=None, **more))
    found = read_json(own.root / "out/fewer/audit.json")
    assert found["left_out"]["loss_logistic_cv"] == "too few samples"
    assert found["left_out"]["quantile_regression"].startswith("needs held-out samples")
    assert "entropy_logistic" in found["numbers"]["audited"]
    assert not found["left_out"].keys() & found["numbers"]["audited"].keys()
    assert "loss_logistic_cv did not run: too few samples" in read_page(own.root / "out/fewer")[1]


def test_what_fails_halfway_leaves_nothing(own: Own, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: Any) -> None:
        raise ValueError("too few samples")

    monkeypatch.setattr("reunlearn.attacks.loss_logistic_cv.run", fail)
    np.save(own.root / "fewer.npy", np.load(own.root / own.forget)[:20])  # an audit that was not made before
    with inside(own.root), pytest.raises(UserError, match="attack 'loss_logistic_cv': too few samples"):
        audit.run(request(own, forget="fewer.npy", output="out/never"))
    assert not list((own.root / "out").glob("*never*"))
    assert not list((own.root / ".reunlearn").glob("audits/*"))


def test_the_manuals_command_runs(own: Own) -> None:
    (line,) = [
        line
        for line in (ROOT / "docs/audit.md").read_text().splitlines()
        if "reunlearn audit --model mine" in line
    ]
    (own.root / "mine.safetensors").symlink_to(own.root / own.models["finetune"])
    with inside(own.root):
        words = [*shlex.split(line)[1:], "--attacks", "loss_logistic_cv"]
        done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0 and "report: reports/audits/mine/index.html" in done.output


def test_on_the_command_line_a_mistake_is_one_line(own: Own) -> None:
    words = ["audit", "--model", "none.safetensors", "--architecture", "small_cnn", "--dataset", "digits"]
    command = [sys.executable, "-m", "reunlearn.cli", *words, "--forget", "forget.npy"]
    environment = {**os.environ, "REUNLEARN_STATE": str(own.root / ".reunlearn")}
    done = subprocess.run(command, cwd=own.root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: none.safetensors: no such file of weights\n"
