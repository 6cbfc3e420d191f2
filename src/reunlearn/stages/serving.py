"""How the warm worker serves: each job in a fork; of the short ones that only measure, several after each other in one.

The worker touches no tensor, never initialises CUDA, refuses when the sources have changed since it started, kills a
job whose client has gone, and ends with its owner. A fork that ends while it has a job takes nothing else with it.

What a fork does for the first time, a measurement does half of its time. So a fork waits for the next one, unless
something of the last could be felt: memory that it holds, a GPU, a network of a user's own file.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from reunlearn import preloading
from reunlearn.client import Request
from reunlearn.study.catalogue import source_state

SHORT = ("measure",)  # stages whose jobs may follow each other in one fork
HELD = 128 * 2**20  # bytes that a fork may have more than at its start and still wait for another job
OWN_NETWORKS = "reunlearn.models._own"  # read from files of users, which may change


@dataclass
class Fork:
    """A process that runs jobs.

    Attributes:
        pid, pidfd: it leads a process group.
        control: where it says how jobs ended, and gets the next.
        client: who waits for its job; None where it has none.
        waits: whether it said that it takes another one.
    """

    pid: int
    pidfd: int
    control: socket.socket
    client: socket.socket | None
    waits: bool = False

    def kill(self) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def take(self, client: socket.socket, request: Request) -> bool:
        """Give it another job; False if it has just ended."""
        try:
            self.control.sendall(request.written())
        except OSError:
            return False
        self.client, self.waits = client, False
        return True

    def listen(self) -> bool:
        """Read how its job ended and pass it on; False if it did not say so."""
        try:
            said = self.control.recv(16)
        except OSError:  # it ended with a request that it had not read
            said = b""
        code, _, waits = said.partition(b" ")
        if not code:
            return False
        self.waits = waits == b"waits"
        self.answer(int(code))
        return True

    def answer(self, code: int) -> None:
        """Tell its client how the job ended."""
        if self.client is None:
            return
        with contextlib.suppress(OSError):
            self.client.sendall(f"{code}\n".encode())
        self.client.close()
        self.client = None


class Server:
    """One thread, one loop: accepts requests, forks, watches clients, forks and the owner."""

    def __init__(self, address: str, owner: int) -> None:
        self.state = source_state()
        self.owner = os.pidfd_open(owner)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(address + ".new")
        self.listener.listen(64)
        Path(address + ".new").rename(address)
        self.forks: list[Fork] = []
        self.known: set[str] = set()  # plugins that jobs named

    def serve(self) -> None:
        """Serve until the owner ends."""
        while True:
            ended = {fork.pidfd: fork for fork in self.forks}
            said = {fork.control.fileno(): fork for fork in self.forks if fork.client}
            gone = {fork.client.fileno(): fork for fork in self.forks if fork.client}
            # what a fork said counts before that it has ended, and both before that its client has; then only are
            # descriptors made, which may have the numbers of some that were closed
            watched = [self.owner, *said, *ended, *gone, self.listener.fileno()]
            ready = select.select(watched, [], [])[0]
            if self.owner in ready:
                for fork in self.forks:
                    fork.kill()
                for fork in self.forks:
                    os.waitpid(fork.pid, 0)
                return
            for descriptor in sorted(ready, key=watched.index):
                if descriptor in said:
                    said[descriptor].listen()
                elif descriptor in ended:
                    self._fork_ended(ended[descriptor])
                elif descriptor in gone and gone[descriptor].client:
                    gone[
                        descriptor
                    ].kill()  # it says nothing after its request: readable means that it has gone
                elif descriptor == self.listener.fileno():
                    self._accept()

    def _accept(self) -> None:
        client, _ = self.listener.accept()
        with contextlib.suppress(OSError, ValueError):
            with client.makefile("rb") as stream:
                content = stream.read(int(stream.readline()))
            request = Request.parsed(content)
            if source_state() == self.state:
                self.known |= preloading.warm_up(Path(request.folder, request.specification), self.known)
                if self._take(client, request):
                    return
            client.sendall(b"stale\n")
        client.close()

    def _take(self, client: socket.socket, request: Request) -> bool:
        """Give a job to a fork that waits, or to a new one; False where there can be none: it then starts cold."""
        if request.stage in SHORT:
            for fork in self.forks:
                if fork.waits and fork.take(client, request):
                    return True
        try:
            control, theirs = socket.socketpair()
            pid = os.fork()
        except OSError as error:  # no memory or no process left
            print(f"cannot fork: {error.strerror}; the job starts cold", file=sys.stderr, flush=True)
            return False
        if pid == 0:
            for inherited in (self.listener, client, control):
                inherited.close()
            os.close(self.owner)
            for fork in self.forks:
                fork.control.close()
                os.close(fork.pidfd)
                if fork.client:
                    fork.client.close()
            _run_jobs(theirs, request)
        theirs.close()
        self.forks.append(Fork(pid, os.pidfd_open(pid), control, client))
        return True

    def _fork_ended(self, fork: Fork) -> None:
        _, status = os.waitpid(fork.pid, 0)
        self.forks.remove(fork)
        os.close(fork.pidfd)
        fork.listen()
        fork.answer(os.waitstatus_to_exitcode(status) or 1)  # only where it said nothing
        fork.control.close()


def _run_jobs(control: socket.socket, request: Request) -> None:
    """In a fork, of which all that the server uses is closed: run one job, or one after the other; never returns."""
    try:
        os.setsid()
        held = _held()
        with control.makefile("rb") as stream:
            while True:
                code = _run(request)
                waits = request.stage in SHORT and _may_go_on(held)
                control.sendall(b"%d %s" % (code, b"waits" if waits else b"ends"))
                head = stream.readline() if waits else b""
                if not head:  # or the worker has ended
                    break
                request = Request.parsed(stream.read(int(head)))
    finally:
        os._exit(0)


def _run(request: Request) -> int:
    """Run a stage, as a process of its own would; return its exit code."""
    try:
        os.environ.clear()
        os.environ.update(request.environment)
        os.chdir(request.folder)
        sys.argv = ["reunlearn", request.stage, request.specification]
        output = os.open(request.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        from reunlearn.stages.execution import run_stage

        return run_stage(request.stage, request.specification)
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()


def _may_go_on(before: int) -> bool:
    """Tell whether nothing of the jobs so far could be felt by the next one; `before`: bytes held at the start."""
    import torch

    if torch.cuda.is_initialized() or OWN_NETWORKS in sys.modules:  # type: ignore[no-untyped-call]
        return False
    return _held() - before < HELD


def _held() -> int:
    """Return the resident bytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
