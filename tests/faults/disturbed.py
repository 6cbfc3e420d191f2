"""A study that is disturbed while it runs: what is running, what an attempt took, what was done twice."""

from __future__ import annotations

import contextlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reunlearn.base.interval import VARIABLE
from reunlearn.stages.execution import WORK
from tests.workflow.project import EXPERIMENT, RECIPE, ROOT, Project

COMPARE = runpy.run_path(str(ROOT / "workflow/slurm/compare.py"))
HERE = ("--workflow-profile", "workflow/profiles/default", "--cores", "2")
STUDY = ("--config", "study=tiny", "device=cpu")
RECIPE_OF_SECONDS = {**RECIPE, "epochs": 60}
EXPERIMENT_OF_SECONDS = {
    **EXPERIMENT,
    "dataset": {"name": "digits", "train": 1000, "validation": 100},
    "architecture": {"name": "small_cnn", "settings": {"width": 16}},
    "methods": [
        {"name": "finetune", "settings": {"epochs": 60}},
        {"name": "gradient_ascent", "settings": {"epochs": 1}},
    ],
    "attacks": ["entropy_logistic", "lira"],
    "shadows": {"halves": 4},
    "figures": ["gap_time", "loss_histograms"],
}


class Disturbed:
    """A project whose study takes some seconds, run again and again until it is done.

    Args:
        project: a fresh one.
        undisturbed: a copy of it that was run to its end.
    """

    def __init__(self, project: Project, undisturbed: Project | None = None) -> None:
        self.project, self.undisturbed = project, undisturbed
        self.running: subprocess.Popen[bytes] | None = None
        self.printed = ""
        self._attempts: dict[str, dict[str, list[float]]] = defaultdict(dict)
        for record in project.root.glob("r*/**/record.json"):
            folder = record.parent
            self._attempts[str(folder.relative_to(project.root))]["before"] = [0.0, seconds_of(folder)]
        self._end = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    @contextmanager
    def watched(self) -> Iterator[Disturbed]:
        """Note how long each attempt at a job takes, until the end of the block; what still runs then is killed."""
        self._watch.start()
        try:
            yield self
        finally:
            self._end.set()
            self._watch.join()
            self.kill()

    def _look(self) -> None:
        while not self._end.wait(0.02):
            now = time.monotonic()
            for work in self.at_work():
                self._attempts[str(work.parent.relative_to(self.project.root))].setdefault(
                    work.name, [now, now]
                )[1] = now

    def at_work(self, place: str = "") -> list[Path]:
        """Return the folders that living jobs write to; `place`: a pattern of their place."""
        found: list[Path] = []
        for top in ("runs", "reports"):
            for folder, below, _ in os.walk(self.project.root / top):
                found += [Path(folder, name) for name in below if name.startswith(WORK)]
                below[:] = [name for name in below if not name.startswith(WORK)]
        alive = [work for work in found if Path("/proc", work.name.rpartition("-")[2]).exists()]
        return [work for work in alive if re.search(place, str(work.parent.relative_to(self.project.root)))]

    def begin(
        self,
        *options: str,
        profile: tuple[str, ...] = HERE,
        variables: Mapping[str, str] = {},
        before: Callable[[], Any] | None = None,
    ) -> None:
        """Start the study in the background, with more options of Snakemake; `before` is called in the new process."""
        self.output = self.project.root.with_name(f"{self.project.root.name}.log")
        environment = {**self.project.environment(), VARIABLE: "1", **variables}
        with self.output.open("w") as output:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *profile, *options, *STUDY],
                cwd=self.project.root,
                env=environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=before,
            )

    def wait_for(self, condition: Callable[[], object], what: str, seconds: float = 120) -> None:
        """Wait until something is so while the study runs."""
        assert self.running
        limit = time.monotonic() + seconds
        while not condition():
            assert self.running.poll() is None, f"ended before: {what}\n{self.output.read_text()[-4000:]}"
            assert time.monotonic() < limit, f"waited for {seconds:.0f} s: {what}"
            time.sleep(0.02)

    def wait_for_work(self, place: str, seconds: float = 0.0) -> Path:
        """Wait until a job in such a folder has run for some seconds; return the folder that it writes to."""
        self.wait_for(lambda: self.at_work(place), f"a job in {place}")
        time.sleep(seconds)
        self.wait_for(lambda: self.at_work(place), f"a job in {place}")
        return self.at_work(place)[0]

    def end(self, seconds: float = 240) -> int:
        """Wait for the end of the study; return its exit code, and keep what it printed."""
        assert self.running
        code = self.running.wait(seconds)
        self.printed = self.output.read_text()
        return code

    def line(self, part: str) -> str:
        """Return the first printed line that has such a part."""
        found = [line.strip() for line in self.printed.splitlines() if part in line]
        assert found, f"no line has {part!r}:\n{self.printed[-6000:]}"
        return found[0]

    def kill(self) -> None:
        """End Snakemake as kill -9 does; wait until nobody works in the folder."""
        if self.running is None or self.running.poll() is not None:
            return
        os.kill(self.running.pid, signal.SIGKILL)
        self.running.wait()
        self.wait_until_quiet()

    def wait_until_quiet(self, seconds: float = 30) -> None:
        """Wait until no process works in the project."""
        limit = time.monotonic() + seconds
        while left := workers_in(self.project.root):
            assert time.monotonic() < limit, left
            time.sleep(0.05)

    def finish(self, variables: Mapping[str, str] = {}) -> None:
        """Say the same command again: the study is done, with the bits of the undisturbed one."""
        self.begin(variables=variables)
        assert self.end() == 0, self.printed[-6000:]
        self.compare()

    def compare(self) -> None:
        """Compare with the undisturbed study, and see that nothing half-written is left."""
        assert self.undisturbed
        first, second = (COMPARE["manifests"](p.root / "runs") for p in (self.undisturbed, self.project))
        assert first and COMPARE["differences"](first, second) == []
        verified = self.project.reunlearn("verify", "tiny", check=False)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert (self.project.root / "reports/tiny/index.html").is_file()
        assert not self.at_work()
        assert not list(self.project.root.glob(".reunlearn/checkpoints/**/*.json"))

    def redone(self) -> float:
        """Return the seconds of work that was done more than once, as a share of the seconds of all work that counts.

        What an interrupted attempt did and a later one took over counts as done once: its record holds the seconds.
        """
        twice = 0.0
        for folder, attempts in list(self._attempts.items()):
            if len(attempts) > 1:
                spent = sum(last - first for first, last in attempts.values())
                twice += max(0.0, spent - seconds_of(self.project.root / folder))
        counted = [p.parent for p in self.project.root.glob("r*/**/record.json")]
        return twice / sum(map(seconds_of, counted))

    def attempts(self, place: str) -> int:
        """Return how often the jobs in such folders were begun."""
        return sum(len(names) for folder, names in self._attempts.items() if re.search(place, folder))


def seconds_of(folder: Path) -> float:
    """Return the seconds that a record holds, those of interrupted attempts that counted included."""
    return float(json.loads((folder / "record.json").read_text())["seconds"]["total"])


def workers_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal() and (entry / "cwd").resolve() == folder.resolve():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return [line for line in found if line]


def make(root: Path) -> Project:
    """Return a fresh project whose study takes some seconds."""
    import yaml

    project = Project.create(root)
    (project.root / "config/recipes/tiny.yaml").write_text(yaml.safe_dump(RECIPE_OF_SECONDS))
    project.write_study("tiny", [EXPERIMENT_OF_SECONDS])
    return project
