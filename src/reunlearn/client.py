"""Run one stage: client.py STAGE SPECIFICATION LOG. A process of this kind starts for each job, so it imports little.

Of the standard library it takes the modules in C: `socket`, `signal` and `json` would double the time of its start.

Asks the warm worker when there is one; otherwise, or when the worker refuses, starts a Python of its own. It ends with
the Snakemake that started it. Why a job failed is one line on stderr, at once: Snakemake only says that it did.
"""

import os
import sys

WORKER, OWNER = "REUNLEARN_WORKER", "REUNLEARN_OWNER"
ORPHANED = 143  # exit code: as if ended by a signal
KILLED = 137


class Request:
    """A job that the worker is asked for: its stage and specification, its log, the folder and environment it runs in.

    As bytes: how many follow, on a line; then texts with zeros between them, the environment's as NAME=VALUE.
    """

    def __init__(self, *texts: str, environment: dict[str, str]) -> None:
        self.stage, self.specification, self.log, self.folder = texts
        self.environment = environment

    def written(self) -> bytes:
        """Return what is sent."""
        texts = [self.stage, self.specification, self.log, self.folder]
        texts += [f"{name}={value}" for name, value in self.environment.items()]
        content = b"\0".join(map(os.fsencode, texts))
        return b"%d\n%s" % (len(content), content)

    @classmethod
    def parsed(cls, content: bytes) -> "Request":
        """Return what was sent, without its first line.

        Raises:
            ValueError: it is something else.
        """
        *texts, environment = os.fsdecode(content).split("\0", 4)
        return cls(*texts, environment=dict(entry.split("=", 1) for entry in environment.split("\0")))


def ask_worker(stage: str, specification: str, log: str, owner: int | None) -> int | None:
    """Return the exit code of a warm job, None if no worker takes it."""
    address = os.environ.get(WORKER)
    if not address:
        return None
    from _socket import AF_UNIX, SOCK_STREAM, socket

    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(address)
    except OSError:
        return None
    request = Request(stage, specification, log, os.getcwd(), environment=dict(os.environ))
    connection.sendall(request.written())
    if not is_ready(connection.fileno(), owner):
        return ORPHANED  # the worker sees this client go, and ends the job
    answer = connection.recv(64).decode().strip()  # a few bytes: they come as one
    if answer == "stale":
        return None
    if not answer:
        if not is_alive(owner):
            return ORPHANED
        print(
            "error: the warm worker ended while the job ran (see .reunlearn/worker.log); run again",
            file=sys.stderr,
        )
        return 1
    return exit_code(int(answer))


def run_cold(stage: str, specification: str, log: str, owner: int | None) -> int:
    """Return the exit code of a job in a Python process of its own."""
    import subprocess

    with open(log, "wb") as output:
        command = [sys.executable, "-m", "reunlearn.cli", stage, specification]
        job = subprocess.Popen(command, stdout=output, stderr=output)
    if owner is not None and hasattr(os, "pidfd_open"):
        ended = os.pidfd_open(job.pid)
        if not is_ready(ended, owner):
            job.kill()
            return ORPHANED
    return exit_code(job.wait())


def exit_code(code: int) -> int:
    """Return the exit code of a process as shells say it: 128 and the signal that ended it."""
    return code if code >= 0 else 128 - code


def is_ready(descriptor: int, owner: int | None) -> bool:
    """Wait for a descriptor to be readable; False when the owner ended before."""
    import select

    watched = [descriptor] if owner is None else [descriptor, owner]
    return descriptor in select.select(watched, [], [])[0]


def is_alive(owner: int | None) -> bool:
    """Tell whether the owner still runs."""
    import select

    return owner is None or not select.select([owner], [], [], 0)[0]


def open_owner() -> int | None:
    """Return a descriptor that is readable when the Snakemake that wanted this job has ended; None if it is not known.

    Raises:
        ProcessLookupError: it has ended.
    """
    known = os.environ.get(OWNER)
    return os.pidfd_open(int(known)) if known and hasattr(os, "pidfd_open") else None


def reason(log: str) -> str:
    """Return the line of a log that says why its job failed."""
    try:
        with open(log, encoding="utf-8", errors="replace") as file:
            lines = [line.strip() for line in file if line.strip()]
    except OSError:
        return "no log was written"
    errors = [line for line in lines if line.startswith("error: ")]
    return (errors or lines or ["its log is empty"])[-1].removeprefix("error: ")


def note_signal(code: int, log: str) -> None:
    """Write into the log of a job that could not write it itself what ended it."""
    often = ": the system often does so when memory is short" if code == KILLED else ""
    try:
        with open(log, "a", encoding="utf-8") as file:
            file.write(f"\nerror: ended by signal {code - 128}{often}\n")
    except OSError:
        pass


def main() -> int:
    """Run the stage that the command line names."""
    from _signal import SIG_DFL, SIGINT, signal  # type: ignore[import-not-found]

    signal(SIGINT, SIG_DFL)  # Ctrl-C: Snakemake says what there is to say
    stage, specification, log = sys.argv[1:4]
    try:
        owner = open_owner()
    except ProcessLookupError:
        return ORPHANED
    except OSError:  # not allowed here: the job runs to its end
        owner = None
    if os.path.dirname(log):
        os.makedirs(os.path.dirname(log), exist_ok=True)
    code = ask_worker(stage, specification, log, owner)
    if code is None:
        code = run_cold(stage, specification, log, owner)
    if code > 128 and code != ORPHANED:
        note_signal(code, log)
    if code not in (0, ORPHANED):
        clear = "\r\x1b[K" if sys.stderr.isatty() else ""  # of the line of progress that Snakemake draws
        print(
            f"{clear}FAILED {os.path.dirname(specification)}: {reason(log)} (log: {log})",
            file=sys.stderr,
            flush=True,
        )
    return code


if __name__ == "__main__":
    sys.exit(main())
