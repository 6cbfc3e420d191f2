"""No file can run code: no source calls what could, and a planted pickle under each such name is refused."""

from __future__ import annotations

import ast
import io
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.artifacts.record import read_record
from reunlearn.base.arrays import read_arrays
from reunlearn.base.errors import UserError
from reunlearn.base.model_folders import check_folder
from reunlearn.base.tensor_shapes import shapes_of
from reunlearn.base.yaml_files import parse_yaml, read_yaml
from reunlearn.data.cifar_files import unpickle
from reunlearn.data.scenarios._lists import read_indices
from reunlearn.models._foreign import read_pickle
from reunlearn.models._latents import Coder
from reunlearn.study.load import parse
from reunlearn.study.schema import Study
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.convert_weights import convert
from reunlearn.training.given_weights import read_weights
from tests.security.forbidden import NEVER, forbidden

SOURCES = sorted(path for folder in ("src", "benchmarks") for path in Path(folder).rglob("*.py"))
# where a forbidden thing is right, and why; nothing else is
ALLOWED = {
    (
        "src/reunlearn/data/cifar_files.py",
        "pickle",
    ): "the official files are pickles; only arrays of numbers are made",
    ("src/reunlearn/training/convert_weights.py", "read_pickle"): "ours: torch.load(weights_only=True)",
    (
        "src/reunlearn/training/convert_weights.py",
        "reunlearn.models._foreign.read_pickle",
    ): "the same, imported",
    ("src/reunlearn/models/_pretrained.py", "read_pickle"): "ours: torch.load(weights_only=True)",
    ("src/reunlearn/models/_pretrained.py", "reunlearn.models._foreign.read_pickle"): "the same, imported",
    (
        "src/reunlearn/models/roberta.py",
        "RobertaConfig.from_pretrained without use_safetensors=True",
    ): "a configuration: JSON, no weights",
    (
        "src/reunlearn/models/stable_diffusion.py",
        "CLIPTokenizer.from_pretrained without use_safetensors=True",
    ): "a tokenizer: JSON and text, no weights",
}


def test_no_source_calls_what_could_run_a_file() -> None:
    assert len(SOURCES) > 400
    found = {(str(path), word) for path in SOURCES for _, word in forbidden(path.read_text(encoding="utf-8"))}
    assert found == set(ALLOWED), "forbidden, or allowed in vain"


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import load",
        "import dill as d",
        "torch.load(f)",
        "torch.load(f, weights_only=False)",
        "np.load(f)",
        "numpy.load(f, allow_pickle=True)",
        "np.load(f, mmap_mode='r')",
        "yaml.load(f, Loader=yaml.Loader)",
        "yaml.unsafe_load(f)",
        "pandas.read_pickle(f)",
        "from pandas import read_pickle",
        "from torch import load",
        "eval(text)",
        "os.system(text)",
        "subprocess.run(text, shell=True)",
        "opened.extractall()",
        "Model.from_pretrained(p, local_files_only=True)",
        "Model.from_pretrained(p, use_safetensors=True)",
        "Model.from_pretrained(p, local_files_only=True, use_safetensors=True, trust_remote_code=True)",
    ],
)
def test_control_each_such_call_is_seen(line: str) -> None:
    assert [*forbidden(f"def f():\n    {line}\n")]


@pytest.mark.parametrize(
    "line",
    [
        "model.eval()",
        "json.load(f)",
        "torch.load(f, weights_only=True)",
        "np.load(f, allow_pickle=False)",
        "subprocess.run([a], shell=False)",
    ],
)
def test_control_what_is_right_is_not(line: str) -> None:
    assert [*forbidden(f"def f():\n    {line}\n")] == []


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.mark,)


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    return tmp_path / "it ran"


def object_npy(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([trap], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def object_npz(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("a.npy", object_npy(trap))
    return buffer.getvalue()


def torch_zip(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a.weight": torch.zeros(1), "x": trap}, buffer)
    return buffer.getvalue()


def torch_legacy(trap: Trap) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a.weight": torch.zeros(1), "x": trap}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


FORMS: dict[str, Callable[[Trap], bytes]] = {
    **{f"pickle {k}": lambda trap, k=k: pickle.dumps({"a.weight": trap}, protocol=k) for k in range(6)},
    "torch": torch_zip,
    "torch, old": torch_legacy,
    "npy": object_npy,
    "npz": object_npz,
}
NETWORK = ArchitectureSpec(name="small_cnn", settings={"width": 4})
READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "audit, .safetensors": ("m.safetensors", lambda f: read_weights(str(f), NETWORK, (1, 8, 8), 10)),
    "audit, .pt": ("m.pt", lambda f: read_weights(str(f), NETWORK, (1, 8, 8), 10)),
    "converted .pth": ("m.pth", lambda f: convert(f, f.with_suffix(".safetensors"))),
    "pretrained .pth": ("m.pth", read_pickle),
    "layers of a user's file": ("m.safetensors", shapes_of),
    "index list": ("forget.npy", lambda f: read_indices(str(f))),
    "index list of text": ("forget.txt", lambda f: read_indices(str(f))),
    "study": ("study.yaml", lambda f: parse(Study, read_yaml(f), str(f))),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("reader", READERS)
def test_a_planted_pickle_is_refused_and_does_not_run(
    reader: str, form: str, tmp_path: Path, mark: Path
) -> None:
    name, read = READERS[reader]
    (tmp_path / name).write_bytes(FORMS[form](Trap(mark)))
    with pytest.raises(UserError) as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert name in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing ran, nothing was written"


def test_artifacts_with_a_pickle_are_not_read(tmp_path: Path, mark: Path) -> None:
    trap = Trap(mark)
    for name in ("manifest.json", "record.json"):
        (tmp_path / name).write_bytes(pickle.dumps(trap))
    (tmp_path / "outputs.npz").write_bytes(object_npz(trap))
    assert read_manifest(tmp_path) is None
    assert read_record(tmp_path) is None
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_arrays(tmp_path / "outputs.npz")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_official_pickles_make_arrays_and_nothing_else(protocol: int, mark: Path) -> None:
    for content in (Trap(mark), {b"data": Trap(mark)}, print, sys.exit, np.load, torch.load):
        with pytest.raises(pickle.UnpicklingError):
            unpickle(pickle.dumps(content, protocol=protocol))
    assert not mark.exists()


@pytest.mark.parametrize(
    "weights", ["diffusion_pytorch_model.bin", "pytorch_model.bin", "model.ckpt", "model.pt"]
)
def test_a_folder_of_a_model_with_pickled_weights_is_refused(
    tmp_path: Path, mark: Path, weights: str
) -> None:
    (tmp_path / "config.json").write_text('{"_class_name": "AutoencoderKL"}')
    (tmp_path / weights).write_bytes(torch_zip(Trap(mark)))
    for read in (lambda: check_folder(str(tmp_path), ()), lambda: Coder.read(str(tmp_path), "cpu")):
        with pytest.raises(UserError, match=rf"{weights} is a pickle, which is never opened"):
            read()
    assert not mark.exists()


def test_yaml_makes_no_objects(mark: Path) -> None:
    for text in (
        f"!!python/object/apply:pathlib.Path.touch [{mark}]",
        f"!!python/object/new:os.system ['touch {mark}']",
        "!!python/name:os.system",
        "a: !!python/module:os",
    ):
        with pytest.raises(UserError, match="not YAML"):
            parse_yaml(text, "here")
    assert not mark.exists()


@pytest.mark.parametrize("form", FORMS)
def test_control_the_trap_works(form: str, mark: Path) -> None:
    content = io.BytesIO(FORMS[form](Trap(mark)))
    if form.startswith("torch"):
        torch.load(content, weights_only=False)
    elif form.startswith("np"):
        loaded = np.load(content, allow_pickle=True)
        _ = loaded["a"] if form == "npz" else loaded
    else:
        pickle.loads(content.getvalue())
    assert mark.exists()


def test_control_the_lists_name_what_there_is() -> None:
    assert set(NEVER) & {"read_pickle", "eval", "system"}
    for path, _ in ALLOWED:
        assert ast.parse(Path(path).read_text(encoding="utf-8"))
