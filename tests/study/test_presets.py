"""Presets: every shipped file is right and never leaves two entries to choose from; mistakes are one line."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import yaml

from reunlearn.base.errors import UserError
from reunlearn.study import load, methods, presets
from reunlearn.study.catalogue import catalogue
from reunlearn.study.preset_choice import choose
from reunlearn.study.presets import ScenarioConditions
from reunlearn.study.recipes import RecipeEntry
from reunlearn.study.rows import Method
from reunlearn.study.scenario import kind_class, kinds, read_scenario
from reunlearn.study.schema import Experiment
from tests.workflow.project import EXPERIMENT

SCENARIOS: dict[str, dict[str, Any]] = {
    "random": {"fraction": 0.123},
    "class": {"classes": [1]},
    "subclass": {"subclasses": [1]},
    "first": {"count": 77},
    "label_flip": {"count": 77},
    "identities": {"count": 77},
    "indices": {"file": "list.txt"},
}
SAMPLES = ("random", "subclass", "random_per_class", "first", "indices")
# the mode of PGU that is for each kind of scenario
MODES = {
    "class": "class",
    "identities": "class",
    "label_flip": "depoisoning",
    **dict.fromkeys(SAMPLES, "removal"),
}


def experiment(**change: Any) -> Experiment:
    return Experiment.model_validate({**EXPERIMENT, **change})


def write(folder: Path, entries: Any, method: str = "finetune") -> None:
    (folder / "presets").mkdir(exist_ok=True)
    (folder / f"presets/{method}.yaml").write_text(yaml.safe_dump(entries))


def entry(conditions: dict[str, Any], epochs: int = 1, source: str = "a test") -> dict[str, Any]:
    return {"for": conditions, "provenance": "unsearched", "source": source, "settings": {"epochs": epochs}}


def chosen(name: str = "finetune", reading: str | None = None, **change: Any) -> dict[str, Any]:
    """Return the settings that a row of an experiment gets, as the plan does."""
    table = experiment(**change)
    row = Method.model_validate({"name": name, "reading": reading})
    return methods.resolve(row, table, catalogue().methods, "here").settings


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(load, "CONFIG", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "- for: {}\n  source: a\n  settings: {epochs: 1}\n  source: b\n",
            "line 4: the key 'source' stands there twice",
        ),
        ("- for: {}\n  source: a\n  settings: {epochs: 012}\n", "line 3: YAML reads 012 as an octal number"),
        (
            "- for: {}\n  provenance: printed\n  source: no\n  settings: {epochs: 1}\n",
            "entry 1: source: YAML reads this as false (also no",
        ),
        (
            "- for: {}\n  source: a\n  settings: {rate: .inf}\n",
            "settings.rate: inf (.inf, .nan) cannot be used",
        ),
        (
            "- for: {datset: digits}\n  source: a\n  settings: {}\n",
            "unknown key 'datset'; did you mean dataset",
        ),
        ("- fro: {}\n  source: a\n  settings: {}\n", "unknown key 'fro'; did you mean for"),
    ],
)
def test_mistakes_of_a_file_are_one_line(config: Path, text: str, said: str) -> None:
    (config / "presets").mkdir()
    file = config / "presets/finetune.yaml"
    file.write_bytes(text.encode("utf-8-sig"))
    with pytest.raises(UserError) as caught:
        presets.read("finetune")
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_method_has_a_file_and_every_file_a_method() -> None:
    assert load.names("presets") == sorted(catalogue().methods)
    assert len(load.names("presets")) >= 30


@pytest.mark.parametrize("method", load.names("presets"))
def test_every_entry_fits_something(method: str) -> None:
    card, options = catalogue().methods[method], presets.read(method)
    assert options
    presets.check_conditions(options, card)
    for place, preset in options.items():
        methods.check_settings(preset.settings, card, place)
        assert set(preset.conditions.values.get("recipe", ())) <= set(load.names("recipes")), place


def mentioned(method: str) -> dict[str, list[Any]]:
    """Return the values that the entries of a file name, by condition, and one more that none names."""
    values: dict[str, set[Any]] = {name: {"another"} for name in ("dataset", "architecture", "recipe")}
    values |= {"scenario.fraction": set(), "scenario.count": set()}
    for preset in presets.read(method).values():
        for name in values:
            values[name] |= set(preset.conditions.values.get(name, ()))
    return {name: sorted(named) for name, named in values.items()}


def experiments_of(method: str) -> list[Experiment]:
    """Return an experiment for every combination of the values that a method's entries name."""
    named = mentioned(method)
    scenarios = [{"kind": kind, **fields} for kind, fields in SCENARIOS.items()]
    scenarios += [{"kind": "random", "fraction": fraction} for fraction in named["scenario.fraction"]]
    scenarios += [{"kind": "identities", "count": count} for count in named["scenario.count"]]
    table = experiment()
    return [
        table.model_copy(
            update={
                "dataset": table.dataset.model_copy(update={"name": dataset}),
                "architecture": table.architecture.model_copy(update={"name": network}),
                "recipe": RecipeEntry(name=recipe),
                "scenario": scenario,
            }
        )
        for scenario in map(read_scenario, scenarios)
        for dataset, network, recipe in itertools.product(
            *(named[name] for name in ("dataset", "architecture", "recipe"))
        )
    ]


@pytest.mark.parametrize("method", load.names("presets"))
def test_no_experiment_leaves_two_entries_to_choose_from(method: str) -> None:
    options = presets.read(method)
    for reading in catalogue().methods[method].readings or (None,):
        row = Method.model_validate({"name": method, "reading": reading})
        for table in experiments_of(method):
            choose(options, row, table, "here")


def test_control_two_entries_are_noticed() -> None:
    options = presets.read("salun")
    broken = {
        place: preset.model_copy(update={"conditions": presets.Conditions(recipe="sfr-on-cifar10")})
        if preset.conditions.values.get("recipe") == ("sfr-on-cifar10",)
        else preset
        for place, preset in options.items()
    }
    row = Method.model_validate({"name": "salun", "reading": "paper"})
    with pytest.raises(UserError, match="several presets fit"):
        for table in experiments_of("salun"):
            choose(broken, row, table, "here")


def test_the_mode_of_pgu_follows_the_scenario() -> None:
    for place, preset in presets.read("pgu").items():
        kinds = preset.conditions.values["scenario.kind"]
        assert kinds, place
        searched = "searched in this mode" in preset.source
        assert {MODES[kind] for kind in kinds} == {preset.settings["mode"]} or searched, place
    for reading in ("paper", "code"):
        row = Method.model_validate({"name": "pgu", "reading": reading})
        for table in experiments_of("pgu"):
            preset = choose(presets.read("pgu"), row, table, "here")
            if table.recipe.name != "digits-small":
                settings = preset.settings if preset else {}
                assert settings.get("mode", "removal") == MODES[table.scenario.kind]


def test_thirty_identities_are_not_a_hundred_and_fifty_three() -> None:
    sources = {
        count: [
            preset.source
            for preset in presets.read("salun").values()
            if preset.conditions.values.get("scenario.count") == count
        ]
        for count in ((30,), (153,))
    }
    assert sources == {(30,): ["Scissorhands, released scripts (SalUn family)"], (153,): []}


def test_every_field_of_the_scenario_but_one_can_be_a_condition() -> None:
    fields = {name for kind in kinds() for name in kind_class(kind).model_fields}
    from_plan = {name for kind in kinds() for name in kind_class(kind).FROM_PLAN}
    assert set(ScenarioConditions.model_fields) == fields - from_plan - {"step"}


FITTING: dict[str, tuple[Any, dict[str, Any]]] = {
    "a kind": ("class", {"kind": "class", "classes": [3]}),
    "one of two kinds": (["class", "random"], {"kind": "class", "classes": [3]}),
    "any kind": ("any", {"kind": "class", "classes": [3]}),
    "a fraction": ({"fraction": 0.1}, {"kind": "random", "fraction": 0.1}),
    "one of two fractions": ({"fraction": [0.2, 0.1]}, {"kind": "random", "fraction": 0.1}),
    "any fraction": ({"fraction": "any"}, {"kind": "class", "classes": [3]}),
    "a count": ({"kind": "identities", "count": 3}, {"kind": "identities", "count": 3}),
    "these classes": ({"classes": [5, 3]}, {"kind": "class", "classes": [3, 5]}),
    "one of two lists of classes": ({"classes": [[1], [3, 5]]}, {"kind": "class", "classes": [3, 5]}),
    "a number of classes": ({"classes": 2}, {"kind": "class", "classes": [3, 5]}),
    "these pairs": (
        {"pairs": [[7, 1], [3, 8]]},
        {"kind": "label_flip", "count": 1, "pairs": [[3, 8], [1, 7]]},
    ),
    "one of two lists of pairs": (
        {"pairs": [[[0, 2]], [[1, 7]]]},
        {"kind": "label_flip", "count": 1, "pairs": [[1, 7]]},
    ),
    "a number of pairs": ({"pairs": 1}, {"kind": "label_flip", "count": 1, "pairs": [[1, 7]]}),
    "steps": ({"steps": 2}, {"kind": "first", "count": 2, "steps": 2, "step": 1}),
    "a file": ({"file": "a.txt"}, {"kind": "indices", "file": "a.txt"}),
}
MISSING: dict[str, tuple[Any, dict[str, Any]]] = {
    "a kind": ("class", {"kind": "random", "fraction": 0.1}),
    "another fraction": ({"fraction": 0.1}, {"kind": "random", "fraction": 0.11}),
    "another count": ({"kind": "identities", "count": 3}, {"kind": "identities", "count": 4}),
    "other classes": ({"classes": [3]}, {"kind": "class", "classes": [5]}),
    "fewer classes": ({"classes": [3, 5]}, {"kind": "class", "classes": [3]}),
    "another number of classes": ({"classes": 3}, {"kind": "class", "classes": [3]}),
    "no classes": ({"classes": 1}, {"kind": "random", "fraction": 0.1}),
    "other pairs": ({"pairs": [[1, 7]]}, {"kind": "label_flip", "count": 1, "pairs": [[1, 8]]}),
    "steps": ({"steps": 2}, {"kind": "first", "count": 2}),
}


@pytest.mark.parametrize(("conditions", "scenario"), FITTING.values(), ids=FITTING)
def test_conditions_on_the_scenario(config: Path, conditions: Any, scenario: dict[str, Any]) -> None:
    write(config, [entry({"scenario": conditions}, 99)])
    assert chosen(scenario=scenario)["epochs"] == 99


@pytest.mark.parametrize(("conditions", "scenario"), MISSING.values(), ids=MISSING)
def test_conditions_that_do_not_hold(config: Path, conditions: Any, scenario: dict[str, Any]) -> None:
    write(config, [entry({"scenario": conditions}, 99)])
    assert chosen(scenario=scenario)["epochs"] != 99


# conditions of entries that all fit; the first one wins, wherever it stands
NARROWER: dict[str, list[dict[str, Any]]] = {
    "one condition more": [{"dataset": "digits", "recipe": "tiny"}, {"dataset": "digits"}, {}],
    "fewer values": [{"dataset": "digits"}, {"dataset": ["digits", "cifar10"]}],
    "a value against any": [{"dataset": "digits"}, {"dataset": "any"}],
    "more conditions, any value": [
        {"dataset": "digits", "recipe": "tiny", "scenario": "any"},
        {"dataset": "digits", "scenario": "random"},
        {"dataset": "digits", "recipe": "tiny"},
    ],
    "a field of the scenario": [{"scenario": {"kind": "random", "fraction": 0.25}}, {"scenario": "random"}],
    "more than both": [
        {"dataset": "digits", "recipe": "tiny", "architecture": "small_cnn"},
        {"dataset": "digits", "recipe": "tiny"},
        {"dataset": "digits", "architecture": "small_cnn"},
    ],
}


@pytest.mark.parametrize("conditions", NARROWER.values(), ids=NARROWER)
def test_the_most_specific_entry_wins(config: Path, conditions: list[dict[str, Any]]) -> None:
    for order in itertools.permutations(range(len(conditions))):
        write(config, [entry(conditions[n], 50 + n) for n in order])
        presets._read.cache_clear()
        assert chosen()["epochs"] == 50


def test_classes_by_name_win_over_their_number(config: Path) -> None:
    write(config, [entry({"scenario": {"classes": 1}}, 50), entry({"scenario": {"classes": [3]}}, 51)])
    assert chosen(scenario={"kind": "class", "classes": [3]})["epochs"] == 51
    assert chosen(scenario={"kind": "class", "classes": [4]})["epochs"] == 50


def test_what_the_study_sets_wins_over_the_preset(config: Path) -> None:
    write(config, [entry({}, 50)])
    row = Method.model_validate({"name": "finetune", "settings": {"epochs": 7}})
    assert methods.resolve(row, experiment(), catalogue().methods, "here").settings["epochs"] == 7


def test_an_ambiguous_choice_is_refused_and_says_what_to_add(config: Path) -> None:
    write(
        config,
        [
            entry({}),
            entry({"dataset": "digits", "scenario": {"fraction": 0.25}}, 50, "this one"),
            entry({"recipe": "tiny", "scenario": "random"}, 51, "that one"),
        ],
    )
    with pytest.raises(UserError) as caught:
        chosen()
    line = str(caught.value)
    assert line.startswith("here, method 'finetune': several presets fit")
    assert "finetune.yaml: entry 2 ('this one')" in line
    assert "finetune.yaml: entry 3 ('that one')" in line
    assert "entry 1" not in line
    assert "to let entry 2 win, add 'recipe: any, scenario: {kind: any}' to its conditions" in line
    assert "to let entry 3 win, add 'dataset: any, scenario: {fraction: any}' to its conditions" in line
    assert "\n" not in line


def test_the_same_conditions_twice_are_refused(config: Path) -> None:
    write(config, [entry({"dataset": "digits"}), entry({"dataset": ["digits"]}, 2)])
    with pytest.raises(UserError, match="they have the same conditions: give one of them"):
        chosen()


WRONG: dict[str, tuple[Any, str]] = {
    "a key": (
        {"for": {}, "provenance": "printed", "source": "x", "setings": {}},
        "setings: unknown key 'setings'; did you mean settings",
    ),
    "the key of the conditions": (
        {"fro": {}, "source": "x", "settings": {}},
        "fro: unknown key 'fro'; did you mean for",
    ),
    "no provenance": (
        {"for": {}, "source": "x", "settings": {}},
        "entry 2: provenance: this key is missing",
    ),
    "another provenance": (
        {"for": {}, "provenance": "ours", "source": "x", "settings": {}},
        "entry 2: provenance: must be 'printed', 'released', 'searched' or 'unsearched'",
    ),
    "no source": (
        {"for": {}, "provenance": "printed", "settings": {}},
        "entry 2: source: this key is missing",
    ),
    "an empty source": (
        {"for": {}, "provenance": "printed", "source": "", "settings": {}},
        "source: String should have at least 1",
    ),
    "a condition": (entry({"datset": "digits"}), "for.datset: unknown key 'datset'; did you mean dataset"),
    "an old condition": (
        entry({"fidelity": "code"}),
        "for.fidelity: 'fidelity' is now called 'reading'; write 'reading'",
    ),
    "a field of the scenario": (
        entry({"fraction": 0.1}),
        "for: 'fraction' is a field of the scenario; write 'scenario: {fraction: …}'",
    ),
    "a condition on the scenario": (
        entry({"scenario": {"cuont": 3}}),
        "for.scenario.cuont: unknown key 'cuont'; did you mean count",
    ),
    "a step": (entry({"scenario": {"step": 1}}), "for.scenario.step: unknown key 'step'; did you mean steps"),
    "a kind": (entry({"scenario": "randm"}), "for.scenario: no scenario 'randm'; did you mean random"),
    "one of two kinds": (
        entry({"scenario": ["random", "clas"]}),
        "for.scenario.1: no scenario 'clas'; did you mean class",
    ),
    "a field that the kind does not have": (
        entry({"scenario": {"kind": "class", "fraction": 0.1}}),
        "for: scenario 'class' has no 'fraction', so that no experiment fits",
    ),
    "a fraction above 1": (
        entry({"scenario": {"fraction": 20}}),
        "for.scenario.fraction: must be below",
    ),
    "no value": (entry({"dataset": None}), "for.dataset: no value is given; name one, or write any"),
    "no value in a list": (entry({"scenario": {"count": []}}), "for.scenario.count: no value is given"),
    "a dataset": (
        entry({"dataset": "digit"}),
        "entry 2: for.dataset: there is no dataset 'digit'; did you mean digits",
    ),
    "a network": (
        entry({"architecture": ["small_cnn", "small_cn"]}),
        "entry 2: for.architecture: there is no architecture 'small_cn'; did you mean small_cnn",
    ),
    "a reading of a method that has one": (
        entry({"reading": "code"}),
        "entry 2: for.reading: there is no reading 'code'; finetune has only one",
    ),
    "a reading": (entry({"reading": "cod"}), "for.reading: must be 'paper' or 'code'"),
    "a setting": (
        {"for": {}, "provenance": "printed", "source": "x", "settings": {"epoch": 1}},
        "entry 2: settings: unknown hyper-parameter 'epoch'; did you mean epochs",
    ),
    "a setting out of range": (
        {"for": {}, "provenance": "printed", "source": "x", "settings": {"learning_rate": -1.0}},
        "entry 2: settings: learning_rate must be above 0",
    ),
    "a reading among the settings": (
        {"for": {}, "provenance": "printed", "source": "x", "settings": {"fidelity": "code"}},
        "'fidelity' is no hyper-parameter; write 'reading' beside 'settings'",
    ),
    "an infinite setting": (
        {"for": {}, "provenance": "printed", "source": "x", "settings": {"learning_rate": float("inf")}},
        "entry 2: settings.learning_rate: inf (.inf, .nan) cannot be used; write a finite number",
    ),
    "an infinite condition": (
        entry({"scenario": {"fraction": float("nan")}}),
        "for.scenario.fraction: nan (.inf, .nan) cannot be used",
    ),
    "no conditions": ({"for": None, "source": "x", "settings": {}}, "for: a mapping is expected here"),
    "no entry": (None, "entry 2: a mapping is expected here, as in 'key: value'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_one_line_that_names_file_and_entry(config: Path, case: str) -> None:
    wrong, expected = WRONG[case]
    write(config, [entry({"dataset": "cifar100"}), wrong])
    with pytest.raises(UserError) as caught:
        chosen()
    line = str(caught.value)
    assert line.startswith(f"{config}/presets/finetune.yaml: entry 2: ")
    assert expected in line
    assert "\n" not in line


def test_a_file_that_is_no_list_is_one_line(config: Path) -> None:
    write(config, {"for": {}})
    with pytest.raises(UserError, match=r"finetune\.yaml: a list of entries is expected"):
        chosen()


def test_a_method_without_a_file_has_its_defaults(config: Path) -> None:
    hyperparameters = catalogue().methods["finetune"].hyperparameters
    assert chosen() == {name: hyper.default for name, hyper in hyperparameters.items()}
