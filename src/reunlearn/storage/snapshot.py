"""runs.dvc: which folders a snapshot holds, which weights it keeps, and how two snapshots become one.

One entry per folder of an original, a retrained model, a pool, a state, a split, a run with its measurements, and one
per study's report: so two people's snapshots differ in lines that do not touch. The weights that are not kept stand
in .dvcignore, where DVC itself reads them.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_text, write_text
from reunlearn.storage.dvc_files import changing, parse_outputs, read_outputs, write_outputs
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.stages import STAGES

RUNS_FILE = Path("runs.dvc")
IGNORE_FILE = Path(".dvcignore")
WEIGHTS = "model.safetensors"
Policy = Literal["all", "originals", "none"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
PATTERNS = {"originals": f"/{paths.RUNS}/**/unlearned/**/{WEIGHTS}", "none": f"/{paths.RUNS}/**/{WEIGHTS}"}


@dataclass(frozen=True)
class Merge:
    """What became of another snapshot's entries.

    Attributes:
        added: folders that only they had.
        kept: folders that both have with other bytes; ours stayed.
    """

    added: tuple[Folder, ...]
    kept: tuple[Folder, ...]


def output_of(job: Job) -> Folder:
    """Return the folder of the snapshot that holds a job: a measurement belongs to its run, results to the report."""
    folder = PurePosixPath(job.folder)
    return str((folder, *folder.parents)[STAGES[job.stage].above])


def policy() -> Policy:
    """Return which weights snapshots keep, as .dvcignore says."""
    lines = set(_ignore_lines())
    return next((name for name in POLICIES if PATTERNS.get(name) in lines), "all")


def set_policy(wanted: Policy) -> None:
    """Write into .dvcignore which weights snapshots leave out."""
    with changing(IGNORE_FILE):
        before = _ignore_lines()
        lines = [line for line in before if line not in PATTERNS.values()]
        if wanted in PATTERNS:
            lines.append(PATTERNS[wanted])
        if lines != before:
            write_text(IGNORE_FILE, "".join(line + "\n" for line in lines))


def _ignore_lines() -> list[str]:
    return read_text(IGNORE_FILE).splitlines() if IGNORE_FILE.exists() else []


def leaves_out(name: str, wanted: Policy) -> bool:
    """Tell whether a policy leaves out a file, named from the project's folder."""
    parts = PurePosixPath(name).parts
    if parts[0] != paths.RUNS or parts[-1] != WEIGHTS:
        return False
    return wanted == "none" or (wanted == "originals" and "unlearned" in parts)


def merge(theirs: str) -> Merge:
    """Add the entries of another runs.dvc to ours; where both have a folder with other bytes, ours stays.

    Args:
        theirs: a file, or a git revision such as MERGE_HEAD or origin/main.
    """
    text = read_text(Path(theirs)) if Path(theirs).is_file() else _of_revision(theirs)
    other = parse_outputs(text, theirs)
    with changing(RUNS_FILE):
        ours = read_outputs(RUNS_FILE)
        added = {path: entry for path, entry in other.items() if path not in ours}
        if added:
            write_outputs(RUNS_FILE, ours | added)
    kept = [path for path in other.keys() & ours if ours[path].get("md5") != other[path].get("md5")]
    return Merge(tuple(sorted(added)), tuple(sorted(kept)))


def _of_revision(revision: str) -> str:
    command = ["git", "show", "--end-of-options", f"{revision}:./{RUNS_FILE}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"git cannot be started ({error.strerror}); name a file instead") from None
    if done.returncode:
        raise UserError(f"'{revision}' is neither a file nor a git revision that has {RUNS_FILE}")
    return done.stdout
