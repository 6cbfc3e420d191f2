"""What is asked of DVC: put folders into its cache, push, pull. It stores; it never runs a stage."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.secrets import without_secrets
from reunlearn.storage.dvc_cache import lacking, look
from reunlearn.storage.dvc_files import Entries, Entry, add_outputs


def commit(file: Path, folders: list[str]) -> Entries:
    """Put folders into DVC's cache and their entries into a .dvc file; every other entry stays as it is.

    DVC's own `commit` works on a whole file and stops where another of its outputs is absent.

    Returns:
        The new or changed entries.
    """
    return add_outputs(file, _into_cache(file, folders)) if folders else {}


def _into_cache(file: Path, folders: list[str]) -> Entries:
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.output import loads_from
    from dvc.repo import Repo, lock_repo
    from dvc.stage import Stage

    try:
        with Repo() as repo, lock_repo(repo):
            outs = loads_from(Stage(repo, path=str(file.absolute())), folders)
            for out in outs:
                out.save()
            entries: list[Entry] = [out.dumpd() for out in outs]
            look({entry["path"]: entry for entry in entries})  # what is damaged there is put in again
            with _noted() as complaints:
                for out in outs:
                    out.commit(relink=False)
            if missed := lacking({entry["path"]: entry for entry in entries}):
                why = f": {complaints[0]}" if complaints else ""
                raise UserError(
                    f"DVC's cache could not take {len(missed)} of {len(entries)} folders{why}; "
                    "nothing was recorded; run the same command again when that is mended"
                )
    except NotDvcRepoError:
        raise UserError("this folder is no DVC project; work in a clone of the repository") from None
    except DvcException as error:
        raise UserError(f"DVC: {_cleaned(str(error))}") from None
    return {entry["path"]: entry for entry in entries}


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Yield a list of the errors that DVC logs in the block and goes on after; they are not printed."""

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            found.append(getattr(error, "strerror", None) or str(error or record.getMessage()))

    found: list[str] = []
    handler = Handler(logging.ERROR)
    loggers = [logging.getLogger(name) for name in ("dvc_data", "dvc_objects")]
    before = [(logger.handlers, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        yield found
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate


def push(targets: list[str]) -> str | None:
    """Push outputs to the remote; return the reason if it failed."""
    return _dvc("push", targets)


def pull(targets: list[str]) -> str | None:
    """Pull outputs from the remote; return the reason if some could not be had."""
    return _dvc("pull", targets)


def checkout(targets: list[str]) -> str | None:
    """Bring outputs from DVC's cache; return the reason if some could not be had."""
    return _dvc("checkout", targets)


def _dvc(action: str, targets: list[str]) -> str | None:
    """Run DVC's command line; return its error if it failed."""
    if not targets:
        return None
    command = [sys.executable, "-m", "dvc", action, *targets]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return None
    _, *messages = done.stderr.split("ERROR: ")  # often one for each file
    message = messages[0] if messages else ""
    for advice in ("Is your cache", "Having any troubles"):
        message = message.partition(advice)[0]
    message = message.removeprefix("unexpected error - ")
    return " ".join(_cleaned(message).split()) or f"exit code {done.returncode}"


def _cleaned(message: str) -> str:
    """Return what DVC says without the passwords of this project's remotes."""
    from dvc.config import Config, ConfigError

    try:
        remotes = Config(validate=False)["remote"]
    except ConfigError:  # DVC itself says what is wrong with it
        remotes = {}
    options = {f"{remote}.{name}": str(v) for remote, values in remotes.items() for name, v in values.items()}
    return without_secrets(message, options)
