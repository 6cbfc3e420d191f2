"""No fence escapes: each has a language and a check that is known, and some test runs it."""

from __future__ import annotations

import re

import pytest

from tests.manual import checked
from tests.manual.fences import CHECKS, PAGES, ROOT, RUN, SHOWN, fences, indented
from tests.manual.pages import plan_of
from tests.manual.test_pages import ELSEWHERE, HERE

NAMED = re.compile(r"(?<!`)`((?:make|reunlearn) [a-z][^`]*)`(?!`)")  # commands in the words of a page
PLACE = re.compile(r"\b[A-Z]{2,}\b(?!=)|…|\[.*|\|.*")  # what stands for something of the reader's


@pytest.mark.parametrize("page", PAGES)
def test_every_fence_has_a_language_and_a_check_that_are_known(page: str) -> None:
    for fence in fences(page):
        assert fence.language in RUN | SHOWN, f"{page}, line {fence.line}: {fence.language!r}"
        assert fence.check in {"", *CHECKS} if fence.language == "bash" else not fence.check, fence
        assert fence.language in RUN or not re.search(r"^(make|reunlearn|python) ", fence.text, re.MULTILINE)
    assert indented(page) == [], f"{page}: code without a fence"


def test_a_test_runs_each_page_with_something_to_run() -> None:
    assert len(HERE) > 15
    for page, test in ELSEWHERE.items():
        text = (ROOT / test).read_text()
        assert "run_page(" in text and f'"{page}"' in text


def test_what_is_planned_is_what_the_command_would_run() -> None:
    asked = plan_of("make reproduce STUDY=lur,pgu SIZE=smoke METHODS=salun,lur SEEDS=0 CORES=4")
    assert asked == [
        *("reunlearn", "plan", "lur-smoke,pgu-smoke"),
        *("--method", "salun", "--method", "lur", "--seed", "0"),
    ]
    assert plan_of(".venv/bin/reunlearn run tiny --seed 0 --debug") == [
        "reunlearn",
        "plan",
        "tiny",
        "--seed",
        "0",
    ]


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_are_named_in_words_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for command in NAMED.findall(re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)):
        checked.check(PLACE.sub("x", " ".join(command.split())), whole=False)


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "make reproduce STUDI=lur",
        "reunlearn plam lur",
        "reunlearn plan lur --whi",
        "dvc pusch",
        "x y",
    ],
)
def test_control_what_does_not_exist_is_noticed(command: str) -> None:
    with pytest.raises(AssertionError):
        checked.check(command)
