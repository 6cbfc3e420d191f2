"""The page of a noise predictor: no accuracies, no attacks, no samples; gaps in the unit of its losses."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest

from reunlearn.measures.registry import Measured
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.tables.methods import marks
from reunlearn.study import paths
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Study
from reunlearn.study.specs import NOISE_FLOOR, ORIGINAL, RowSpec, RunSpec
from reunlearn.study.specs import RETRAIN as RETRAIN_ROW
from tests.reporting import cards, synthetic
from tests.reporting.conftest import report_of
from tests.reporting.jobs import finish, finish_measure
from tests.reporting.places import place, training_of
from tests.reporting.reading import cells, numbers, shown

NAME, UNIT = "denoiser", "squared error per pixel"
LOSSES = {  # of forget and retain
    RETRAIN_ROW: (0.0221, 0.0153),
    NOISE_FLOOR: (0.0224, 0.0154),
    ORIGINAL: (0.0155, 0.0152),
    RowSpec(method="finetune"): (0.0168, 0.0150),
    RowSpec(method="sfr_on", reading="paper"): (0.0213, 0.0158),
    RowSpec(method="sfr_on", reading="code"): (0.0250, 0.0161),
}
SIZES = {"forget": 50.0, "retain": 200.0, "test": 100.0}
CARDS = cards.catalogue(
    [cards.method("finetune"), cards.method("sfr_on", readings=("paper", "code"))],
    [cards.measure("denoising_loss")],
)


def study() -> Study:
    """Return a study whose models predict noise."""
    methods = [row for row in LOSSES if row not in (RETRAIN_ROW, NOISE_FLOOR, ORIGINAL)]
    experiment = {
        "name": NAME,
        "dataset": {"name": "digits", "train": 250},
        "architecture": {"name": "denoiser"},
        "objective": {"name": "noise_prediction"},
        "recipe": "digits-denoiser",
        "scenario": {"kind": "random", "fraction": 0.2},
        "seeds": [0, 1, 2],
        "methods": [row.name for row in methods],
    }
    return Study.model_validate({"name": "noise", "title": "Noise", "experiments": [experiment]})


def run_of(row: RowSpec, seed: int) -> RunSpec:
    """Return one run, and write its folders."""
    (experiment,) = study().experiments
    training = training_of(experiment, "noise_prediction")
    folder, model, method = place(experiment, training, row, seed)
    draw = np.random.default_rng(synthetic.hash_of(folder) + seed)
    losses = dict(zip(("forget", "retain"), LOSSES[row], strict=True)) | {"test": 0.0219}
    numbers = {f"denoising_loss_{s}": loss + draw.normal(0, 1e-4) for s, loss in losses.items()}
    measured = paths.measured(folder, "denoising_loss")
    finish_measure(measured, Measured(numbers | {f"size_{s}": size for s, size in SIZES.items()}))
    finish(model, "unlearn", seconds=1.0 + seed, status="finished", drawn={"forget": 100} if method else None)
    return RunSpec(
        experiment=NAME,
        row=row,
        seeds=Seeds(train=seed, split=seed, method=seed),
        scenario=experiment.scenario,
        training=training,
        method=method,
        model=model,
        measured={"denoising_loss": measured},
    )


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """The study, gathered by the real stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("noise"))
        runs = [run_of(row, seed) for seed in range(3) for row in LOSSES]
        return synthetic.read(study(), synthetic.gather("noise", runs), CARDS)


@pytest.fixture(scope="module")
def report(noise):
    """Its report."""
    return report_of(noise)


def test_the_first_table_has_the_two_losses_with_their_gap_to_retrain(noise):
    data = noise.data(NAME)
    found = numbers(data, "methods")
    assert data.headline.metrics == ["denoising_loss_forget", "denoising_loss_retain"]
    paper = RowKey("sfr_on", "paper")
    gaps = [abs(found[paper][m].mean - found[RETRAIN][m].mean) for m in data.headline.metrics]
    assert found[paper]["avg_gap"].mean == pytest.approx(np.mean(gaps))
    assert marks(data)[paper] == "best"
    columns = shown(data, "methods").columns
    assert [c.unit for c in columns] == [UNIT, f"{UNIT}, gap", f"{UNIT}, gap", "", "", "n"]
    assert columns[0].card is not None and columns[0].card.unit == UNIT
    assert [c.title for c in columns[1:3]] == ["Denoising loss, forget", "Denoising loss, retain"]


def test_small_numbers_have_the_decimals_that_they_need(noise):
    gap, forget, retain, *_ = cells(noise.data(NAME), "methods")[RowKey("sfr_on", "paper")].values()
    assert re.fullmatch(r"0\.000\d\d", gap.main)
    assert re.fullmatch(r"0\.021\d\d ± 0\.000\d\d", forget.main)
    assert re.fullmatch(r"0\.0158\d|0\.0157\d ± 0\.000\d\d|0\.0158\d ± 0\.000\d\d", retain.main)
    assert re.fullmatch(r"0\.000\d\d", forget.below)


def test_nothing_in_the_page_is_in_per_cent_but_the_share_of_run_time(report):
    text = " ".join(
        unescape(re.sub("<[^>]+>", " ", re.sub(r"<svg.*?</svg>", "", report.page, flags=re.S))).split()
    )
    assert f"Avg. Gap to Retrain in {UNIT}; lower is closer." in text
    assert re.search(
        rf"sfr_ ?on@paper comes closest to Retrain, with an Avg\. Gap of 0\.000\d\d \({UNIT}\)", text
    )
    assert "percentage points" not in text and "Accuracy" not in text and " pp " not in text
    assert "50 of 250 samples" in text
    assert "Objective noise_prediction" in text


def test_what_needs_samples_is_absent_with_a_reason(report):
    assert "No ROC: this experiment runs no attack." in report.page
    assert "No histograms of the loss: this experiment does not measure it per sample." in report.page
    figures = {name for name in report.files if name.startswith("figures/") and name.endswith(".svg")}
    assert figures == {f"figures/{NAME}-gap_time.svg", "figures/critical_difference.svg"}


def test_the_other_tables_are_there_and_those_of_attacks_and_accuracies_are_not(report):
    tables = {name.removeprefix(f"tables/{NAME}-") for name in report.files if name.endswith(".md")}
    assert tables == {"methods.md", "significance.md", "others.md", "costs.md", "tables/ranks.md"}
    others = report.files[f"tables/{NAME}-others.md"]
    assert "Denoising loss, test (squared error per pixel)" in others
    assert report.files[f"runs/{NAME}.html"].count("reunlearn show runs/") == 18
