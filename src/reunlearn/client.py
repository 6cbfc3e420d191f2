"""Run one stage: client.py STAGE SPECIFICATION LOG. Standard library only, so that it starts in milliseconds.

Asks the warm worker when there is one; otherwise, or when the worker refuses, starts a Python of its own.
"""

import os
import sys


def ask_worker(stage: str, specification: str, log: str) -> int | None:
    """Return the exit code of a warm job, None if no worker takes it."""
    address = os.environ.get("REUNLEARN_WORKER")
    if not address:
        return None
    import json
    import socket

    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(address)
    except OSError:
        return None
    request = {
        "stage": stage,
        "specification": specification,
        "log": log,
        "folder": os.getcwd(),
        "environment": dict(os.environ),
    }
    connection.sendall(json.dumps(request).encode() + b"\n")
    answer = connection.makefile("r").readline().strip()
    if answer == "stale":
        return None
    if not answer:
        print(
            "error: the warm worker ended while the job ran (see .reunlearn/worker.log); run again",
            file=sys.stderr,
        )
        return 1
    code = int(answer)
    return code if code >= 0 else 128 - code


def run_cold(stage: str, specification: str, log: str) -> int:
    """Return the exit code of a job in a Python process of its own."""
    import subprocess

    with open(log, "wb") as output:
        command = [sys.executable, "-m", "reunlearn.cli", stage, specification]
        return subprocess.run(command, stdout=output, stderr=output, check=False).returncode


def main() -> int:
    """Run the stage that the command line names."""
    stage, specification, log = sys.argv[1:4]
    if os.path.dirname(log):
        os.makedirs(os.path.dirname(log), exist_ok=True)
    code = ask_worker(stage, specification, log)
    return run_cold(stage, specification, log) if code is None else code


if __name__ == "__main__":
    sys.exit(main())
