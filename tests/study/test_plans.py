"""Several studies planned together: shared jobs are there once, each has its tail, wrong names are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.study import asked, plan
from reunlearn.study.jobs import PrepareJob
from reunlearn.study.plan import make_plan, make_plans
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.stages import followed, nearest
from tests.study.test_validation import config

__all__ = ["config"]

PAPERS = ["gdr-gma", "lur", "nabla-tau", "pgu", "sfr-on"]
TAIL = {"aggregate", "report", "track"}


def test_what_two_studies_need_is_one_job() -> None:
    both = make_plans(["quickstart", "quickstart-heldout"])
    one, other = both.each
    assert both.jobs.keys() == one.jobs.keys() | other.jobs.keys()
    shared = one.jobs.keys() & other.jobs.keys()
    assert shared and len(both.jobs) == len(one.jobs) + len(other.jobs) - len(shared)
    tails = [job.folder for job in both.jobs.values() if job.stage in TAIL]
    assert len(tails) == 2 * len(TAIL)
    assert both.name == "quickstart,quickstart-heldout"


def test_the_plan_of_a_study_does_not_depend_on_its_company() -> None:
    alone = make_plan("quickstart")
    assert make_plans(["quickstart-heldout", "quickstart"]).each[1].jobs == alone.jobs


def test_two_studies_may_draw_and_measure_a_model_differently() -> None:
    plans = make_plans(
        ["lur-generation", "lur-generation-lite"]
    )  # 500 samples of a class by 100 steps, 20 by 25
    whole, lite = ({job.folder for job in plan.of_stage("measure")} for plan in plans.each)
    assert whole and lite and whole.isdisjoint(lite)
    models = [{job.folder for job in plan.of_stage("unlearn")} for plan in plans.each]
    assert models[1] < models[0], "control: they have the models in common"


def test_all_means_the_papers_in_one_size() -> None:
    assert asked.studies("all") == PAPERS
    assert asked.studies("all-smoke") == [f"{paper}-smoke" for paper in PAPERS]
    assert asked.studies(" lur, quickstart,lur") == ["lur", "quickstart"]


@pytest.mark.parametrize("name", ["all", "all-smoke"])
def test_a_study_that_is_called_all_is_refused(name: str, config: Path) -> None:
    (config / f"studies/{name}.yaml").write_text("name: x")
    with pytest.raises(UserError, match=f"STUDY={name} means the studies of all papers; give yours another"):
        asked.studies(name)
    (config / f"studies/{name}.yaml").rename(config / "studies/alls.yaml")
    assert asked.studies("alls") == ["alls"], "control"


def test_all_five_papers_are_one_plan() -> None:
    plans = make_plans(asked.studies("all-smoke"))
    reports = [job for job in plans.jobs.values() if isinstance(job, AggregateJob)]
    assert [job.study for job in reports] == [f"{paper}-smoke" for paper in PAPERS]


@pytest.mark.parametrize("text", ["", " ", None])
def test_naming_nothing_is_refused(text: str | None) -> None:
    with pytest.raises(UserError, match="no study is named"):
        asked.studies(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lur,quickstrat", "no study 'quickstrat' .*did you mean quickstart"),
        ("all-smok", "no study 'gdr-gma-smok' .*did you mean gdr-gma-smoke"),
    ],
)
def test_a_name_that_fits_nothing_is_one_line(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make_plans(asked.studies(text))


def test_methods_and_seeds_narrow_each_study_to_what_it_has() -> None:
    plans = make_plans(["quickstart", "quickstart-generation"], ["lur", "finetune"], [0])
    names = [plan.name for plan in plans.each]
    assert names == ["quickstart~lur+finetune+seed0", "quickstart-generation~lur+finetune+seed0"]
    assert plans.each[1].jobs == make_plan("quickstart-generation", ["lur", "finetune"], [0]).jobs
    alone = make_plans(["quickstart", "quickstart-generation"], ["gdr_gma"])
    assert [plan.study.name for plan in alone.each] == ["quickstart"], "nothing is left of the other"


def test_what_no_study_has_is_refused() -> None:
    with pytest.raises(UserError, match="studies quickstart, lur have no method 'salum'; did you mean salun"):
        make_plans(["quickstart", "lur"], ["salum"])
    with pytest.raises(UserError, match="studies quickstart, lur have no seed 99"):
        make_plans(["quickstart", "lur"], None, [99])


def test_two_meanings_of_one_folder_are_refused() -> None:
    first, second = make_plan("quickstart"), make_plan("quickstart-heldout")
    (folder,) = [job.folder for job in second.jobs.values() if isinstance(job, PrepareJob)]
    assert plan._together([first, second])  # a control: as they are they fit
    prepared = second.jobs[folder]
    assert isinstance(prepared, PrepareJob)
    second.jobs[folder] = PrepareJob(
        "prepare", folder, prepared.dataset, "/elsewhere", modules=prepared.modules
    )
    with pytest.raises(UserError, match="'quickstart-heldout' means something else by runs/digits/prepared"):
        plan._together([first, second])


def test_after_the_nearest_folders_all_that_a_job_reads_is_made() -> None:
    jobs = make_plan("quickstart").jobs
    fewer = 0
    for job in jobs.values():
        made, waiting = set(), nearest(job, jobs)
        assert set(waiting) <= set(followed(job))
        fewer += len(followed(job)) - len(waiting)
        while waiting:
            folder = waiting.pop()
            if folder not in made:
                made.add(folder)
                waiting += nearest(jobs[folder], jobs)
        assert made >= set(followed(job)), job.folder
    assert fewer > len(jobs), "a control: it leaves out many"
