"""`reunlearn doctor` as a user calls it, with and without a study."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from reunlearn.data.sources import MIRROR
from reunlearn.doctor import command
from reunlearn.doctor.checks import datasets, disk, memory, needed_files, packages, slurm
from reunlearn.doctor.findings import Asked
from reunlearn.study.plan import Plan
from tests.commands.made import SMALL, STUDY, one, write_study
from tests.doctor.looking import look, states
from tests.doctor.test_storage import free_address


def asked(study: str = STUDY, profile: str = "default") -> Asked:
    return command.planned(study, profile, None)


def test_a_finished_study_needs_nothing(plan: Plan) -> None:
    done = asked()
    for check in (memory, disk, needed_files, packages, datasets):
        assert states(look(check, done)) == ["ok"], check.CARD.title


def test_memory_and_disk_are_compared_with_what_would_run(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(one(plan, "unlearn", "/finetune~"))
    todo = asked()
    (enough,) = look(memory, todo)
    assert enough.state == "ok" and ", may take" in enough.text
    needed = int(re.findall(r"may take (\d+) MiB", enough.text)[0])
    monkeypatch.setattr(memory, "available", lambda: (needed - 1) * 2**20)
    (short,) = look(memory, todo)
    assert short.state == "problem" and short.mend
    assert states(look(memory, asked(profile="slurm"))) == ["ok"], "its nodes have memory of their own"
    usage = shutil.disk_usage(".")
    monkeypatch.setattr(disk, "MIB", 1)  # in bytes: the made-up files are small
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: usage._replace(free=10))
    (full,) = look(disk, todo)
    assert full.state == "problem" and full.text.startswith("10 MiB free; the study writes about ")


def test_what_the_user_has_to_bring_is_named(plan: Plan) -> None:
    write_study({**SMALL, "dataset": {"name": "celeba_hq_identity", "folder": "away"}}, "mine")
    (found,) = look(needed_files, asked("mine"))
    assert found.state == "problem" and "folder 'away' is not there" in found.text


def test_where_data_come_from(plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_study({**SMALL, "dataset": {"name": "cifar10", "train": 40, "validation": 20}}, "mine")
    mine = asked("mine")
    monkeypatch.setenv(MIRROR, str(tmp_path))
    (absent,) = look(datasets, mine)
    assert (
        absent.state == "problem"
        and f"{tmp_path}/cifar-10-batches-py" in absent.text
        and MIRROR in absent.mend
    )
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    assert states(look(datasets, mine)) == ["ok"]
    assert "refused" in str(datasets.unreachable(f"{free_address()}/cifar.tar.gz"))


def test_an_absent_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    imports = packages.imports_of(["reunlearn.measures.fid", "reunlearn.models.ddpm_unet"])
    assert {"torch", "diffusers"} <= imports and "reunlearn" not in imports and "pathlib" not in imports
    assert packages.how_to_install(["diffusers"]).startswith('pip install -e ".[generation]"')
    assert packages.how_to_install(["diffusers", "other"]) == "pip install -r requirements.lock"


@pytest.mark.skipif(shutil.which("sinfo") is not None, reason="a Slurm is installed here")
def test_without_slurm_only_its_profile_is_a_problem() -> None:
    (found,) = look(slurm)
    assert found.state == "ok" and "PROFILE=slurm alone" in found.text
    (needed,) = look(slurm, Asked("slurm"))
    assert needed.state == "problem"


def doctor(*arguments: str, variables: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in the project's folder."""
    called = [sys.executable, "-m", "reunlearn.cli", "doctor", *arguments]
    environment = os.environ | (variables or {})
    return subprocess.run(called, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_lines_and_json_say_the_same(tmp_path: Path) -> None:
    variables = {MIRROR: str(tmp_path / "absent"), "MLFLOW_TRACKING_URI": ""}
    lines = doctor("quickstart", variables=variables)
    printed = json.loads(doctor("quickstart", "--json", variables=variables).stdout)
    assert lines.returncode == 1 and printed["problem_count"] >= 1
    told = Counter(finding["state"] for finding in printed["findings"])
    assert (told["problem"], told["warning"]) == (printed["problem_count"], printed["warning_count"])
    for finding in printed["findings"]:
        if finding["check"] not in ("memory", "disk"):  # what is free changes
            assert re.search(
                rf"^{finding['state']} +{finding['check']} +{re.escape(finding['text'])}$", lines.stdout, re.M
            )
    assert f"→ name the folder that holds the datasets, or unset {MIRROR}" in lines.stdout
    titles = {finding["check"] for finding in printed["findings"]}
    assert titles >= {"folder", "Slurm", "GPU", "hours", "your files", "packages", "data"}


def test_without_a_problem_it_ends_well_and_changes_nothing(tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in Path("config").rglob("*")}
    done = doctor(variables={MIRROR: "", "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/absent.db"})
    assert done.returncode == 0, done.stdout
    assert "hours" not in done.stdout
    assert {path: path.stat().st_mtime_ns for path in Path("config").rglob("*")} == before
    assert list(tmp_path.iterdir()) == []


def test_a_study_that_cannot_be_planned_is_a_line_beside_the_others() -> None:
    done = doctor("quickstrat", "--json")
    printed = json.loads(done.stdout)
    assert done.returncode == 1
    last = printed["findings"][-1]
    assert (last["check"], last["state"]) == ("study", "problem") and "quickstart" in last["text"]
    assert len(printed["findings"]) > 10
    assert doctor("--profile", "slrum").returncode == 2


def test_torch_is_not_imported() -> None:
    program = (
        "import sys; from reunlearn.doctor.registry import checks\n"
        "from reunlearn.doctor.findings import Asked\n"
        "for check in checks(): list(check.look(Asked()))\n"
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
