"""What a user brings to a page: the files that a page speaks of and does not make."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable

import numpy as np
import torch
from safetensors.torch import save_file

from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from tests.workflow.project import ROOT, Project

DETECTOR = """
class NudeDetector:
    def detect(self, image):
        return [{"class": "BELLY_EXPOSED", "score": 0.5}, {"class": "FACE", "score": 0.9}]
"""


def audited(project: Project) -> None:
    """Weights of two networks, and the numbers of what is to be forgotten."""
    for seed, name in enumerate(("mine", "retrain")):
        network = build(ArchitectureSpec(name="small_cnn", settings={"width": 6}), (1, 8, 8), 10, seed)
        save_file(network.state_dict(), project.root / f"{name}.safetensors")
    np.save(project.root / "forget.npy", np.arange(0, 300, 3))


def inception(project: Project) -> None:
    """A pickle of tensors, in the place of the published one."""
    torch.save({"weight": torch.ones(2, 3).t()}, project.root / "pt_inception-2015-12-05-6726825d.pth")


def nudenet(project: Project) -> None:
    """A package with the interface of NudeNet."""
    (project.root / "nudenet.py").write_text(DETECTOR)


def references(project: Project) -> None:
    """The committed reports."""
    (project.root / "reports/reference").symlink_to(ROOT / "reports/reference")


def repository(project: Project) -> None:
    """A git repository with DVC's configuration; the remote is a folder beside it."""
    (project.root / ".dvc").mkdir()
    shutil.copy2(ROOT / ".dvc/config", project.root / ".dvc/config")
    (project.root / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    for words in (
        ("init", "-q"),
        ("config", "user.name", "someone"),
        ("config", "user.email", "someone@example.org"),
        ("add", "-A"),
        ("commit", "-qm", "Begin"),
    ):
        subprocess.run(["git", *words], cwd=project.root, check=True, capture_output=True)


BROUGHT: dict[str, Callable[[Project], None]] = {
    "docs/add-dataset.md": repository,
    "docs/audit.md": audited,
    "docs/concepts.md": nudenet,
    "docs/data.md": inception,
    "docs/reproduce-a-paper.md": references,
    "docs/snapshots.md": repository,
}
