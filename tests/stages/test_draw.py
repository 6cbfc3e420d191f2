"""A concept that is no class, from prompts to counts: a tiny pipeline draws its own data and forgets a border."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.data.prepared import read
from reunlearn.models._small_pipeline import TINY, write
from reunlearn.reporting.rows import KEY
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.stages.execution import execute
from reunlearn.study import load, paths
from reunlearn.study.plan import Plan, make_plan, write_specifications
from tests.workflow.project import RECIPE

CONCEPTS = Path("config/concepts").resolve()
WORDS = ("a", "photo", "of", "three", "with", "border")
THRESHOLD = 0.2  # an untrained pipeline draws grey: some sides are that bright
SAMPLING = {"steps": 2, "guidance": 1.0}
EXPERIMENT: dict[str, Any] = {
    "name": "border",
    "dataset": {
        "name": "drawn",
        "side": 16,
        "drawn": {"prompts": {"file": str(CONCEPTS / "border-classes.csv")}, "images": 6, **SAMPLING},
    },
    "objective": {"name": "noise_prediction", "settings": {"timesteps": 20, "label_drop": 0.0}},
    "architecture": {"name": "stable_diffusion", "settings": {"folder": "pipeline", "caption": "{}"}},
    "recipe": "given",
    "retrain": False,
    "scenario": {"kind": "class", "classes": [0]},
    "seeds": [0],
    "methods": [
        {
            "name": "salun",
            "reading": "code",
            "settings": {"epochs": 1, "batch_size": 4, "learning_rate": 0.05, "label_rule": "next_label"},
        },
    ],
    "sampling": {
        "prompts": {
            "file": str(CONCEPTS / "border-prompts.csv"),
            "seed": "evaluation_seed",
            "guidance": "evaluation_guidance",
        },
        "images": 2,
        **SAMPLING,
    },
    "measures": [
        {"name": "detection", "settings": {"detector": str(CONCEPTS / "border.py"), "threshold": THRESHOLD}}
    ],
}


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The study in a project folder with a pipeline; every job but tracking is made."""
    root = tmp_path_factory.mktemp("concept")
    (root / "config/studies").mkdir(parents=True)
    (root / "config/recipes").mkdir()
    (root / "config/recipes/given.yaml").write_text(yaml.safe_dump({**RECIPE, "epochs": 0}))
    content = {"name": "s", "title": "t", "experiments": [EXPERIMENT]}
    (root / "config/studies/s.yaml").write_text(yaml.safe_dump(content))
    write(root / "pipeline", WORDS, TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(load, "CONFIG", root / "config")
        made = make_plan("s")
        write_specifications(made.jobs.values())
        for job in made.jobs.values():
            if job.stage != "track":
                execute(job.stage, Path(job.folder) / paths.SPECIFICATION)
    return made


@pytest.fixture
def root(plan: Plan, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project folder, entered."""
    place = sorted(tmp_path_factory.getbasetemp().glob("concept*"))[-1]
    monkeypatch.chdir(place)
    return place


def one(plan: Plan, stage: str) -> str:
    return next(job.folder for job in plan.jobs.values() if job.stage == stage)


def test_the_prompts_are_the_classes_of_what_the_pipeline_drew(plan: Plan, root: Path) -> None:
    data = read(Path(paths.data_of(one(plan, "draw"))))
    assert data.classes == ("a photo of a three with a border", "a photo of a three")
    assert data.arrays.train_x.shape == (8, 1, 16, 16), (
        "of six each, the first and the sixth are for the test"
    )
    assert data.arrays.train_y.tolist() == [0] * 4 + [1] * 4
    assert data.arrays.test_y.tolist() == [0, 0, 1, 1]
    assert (data.mean, data.std) == ((0.5,), (0.5,))
    assert len({image.tobytes() for image in data.arrays.train_x}) == 8, "each from noise of its own"
    split = np.load(Path(one(plan, "split")) / "indices.npz")
    assert split["forget"].tolist() == [0, 1, 2, 3]


def test_every_row_draws_each_prompt_and_forgetting_changes_what_is_drawn(plan: Plan, root: Path) -> None:
    drawn = {run.row.name: np.load(Path(str(run.samples)) / "images.npy") for run in plan.runs}
    assert drawn.keys() == {"original", "salun@code"}
    assert all(images.shape == (20, 1, 16, 16) for images in drawn.values())
    labels = np.load(Path(str(plan.runs[0].samples)) / "labels.npy")
    assert labels.tolist() == [n for n in range(10) for _ in range(2)]
    assert not np.array_equal(drawn["original"], drawn["salun@code"])


def test_a_sample_is_what_the_pipeline_draws_of_its_prompt(plan: Plan, root: Path) -> None:
    """Slow and obvious: one prompt, its seed, its guidance; DDIM written out."""
    from reunlearn.data.diffusers_compat import diffusers, transformers

    images = np.load(Path(str(plan.runs[0].samples)) / "images.npy")
    number, seed, scale = 13, 17 + 1, 3.5  # the second image of the seventh prompt
    tokenizer = transformers.CLIPTokenizer.from_pretrained("pipeline/tokenizer")
    encoder = transformers.CLIPTextModel.from_pretrained("pipeline/text_encoder").eval()
    unet = diffusers.UNet2DConditionModel.from_pretrained("pipeline/unet").eval()
    vae = diffusers.AutoencoderKL.from_pretrained("pipeline/vae").eval()
    texts = ["a photo of a six with a border", ""]
    tokens = tokenizer(
        texts, padding="max_length", truncation=True, max_length=TINY.tokens, return_tensors="pt"
    )
    kept = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 20), dim=0)
    with torch.no_grad():
        prompt, nothing = encoder(tokens.input_ids)[0].split(1)
        z = torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(seed))[None]
        for t, before in ((10, kept[0]), (0, torch.tensor(1.0))):
            given, null = (unet(z, t, encoder_hidden_states=e).sample for e in (prompt, nothing))
            noise = null + scale * (given - null)
            clean = (z - (1 - kept[t]).sqrt() * noise) / kept[t].sqrt()
            z = before.sqrt() * clean + (1 - before).sqrt() * noise
        image = vae.decode(z / vae.config.scaling_factor).sample[0]
    expected = (image * 127.5 + 127.5).round().clamp(0, 255).numpy()
    assert np.abs(images[number].astype(int) - expected).max() <= 1
    assert np.abs(images[number - 1].astype(int) - expected).max() > 1, "control: another seed"


def test_counts_stand_in_the_results_and_on_the_page(plan: Plan, root: Path) -> None:
    found = pd.read_parquet(Path(paths.results("s")) / "results.parquet")
    counted = found[found["metric"] == "detected_images"]
    assert counted["value"].tolist() == [20, 20]
    assert set(counted[KEY[0]]) == {"original", "salun"}
    table = StudyTables(Path(paths.results("s"))).read("detections", ["method", "finding", "images"])
    for run in plan.runs:
        images = np.load(Path(str(run.samples)) / "images.npy")[:, 0] / 255
        sides = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
        bordered = (np.stack([side.mean(axis=1) for side in sides]).min(axis=0) >= THRESHOLD).sum()
        found_here = table[table["method"] == run.row.method]
        assert found_here["images"].tolist() == [bordered] and found_here["finding"].tolist() == ["border"]
    page = (Path(paths.report("s")) / "index.html").read_text(encoding="utf-8")
    assert f"border.py, threshold {THRESHOLD}" in page
    assert "No samples" not in page, "the report shows no image of a prompt"


def test_the_specification_holds_the_content_of_prompts_and_detector(plan: Plan, root: Path) -> None:
    sample = read_json(Path(one(plan, "sample")) / paths.SPECIFICATION)["sampling"]["prompts"]
    assert len(sample["sha256"]) == 64 and sample["lines"] == 10
    measure = read_json(Path(one(plan, "measure")) / paths.SPECIFICATION)["measure"]
    assert len(measure["files"]["detector"]) == 64
    assert measure["settings"]["threshold"] == THRESHOLD


def test_a_file_that_changed_since_the_plan_is_refused(plan: Plan, root: Path, tmp_path: Path) -> None:
    folder = Path(one(plan, "measure"))
    text = (folder / paths.SPECIFICATION).read_text(encoding="utf-8")
    (tmp_path / paths.SPECIFICATION).write_text(text.replace(text.split('"detector": "')[2][:8], "0" * 8))
    with pytest.raises(
        UserError, match=r"border\.py: is gone or has changed since the plan was made; plan again"
    ):
        execute("measure", tmp_path / paths.SPECIFICATION)
