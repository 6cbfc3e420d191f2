"""What a section says was run."""

from __future__ import annotations

from synthetic import study

from reunlearn.reporting.sections import setting

CARDS = {"a": {"pools": []}, "b": {"pools": ["inside", "outside"]}, "c": {"pools": ["half"]}}


def shadow_models(*attacks: str) -> str | None:
    experiment = study()["experiments"][0] | {
        "attacks": list(attacks),
        "shadows": {"inside": 8, "outside": 6, "half": 64},
    }
    return dict(setting(experiment, {}, [0], CARDS)).get("Shadow models")


def test_only_shadow_models_that_an_attack_reads_are_named() -> None:
    assert shadow_models("a") is None
    assert shadow_models("a", "b") == "8 inside, 6 outside"
    assert shadow_models("b", "c") == "8 inside, 6 outside, 64 half"
