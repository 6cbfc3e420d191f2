"""What a section says was run."""

from __future__ import annotations

from synthetic import study

from reunlearn.reporting.sections import setting

CARDS = {"a": {"pools": []}, "b": {"pools": ["with_forget", "without_forget"]}, "c": {"pools": ["halves"]}}


def shadow_models(*attacks: str) -> str | None:
    experiment = study()["experiments"][0] | {
        "attacks": list(attacks),
        "shadows": {"with_forget": 8, "without_forget": 6, "halves": 64},
    }
    return dict(setting(experiment, {}, [0], CARDS)).get("Shadow models")


def test_only_shadow_models_that_an_attack_reads_are_named() -> None:
    assert shadow_models("a") is None
    assert shadow_models("a", "b") == "8 inside, 6 outside"
    assert shadow_models("b", "c") == "8 inside, 6 outside, 64 half"
