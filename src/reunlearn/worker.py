"""The warm worker: torch and scikit-learn imported once, jobs in forks of it.

Importing them takes longer than most jobs. Under a local Snakemake the worker listens on a Unix socket; client.py asks
it to run a stage and waits. How it serves: stages/serving.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

from reunlearn.base.caches import state_dir

SOCKET = "REUNLEARN_WORKER"
COLD = "REUNLEARN_COLD"
OWNER = "REUNLEARN_OWNER"  # the Snakemake whose jobs run: they end with it
# A fork copies the page tables of all that was imported. With glibc's malloc on huge pages, for Python's objects too,
# it takes 9 ms instead of 40. Where there are no such pages, this changes nothing.
HUGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1", "PYTHONMALLOC": "malloc"}
START_SECONDS = 60
IN_CONTAINER = "/opt/reunlearn/bin/python"  # of workflow/container/reunlearn.def
LONGEST_SOCKET = 100  # bytes of its path: systems take 104 or 108


def announce(device: str, contained: bool = False, *, deterministic: bool = True, gpu_jobs: int = 1) -> None:
    """Tell the jobs that this process starts how to run a stage, for whom, and on which device.

    Args:
        device: auto, cpu or cuda.
        deterministic: whether a GPU computes the same bits each time.
        gpu_jobs: how many jobs may share a GPU.
        contained: whether each job runs in a container, which has Python and packages but none of our source.
    """
    os.environ["REUNLEARN_DEVICE"] = device
    os.environ["REUNLEARN_DETERMINISTIC"] = str(deterministic).lower()
    os.environ["REUNLEARN_GPU_JOBS"] = str(gpu_jobs)
    os.environ["REUNLEARN_PYTHON"] = IN_CONTAINER if contained else sys.executable
    os.environ["REUNLEARN_CLIENT"] = str(Path(__file__).with_name("client.py"))
    os.environ[OWNER] = str(os.getpid())
    if contained:
        os.environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[1])


def commit() -> str:
    """Return the git commit for the records of all jobs: 'HASH', 'HASH+dirty' or nothing."""

    def ask(*command: str) -> str:
        try:
            done = subprocess.run(["git", *command], capture_output=True, text=True, check=False)
        except OSError:  # no git on this machine
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    head = ask("rev-parse", "HEAD")
    return f"{head}+dirty" if head and ask("status", "--porcelain", "--untracked-files=no") else head


def launch_early() -> None:
    """Launch a worker while the plan is still made, if `make reproduce` says that local jobs will follow."""
    if os.environ.pop("REUNLEARN_EARLY", None):
        launch()


def stay_cold() -> None:
    """Let no worker start: it is a process of this machine, and would run a container's jobs with its packages."""
    os.environ[COLD] = "1"


def launch() -> None:
    """Begin to start a worker that ends with this process; jobs find it by an environment variable.

    REUNLEARN_COLD=1 (`stay_cold`) keeps it from starting: every job then has a Python of its own.
    """
    os.environ["REUNLEARN_COMMIT"] = commit()
    if os.environ.get(COLD):
        return
    folder = socket_folder()
    if folder is None:
        return
    address = str(folder / "socket")
    command = [sys.executable, "-m", "reunlearn.worker", address, str(os.getpid())]
    with _log() as log:
        subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=HUGE_PAGES | os.environ,
        )
    os.environ[SOCKET] = address


def _log() -> IO[str]:
    """Open the worker's log; where the project cannot be written, what it prints is lost."""
    try:
        return (state_dir() / "worker.log").open("a")
    except OSError:
        return Path(os.devnull).open("a")


def socket_folder() -> Path | None:
    """Return a new folder for the worker's socket; None where none can be made whose name is short enough."""
    for parent in (tempfile.gettempdir(), "/tmp", "/dev/shm"):
        with contextlib.suppress(OSError):
            folder = Path(tempfile.mkdtemp(prefix="reunlearn-", dir=parent))
            if len(os.fsencode(folder / "socket.new")) <= LONGEST_SOCKET:
                return folder
            folder.rmdir()
    return None


def wait() -> None:
    """Wait until the launched worker listens; without one, jobs start cold: slower, the same results."""
    address = os.environ.get(SOCKET)
    limit = time.monotonic() + START_SECONDS
    while address and not Path(address).exists():
        ended = not Path(address).parent.exists()  # the worker removes its folder as it ends
        if ended or time.monotonic() > limit:
            os.environ.pop(SOCKET)
            return
        time.sleep(0.02)


def start() -> None:
    """Start a worker, unless one was launched early, and wait for it."""
    if SOCKET not in os.environ:
        launch()
    wait()


def main() -> None:
    """Preload, then serve."""
    import gc

    from reunlearn import preloading  # not what the Snakefile imports
    from reunlearn.stages.serving import Server

    address, owner = sys.argv[1], int(sys.argv[2])
    try:
        preloading.preload()
        gc.collect()
        gc.freeze()
        Server(address, owner).serve()
    finally:
        shutil.rmtree(Path(address).parent, ignore_errors=True)


if __name__ == "__main__":
    main()
