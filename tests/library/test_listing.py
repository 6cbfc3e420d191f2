"""What there is, as Python sees it: the same cards as the command line's."""

from __future__ import annotations

import subprocess
import sys

import pytest

import reunlearn
from reunlearn.study.catalogue import catalogue


def test_methods_are_those_of_the_catalogue() -> None:
    lines = {line.name: line for line in reunlearn.methods()}
    assert lines.keys() == catalogue().methods.keys()
    for name, card in catalogue().methods.items():
        assert (lines[name].summary, lines[name].paper) == (card.summary, card.paper)
        assert (lines[name].readings, lines[name].settings) == (card.readings, card.hyperparameters)
        assert not lines[name].needs.keys() - {
            "forget",
            "retain",
            "validation",
            "true_labels",
            *card.needs.state,
        }
    assert lines["erm_ktp"].study_only and lines["esd"].study_only and not lines["salun"].study_only
    assert str(lines["salun"]).startswith("salun@paper salun@code: ")
    assert str(lines["nabla_tau"]).endswith("Reads forget, retain, validation.")


def test_attacks_are_those_of_the_catalogue() -> None:
    lines = {line.name: line for line in reunlearn.attacks()}
    assert lines.keys() == catalogue().attacks.keys()
    for name, card in catalogue().attacks.items():
        line = lines[name]
        assert line.summary == card.summary and line.card is not None and line.missing is None
        assert (line.card.compares, line.card.pools) == (card.compares, card.pools)
    assert "Learns from shadow models: halves." in str(lines["lira"])


def test_the_package_is_light_and_lists_what_it_offers() -> None:
    program = (
        "import sys, reunlearn; assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules);"
        "assert set(reunlearn.__all__) <= set(dir(reunlearn));"
        "[getattr(reunlearn, name) for name in reunlearn.__all__]; print(len(reunlearn.attacks()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(reunlearn.attacks())


def test_what_is_not_offered_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'learn'"):
        _ = reunlearn.learn
