"""runs.dvc: which folders a snapshot holds, which weights it keeps, and how two snapshots become one.

One output per folder of an original, a retrained model, a pool, a state, a split, a row of results, and one per
study's report: so two people's snapshots differ in lines that do not touch. The weights that are not kept stand
in .dvcignore, where DVC itself reads them.
"""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath
from typing import Any, Literal, get_args

from reunlearn.base.errors import UserError
from reunlearn.storage.dvc_files import parse_outputs, read_outputs, write_outputs
from reunlearn.study import paths
from reunlearn.study.plan import Job

RUNS_FILE = Path("runs.dvc")
IGNORE_FILE = Path(".dvcignore")
WEIGHTS = "model.safetensors"
Policy = Literal["all", "originals", "none"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
PATTERNS = {"originals": f"/{paths.RUNS}/**/unlearned/**/{WEIGHTS}", "none": f"/{paths.RUNS}/**/{WEIGHTS}"}


def output_of(job: Job) -> str:
    """Return the folder of the snapshot that holds a job: what is measured on a row belongs to the row."""
    folder = PurePosixPath(job.folder)
    if job.stage in ("evaluate", "compare", "relearn"):
        return str(folder.parent)
    if job.stage == "attack":
        return str(folder.parent.parent)
    if job.stage in ("aggregate", "track"):
        return str(folder.parent)
    return job.folder


def policy() -> Policy:
    """Return which weights snapshots keep, as .dvcignore says."""
    lines = set(_ignore_lines())
    return next((name for name in POLICIES if PATTERNS.get(name) in lines), "all")


def set_policy(wanted: Policy) -> None:
    """Write into .dvcignore which weights snapshots leave out."""
    lines = [line for line in _ignore_lines() if line not in PATTERNS.values()]
    if wanted in PATTERNS:
        lines.append(PATTERNS[wanted])
    text = "".join(line + "\n" for line in lines)
    if not IGNORE_FILE.exists() or IGNORE_FILE.read_text(encoding="utf-8") != text:
        IGNORE_FILE.write_text(text, encoding="utf-8")


def _ignore_lines() -> list[str]:
    return IGNORE_FILE.read_text(encoding="utf-8").splitlines() if IGNORE_FILE.exists() else []


def leaves_out(name: str, wanted: Policy) -> bool:
    """Tell whether a policy leaves out a file, named from the project's folder."""
    parts = PurePosixPath(name).parts
    if parts[0] != paths.RUNS or parts[-1] != WEIGHTS:
        return False
    return wanted == "none" or (wanted == "originals" and "unlearned" in parts)


def merge(theirs: str) -> dict[str, list[str]]:
    """Add the entries of another runs.dvc to ours; where both have a folder with other bytes, ours stays.

    Args:
        theirs: a file, or a git revision such as MERGE_HEAD or origin/main.

    Returns:
        added: folders that only they had; kept: folders where both differ.
    """
    text = Path(theirs).read_text(encoding="utf-8") if Path(theirs).is_file() else _of_revision(theirs)
    ours, other = read_outputs(RUNS_FILE), parse_outputs(text, theirs)
    added: dict[str, dict[str, Any]] = {path: entry for path, entry in other.items() if path not in ours}
    kept = [path for path, entry in other.items() if path in ours and ours[path]["md5"] != entry["md5"]]
    if added:
        write_outputs(RUNS_FILE, ours | added)
    return {"added": sorted(added), "kept": sorted(kept)}


def _of_revision(revision: str) -> str:
    command = ["git", "show", "--end-of-options", f"{revision}:./{RUNS_FILE}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"'{revision}' is neither a file nor a git revision that has {RUNS_FILE}")
    return done.stdout
