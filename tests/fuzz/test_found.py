"""Inputs that fuzzing found, and that were once no line of error but a traceback, or an hour of waiting."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.artifacts.record import read_record
from reunlearn.base.errors import UserError
from reunlearn.base.model_folders import COLOURS, channels_of
from reunlearn.base.tensor_shapes import shapes_of
from reunlearn.base.yaml_files import MOST_REPEATED, parse_yaml
from reunlearn.data.prompts import read_prompts
from reunlearn.data.scenarios._lists import read_indices
from reunlearn.data.trees import zip_tree
from reunlearn.models.registry import build
from reunlearn.storage.dvc_files import read_outputs
from reunlearn.storage.snapshot import merge
from reunlearn.study import reported
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.study.stages import read_planned
from reunlearn.training.given_weights import read_weights
from tests.data.test_prompts import spec

HEADER = b"paper,table,dataset,model,scenario,fraction,method,metric,mean,std,gap,unit,note\n"
OUTS = b"outs:\n- path: data/digits\n  md5: a.dir\n"


def refused(read: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2500


def bomb(levels: int) -> str:
    """Return YAML in which nine aliases stand for each list, each of which holds nine aliases."""
    lines = ["k0: &b0 [1]"]
    lines += [f"k{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(lines)


def test_aliases_that_stand_for_billions_of_values() -> None:
    refused(
        lambda: parse_yaml(bomb(12), "here"),
        rf"^here: line 6: its aliases .* more than {MOST_REPEATED:,} values",
    )
    assert parse_yaml(bomb(4), "here")["k3"][0][0][0] == [1], "control: a few are right"
    assert len(parse_yaml("\n".join(f"- {n}" for n in range(110_000)), "here")) == 110_000, "and many lines"


@pytest.mark.parametrize("content", [b"\xff" * 8 + OUTS[8:], OUTS.decode().encode("utf-16")])
def test_a_dvc_file_that_is_no_text(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "runs.dvc").write_bytes(content)
    refused(lambda: read_outputs(tmp_path / "runs.dvc"), r"runs\.dvc: .*UTF-8")
    refused(lambda: merge(str(tmp_path / "runs.dvc")), r"runs\.dvc: .*UTF-8")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((b"data/digits", b"../x"), "lies outside this project"),
        ((b"data/digits", b"/etc"), "lies outside this project"),
        ((b"data/digits", b"data/../../x"), "lies outside this project"),
        ((b"data/digits", b"7"), "not as DVC writes it"),
        ((b"a.dir", b"[1]"), "not as DVC writes it"),
        ((b"a.dir", b"a.dir\n  size: many"), "not as DVC writes it"),
    ],
)
def test_a_dvc_file_whose_entries_are_none(tmp_path: Path, change: tuple[bytes, bytes], words: str) -> None:
    (tmp_path / "runs.dvc").write_bytes(OUTS)
    assert read_outputs(tmp_path / "runs.dvc")
    (tmp_path / "runs.dvc").write_bytes(OUTS.replace(*change))
    refused(lambda: read_outputs(tmp_path / "runs.dvc"), words)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            b"LUR,Table 1,CIFAR-10\n",
            r"a\.csv: line 2: ends before 'model'; write a comma for each empty column",
        ),
        (b'LUR,"' + b"x" * 200_000 + b'"\n', r"a\.csv: no comma-separated values: field larger"),
    ],
)
def test_printed_numbers_that_end_early(
    tmp_path: Path, line: bytes, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reported, "FOLDER", tmp_path)
    (tmp_path / "a.csv").write_bytes(HEADER + line)
    refused(lambda: reported.read_file("a.csv"), words)
    (tmp_path / "b.csv").write_bytes(
        HEADER + b"LUR,Table 1,CIFAR-10,N,random,10%,Retrain,UA,5.19,0.53,,%,\n" + line
    )
    refused(lambda: reported.read_file("b.csv"), words.replace("line 2", "line 3").replace("a", "b", 1))


def test_a_prompt_of_a_field_without_end(tmp_path: Path) -> None:
    prompts = spec(tmp_path / "p.csv", "prompt\n" + "x" * 200_000 + "\n")
    refused(lambda: read_prompts(prompts), r"p\.csv, line \d+: no comma-separated values: field larger")


@pytest.mark.parametrize("text", ["9" * 5000, "9" * 19, "٣", "-" + "9" * 5000])
def test_a_number_that_no_machine_holds(tmp_path: Path, text: str) -> None:
    (tmp_path / "f.txt").write_text(text, encoding="utf-8")
    refused(lambda: read_indices(str(tmp_path / "f.txt")), "line 1: .* is no whole number")


@pytest.mark.parametrize(("old", "new"), [(b", '", b"[ '"), (b"}", b" "), (b"(9,)", b"(9(,")])
def test_an_array_whose_header_is_no_python(tmp_path: Path, old: bytes, new: bytes) -> None:
    np.save(tmp_path / "f.npy", np.arange(9))
    content = (tmp_path / "f.npy").read_bytes()
    (tmp_path / "f.npy").write_bytes(content.replace(old, new, 1))
    refused(lambda: read_indices(str(tmp_path / "f.npy")), r"no \.npy file of numbers")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"stage": ' + "[" * 100_000])
def test_json_whose_levels_have_no_end(tmp_path: Path, text: str) -> None:
    for name in ("record.json", "manifest.json", "specification.json", "config.json"):
        (tmp_path / name).write_text(text)
    header = text.encode()
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert read_record(tmp_path) is None
    assert read_manifest(tmp_path) is None
    assert channels_of(str(tmp_path), ()) == COLOURS
    refused(lambda: read_planned(str(tmp_path)), "cannot be read as a specification")
    refused(lambda: shapes_of(tmp_path / "m.safetensors"), "no safetensors file")


def test_a_file_of_a_zip_without_a_name(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as opened:
        nameless = zipfile.ZipInfo("x")
        nameless.filename = "\0x"  # its readers end a name here
        opened.writestr(nameless, b"1")
        opened.writestr("set/a", b"2")
    with zip_tree(tmp_path / "a.zip", "set", "get it again") as tree:
        assert tree.names == ("a",)


def test_weights_whose_header_is_one_long_text(tmp_path: Path) -> None:
    header = b'"' + b"x" * 5000 + b'"'
    (tmp_path / "m.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    network = ArchitectureSpec(name="small_cnn", settings={"width": 4})
    assert build(network, (1, 8, 8), 10, 0)
    refused(
        lambda: read_weights(str(tmp_path / "m.safetensors"), network, (1, 8, 8), 10),
        "not a safetensors file",
    )
