"""The papers' claims speak of rows, experiments and numbers that their studies have."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study import load
from reunlearn.study.averages import averages_of
from reunlearn.study.catalogue import catalogue
from reunlearn.study.claims import OTHERS, Claim
from reunlearn.study.papers import names, read_paper

COSTS = {"seconds_run"}
CLAIMS = [(paper, claim) for paper in names() for claim in read_paper(paper, catalogue()).claims]
IDS = [f"{paper}: {claim.name}" for paper, claim in CLAIMS]


def test_every_paper_has_six_claims_with_names_of_their_own() -> None:
    for paper in names():
        claims = [claim.name for of, claim in CLAIMS if of == paper]
        assert len(claims) >= 6
        assert len(set(claims)) == len(claims)


@pytest.mark.parametrize(("paper", "claim"), CLAIMS, ids=IDS)
def test_a_claim_is_about_what_the_study_runs(paper: str, claim: Claim) -> None:
    study = load.load_study(claim.study or paper)
    assert study.paper == paper
    experiments = {e.name: e for e in study.experiments}
    defined = {name for card in catalogue().measures.values() for name in card.numbers}
    for name in claim.experiments:
        experiment = experiments[name]
        rows = {f"{m.name}+{m.label}" if m.label else m.name for m in experiment.methods}
        assert {claim.row, *claim.than} - {OTHERS} <= rows | {"original", "retrain"}
        averages = averages_of([read_paper(paper, catalogue())])
        known = defined | set(experiment.attacks) | {average.name for average in averages} | COSTS
        assert claim.number in known
    for size in ("lite", "smoke"):
        assert load.load_study(f"{paper}-{size}").paper == paper


def test_a_study_has_no_experiment_that_a_claim_about_another_study_names() -> None:
    """The report finds experiments by their names alone."""
    for paper, claim in CLAIMS:
        others = {of.study or paper for name, of in CLAIMS if name == paper} - {claim.study or paper}
        names = {e.name for study in others for e in load.load_study(study).experiments}
        assert not names & set(claim.experiments), claim.name


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"expects": "within"}, "margin belongs to 'expects: within'"),
        ({"margin": 1.0}, "margin belongs to 'expects: within'"),
        ({"expects": "best"}, "must be 'lower', 'higher', 'nearer' or 'within'"),
        ({"experiments": []}, "at least 1 must be listed"),
    ],
)
def test_a_claim_that_says_nothing_is_refused(changes: dict[str, object], words: str) -> None:
    content = {
        "name": "a",
        "says": "b",
        "source": "c",
        "experiments": ["one"],
        "row": "salun",
        "number": "avg_gap",
        "expects": "lower",
    }
    assert load.parse(Claim, content, "here").than == (OTHERS,)
    with pytest.raises(UserError, match=words):
        load.parse(Claim, content | changes, "here")
