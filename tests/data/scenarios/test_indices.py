"""Samples that a file lists, and those that a second file says stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import NEITHER, STAYS
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario, read_scenario
from tests.data.scenarios.made import HELD_OUT, INDEX, LABELS, choose

CARD = DatasetCard.model_construct(name="made", train=1500)  # what the check reads


@pytest.fixture(autouse=True)
def _inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(file: str, numbers: Any) -> str:
    Path(file).write_text("".join(f"{number}\n" for number in numbers))
    return file


def listed(forget: Any, retain: Any = None, **more: Any) -> dict[str, Any]:
    """Return a scenario's fields, its files written."""
    files = {"file": write("mine.txt", forget)}
    files |= {} if retain is None else {"retain": write("rest.txt", retain)}
    return {"kind": "indices", **files, **more}


def read(fields: dict[str, Any]) -> Scenario:
    return read_scenario(fields)


def test_listed_samples_are_named_by_their_official_numbers() -> None:
    chosen = choose(**listed([9, 0, 30]))
    assert np.flatnonzero(chosen.part >= 0).tolist() == [0, 3, 10]
    assert set(chosen.part.tolist()) == {0, STAYS}


def test_they_are_dealt_to_the_steps_in_the_order_of_the_file() -> None:
    part = choose(**listed([9, 0, 30, 3], steps=2)).part
    assert {row: part[row] for row in (0, 1, 3, 10)} == {3: 0, 0: 0, 10: 1, 1: 1}


@pytest.mark.parametrize("number", [1000, 1500])
@pytest.mark.parametrize("file", ["mine.txt", "rest.txt"])
def test_samples_outside_of_the_training_set_are_refused(file: str, number: int) -> None:
    lists = {"mine.txt": [0, 3], "rest.txt": [6, 9]}
    lists[file].append(number)
    with pytest.raises(UserError, match=f"{file}: sample {number} is not in the training set"):
        choose(**listed(lists["mine.txt"], lists["rest.txt"]))


@pytest.mark.parametrize("file", ["mine.txt", "rest.txt"])
@pytest.mark.parametrize(("more", "place"), [({}, "the validation set"), ({"audited": True}, "--validation")])
def test_samples_that_are_held_out_are_refused(file: str, more: dict[str, Any], place: str) -> None:
    lists = {"mine.txt": [0, 3], "rest.txt": [6, 9]}
    lists[file].append(int(HELD_OUT[2]))
    with pytest.raises(UserError, match=f"{file}: sample {HELD_OUT[2]} is among the 20 of {place}"):
        choose(**listed(lists["mine.txt"], lists["rest.txt"], **more))


def test_an_audit_speaks_of_its_own_options() -> None:
    with pytest.raises(UserError, match=r"mine\.txt: sample 1000 is not among the 500 of --train"):
        choose(**listed([0, 1000], audited=True))


def test_the_whole_training_set_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"mine\.txt: lists the whole training set; nothing is left to retain"
    ):
        choose(**listed(INDEX))


class TestRetain:
    """A second file says what stays."""

    def test_samples_in_neither_list_belong_to_neither_set(self) -> None:
        part = choose(**listed([0, 3], [6, 12])).part
        assert np.flatnonzero(part == 0).tolist() == [0, 1]
        assert np.flatnonzero(part == STAYS).tolist() == [2, 4]
        assert (np.delete(part, [0, 1, 2, 4]) == NEITHER).all()

    def test_all_others_listed_is_the_same_as_no_second_file(self) -> None:
        forget = [9, 0, 30]
        alone, both = (choose(**listed(forget, retain)) for retain in (None, np.setdiff1d(INDEX, forget)))
        assert np.array_equal(alone.part, both.part)

    def test_a_class_that_only_forget_holds_goes_whole(self) -> None:
        threes, others = INDEX[LABELS == 3], INDEX[LABELS != 3]
        assert choose(**listed(threes[:5], others)).forgotten == [[3]]
        assert choose(**listed(threes, others)).forgotten == [[3]]
        assert choose(**listed(threes[:5], [*others, threes[5]])).forgotten == [[]]

    def test_without_it_only_an_audit_counts_classes(self) -> None:
        threes = INDEX[LABELS == 3]
        assert choose(**listed(threes)).forgotten == [[]]
        assert choose(**listed(threes, audited=True)).forgotten == [[3]]
        assert choose(**listed(threes[1:], audited=True)).forgotten == [[]]

    def test_in_steps_a_class_goes_with_its_last_sample(self) -> None:
        threes, fours = INDEX[LABELS == 3][:2], INDEX[LABELS == 4][:2]
        stays = INDEX[LABELS < 3]
        chosen = choose(**listed([*threes, fours[0], fours[1]], stays, steps=2))
        assert chosen.forgotten == [[3], [4]]
        split = choose(**listed([threes[0], fours[0], threes[1], fours[1]], stays, steps=2))
        assert split.forgotten == [[], [3, 4]]


@pytest.mark.parametrize(
    ("forget", "retain", "message"),
    [
        ([0, 1500], None, "exp: mine.txt: no sample 1500; made has 1500"),
        ([0], [1, 1501], "exp: rest.txt: no sample 1501; made has 1500"),
        (range(1500), None, "mine.txt: lists the whole training set; nothing is left to retain"),
        ([5, 4, 3], [9, 4, 5], "mine.txt and rest.txt both list sample 4"),
        ([0], [], "rest.txt: lists nothing to retain"),
        ([-1], None, "mine.txt: -1 is negative"),
    ],
)
def test_the_plan_refuses_it_before_any_data_are_read(forget: Any, retain: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        read(listed(forget, retain)).check(CARD, 500, "exp")
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_control_two_lists_that_fit_are_accepted() -> None:
    read(listed([5, 4], [9, 3])).check(CARD, 500, "exp")


def test_a_missing_second_file_says_what_it_should_list() -> None:
    with pytest.raises(UserError, match=r"none\.txt: No such file .* should list the samples to retain"):
        read({**listed([0]), "retain": "none.txt"}).resolved()


def test_a_specification_names_the_files_by_their_content() -> None:
    scenario = read(listed([5, 4], [9, 3]))
    known = scenario.resolved()
    content = known.model_dump(mode="json")
    assert set(content) == {"kind", "file", "retain", "digest", "retain_digest", "steps"}
    assert (scenario.name, known.name) == (
        "indices-mine-retain-rest",
        f"indices-mine-retain-rest~{content['digest'][:8]}~{content['retain_digest'][:8]}",
    )
    assert read(content) == known
    write("rest.txt", [9, 6])
    assert read(listed([5, 4], [9, 6])).resolved().name != known.name
    with pytest.raises(UserError, match=r"rest\.txt: has changed since the plan was made"):
        choose(**content)


def test_its_name_and_words() -> None:
    alone, both = (read(listed([0], retain)) for retain in (None, [3]))
    assert (alone.name, alone.words()) == ("indices-mine", "the samples that mine.txt lists")
    assert both.words() == "the samples that mine.txt lists; rest.txt lists what stays"
