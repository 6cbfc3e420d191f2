"""All readers of files that a user, or an earlier run, wrote: a valid file of each, and what reads it."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from hypothesis import strategies as st
from safetensors.torch import save

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.artifacts.record import read_record
from reunlearn.base.hashing import sha256
from reunlearn.base.tensor_shapes import shapes_of
from reunlearn.commands.report import read_gathered
from reunlearn.data.image_files import pixels
from reunlearn.data.prompts import read_prompts
from reunlearn.data.scenarios._lists import read_indices
from reunlearn.data.trees import tar_tree, zip_tree
from reunlearn.models._foreign import read_pickle
from reunlearn.models.registry import build
from reunlearn.storage.dvc_files import read_outputs
from reunlearn.study import load, papers, presets, reported
from reunlearn.study.catalogue import catalogue
from reunlearn.study.plan import make_plan
from reunlearn.study.specs import ArchitectureSpec, PromptsSpec
from reunlearn.study.stages import read_planned
from reunlearn.study.user_files import _check_function
from reunlearn.training.given_weights import read_weights
from tests.fuzz.mutations import as_json, as_yaml, broken_texts, damaged
from tests.workflow.project import EXPERIMENT

ROOT = Path(__file__).resolve().parents[2]
NETWORK = ArchitectureSpec(name="small_cnn", settings={"width": 4})


@dataclass(frozen=True)
class Target:
    """One kind of file.

    Attributes:
        file: its place, below a folder that holds a copy of config/.
        broken: what is written there.
        read: reads it.
    """

    file: str
    broken: st.SearchStrategy[bytes]
    read: Callable[[Path], object]


def _yaml_of(name: str) -> Any:
    return yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8"))


def _configuration(folder: str, names: tuple[str, ...], read: Callable[[Path], object]) -> Target:
    contents = [_yaml_of(f"{folder}/{name}.yaml") for name in names]
    broken = st.sampled_from(contents).flatmap(lambda content: broken_texts(content, as_yaml))
    return Target(f"config/{folder}/{names[0]}.yaml", broken, read)


def _study(path: Path) -> object:
    load._recipe.cache_clear()  # files change within a tick of the clock
    return make_plan(path.stem)


def _recipe(path: Path) -> object:
    load._recipe.cache_clear()  # files change within a tick of the clock
    return load.load_recipe(path.stem)


TINY = {"name": "lur-smoke", "title": "t", "experiments": [{**EXPERIMENT, "recipe": "digits-small"}]}


def _small_study() -> Target:
    return Target("config/studies/lur-smoke.yaml", broken_texts(TINY, as_yaml), _study)


def _specifications() -> dict[str, Any]:
    """Return a specification of each stage."""
    found = {job.stage: job for job in make_plan("quickstart-generation").jobs.values()}
    found |= {job.stage: job for job in make_plan("quickstart").jobs.values()}
    return {stage: job.document() for stage, job in found.items()}


def _specification(path: Path) -> object:
    return read_planned(str(path.parent))


def _weights() -> bytes:
    return save(dict(build(NETWORK, (1, 8, 8), 10, 0).state_dict()))


def _torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save({"a.weight": torch.zeros(2, 2), "epoch": 3}, buffer)
    return buffer.getvalue()


def _array(content: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, content)
    return buffer.getvalue()


def _archive(kind: str) -> bytes:
    buffer = io.BytesIO()
    files = {f"set/{k}/{n}.txt": bytes(50) for k in "ab" for n in range(4)}
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as opened:
            for name, content in files.items():
                opened.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                packed.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _read_zip(path: Path) -> object:
    with zip_tree(path, "set", "get it again") as tree:
        return [tree.read(name) for name in tree.names]


def _read_tar(path: Path) -> object:
    tree = tar_tree(path, "set", "get it again")
    return [tree.read(name) for name in tree.names]


def _picture() -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(np.arange(192, dtype=np.uint8).reshape(8, 8, 3)).save(buffer, format="PNG")
    return buffer.getvalue()


RECORD = {
    "seconds": {"total": 1.5},
    "peak_memory_mib": 10.0,
    "device": "cpu",
    "processor": "p",
    "threads": 1,
    "versions": {"torch": "2"},
    "git": {"commit": "a", "dirty": False},
    "host": "h",
    "finished": "2026-11-30T00:00:00+00:00",
    "command": ["reunlearn"],
}
MANIFEST = {
    "format": 3,
    "specification": "a",
    "code": "b",
    "inputs": {"runs/a": "c"},
    "outputs": {"model.safetensors": {"size": 1, "sha256": "d"}},
}
DVC = {"outs": [{"path": "data/digits", "md5": "a.dir", "nfiles": 3, "size": 9, "hash": "md5"}]}
PROMPTS = b'prompt,seed,guidance\na three,1,7.5\n"a, four",2,1\n'
CSV = (
    (ROOT / "config/reported/lur_table1_random.csv").read_bytes()[:1500]
    if (ROOT / "config/reported/lur_table1_random.csv").exists()
    else b""
)
CODE = b"def detect(images):\n    return [len(images)]\n"


def _prompts(path: Path) -> object:
    spec = PromptsSpec(file=str(path), prompt="prompt", seed="seed", guidance="guidance", sha256=sha256(path))
    return read_prompts(spec)


def _runs(path: Path) -> object:
    return read_gathered(path.parent)


def _gathered() -> Any:
    job = next(job for job in make_plan("quickstart-generation").jobs.values() if job.stage == "aggregate")
    result = {"stage": "original", "manifest": "a", "specification": "b", "code": "c", "record": RECORD}
    runs = [run.model_dump(mode="json") for run in job.runs[:2]]
    return {"runs": runs, "jobs": {"runs/a": result}, "missing": ["runs/b"]}


def _headers(content: bytes) -> st.SearchStrategy[bytes]:
    """Return safetensors files: damaged ones, and such with another header."""
    length = int.from_bytes(content[:8], "little")
    header, rest = json.loads(content[8 : 8 + length]), content[8 + length :]

    def packed(text: bytes) -> bytes:
        return len(text).to_bytes(8, "little") + text + rest

    return st.one_of(damaged(content), broken_texts(header, as_json).map(packed))


def targets() -> dict[str, Target]:
    """Return all kinds of files by their name."""
    specifications = list(_specifications().values())
    weights, text = _weights(), lambda content: st.one_of(damaged(content), broken_texts({"a": [1]}, as_yaml))
    return {
        "study": _small_study(),
        "study that extends": _configuration("studies", ("lur-smoke", "pgu-smoke", "gdr-gma-lite"), _study),
        "generation": _configuration("studies", ("quickstart-generation", "lur-concept"), _study),
        "recipe": _configuration("recipes", ("digits-small", "lur-cifar10", "digits-ddpm"), _recipe),
        "preset": _configuration("presets", ("lur", "salun", "pgu"), lambda path: presets.read(path.stem)),
        "paper": _configuration(
            "papers", ("lur", "pgu"), lambda path: papers.read_paper(path.stem, catalogue())
        ),
        "printed numbers": Target(
            "config/reported/lur_table1_random.csv", text(CSV), lambda path: reported.read_file(path.name)
        ),
        "record": Target("record.json", broken_texts(RECORD, as_json), lambda path: read_record(path.parent)),
        "manifest": Target(
            "manifest.json", broken_texts(MANIFEST, as_json), lambda path: read_manifest(path.parent)
        ),
        "specification": Target(
            "specification.json",
            st.sampled_from(specifications).flatmap(lambda content: broken_texts(content, as_json)),
            _specification,
        ),
        "runs.json": Target("runs.json", broken_texts(_gathered(), as_json), _runs),
        ".dvc": Target("runs.dvc", broken_texts(DVC, as_yaml), read_outputs),
        "indices": Target("list.txt", text(b"# forget\n1\n2\n\n30\n"), lambda path: read_indices(str(path))),
        "indices.npy": Target(
            "list.npy", damaged(_array(np.arange(9))), lambda path: read_indices(str(path))
        ),
        "prompts": Target("prompts.csv", text(PROMPTS), _prompts),
        "weights": Target(
            "m.safetensors", _headers(weights), lambda p: read_weights(str(p), NETWORK, (1, 8, 8), 10)
        ),
        "header of weights": Target("m.safetensors", _headers(weights), shapes_of),
        "pickled weights": Target("m.pth", damaged(_torch_file()), read_pickle),
        "zip": Target("set.zip", damaged(_archive("zip")), _read_zip),
        "tgz": Target("set.tgz", damaged(_archive("tgz")), _read_tar),
        "picture": Target(
            "p.png", damaged(_picture()), lambda path: pixels(path.read_bytes(), 8, None, "p.png", "mend it")
        ),
        "code": Target(
            "c.py",
            text(CODE),
            lambda path: _check_function(path, "detect", "detection"),
        ),
    }
