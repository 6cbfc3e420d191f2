"""The DVC remote: configured, reachable, and for a folder whether it can be written. Nothing is written to try it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from reunlearn.base.secrets import without_secrets
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=80, title="DVC remote")
LATER = "`make snapshot` and `make restore` need it; studies run without"


def look(asked: Asked) -> Found:
    """Look whether the remote's folder is there, or whether its server answers."""
    from dvc.config import ConfigError
    from dvc.exceptions import DvcException, NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            name = repo.config["core"].get("remote")
            if not name:
                yield "warning", f"no remote is configured; {LATER}", "dvc remote add --default NAME ADDRESS"
                return
            remote = repo.cloud.get_remote(name)
            if remote.fs.protocol == "local":
                yield of_folder(Path(remote.path))
            else:
                yield of_server(name, repo.config["remote"][name]["url"], remote)
    except NotDvcRepoError:
        yield "warning", f"this folder is no DVC project; {LATER}", "work in a clone of the repository"
    except (ConfigError, DvcException) as error:
        yield "problem", f"{error}", "mend .dvc/config (`dvc remote list` reads it)"


def of_folder(folder: Path) -> tuple[Any, str, str]:
    """Return whether a folder can be written, or made where it is not there yet."""
    parent = next(place for place in (folder, *folder.parents) if place.exists())
    if not parent.is_dir():
        return (
            "problem",
            f"{folder} cannot be: {parent} is a file",
            "dvc remote modify NAME url ANOTHER-FOLDER",
        )
    if not os.access(parent, os.R_OK | os.W_OK | os.X_OK):
        return "problem", f"{parent} cannot be written", "get the right to write, or name another folder"
    if parent == folder:
        return "ok", f"{folder}, can be written", ""
    return "ok", f"{folder} is not there yet; the first push makes it", ""


def of_server(name: str, url: str, remote: Any) -> tuple[Any, str, str]:
    """Return whether a server answers; whether it lets one write is known when something is pushed."""
    address = without_secrets(url)
    there = True
    try:
        remote.fs.info(remote.path)
    except (
        FileNotFoundError
    ) as error:  # also of a web server that is down: then a connection's error is behind it
        there = False
        if isinstance(error.__cause__, OSError):
            return "problem", f"{address}: {error.__cause__}", "is the server up, the address right?"
    except Exception as error:  # each kind of server has errors of its own
        reason = " ".join(f"{error}".split()) or type(error).__name__
        return (
            "problem",
            f"{address}: {reason}",
            f"is the server up? `dvc remote modify {name} …` changes the address",
        )
    there_or_not = "" if there else "; there is nothing at this address yet"
    return "ok", f"{address} answers{there_or_not}; that it lets you write is known at the first push", ""
