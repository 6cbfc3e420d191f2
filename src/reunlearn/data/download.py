"""Download one file over HTTP: resumed after an interruption, verified, and moved to its place when complete."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import md5 as md5_of_file

TIMEOUT = 60.0  # seconds without a byte
CHUNK = 1 << 20
ALREADY_COMPLETE = 416  # the server's status where the requested bytes begin after the last one


def fetch(url: str, md5: str, path: Path, advice: str) -> Path:
    """Return `path`, downloaded from `url` unless it is there already, its MD5 verified.

    Args:
        url: address of the file.
        md5: published checksum.
        path: where the file is stored; `<name>.partial` beside it holds an interrupted download.
        advice: what a user without network can do; the end of each error message.

    Raises:
        UserError: no network, an interrupted download, a wrong checksum, a full disk.
    """
    if path.exists():
        return verified(path, md5, "delete it to download it again")
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _complete(url, partial, advice)
        if (actual := md5_of_file(partial)) != md5:
            partial.unlink()
            raise UserError(f"{url}: the download had MD5 {actual}, not {md5}, and was deleted; {advice}")
        partial.replace(path)
    except OSError as error:
        place = error.filename or partial
        raise UserError(f"{place}: cannot be written: {error.strerror or error}") from None
    return path


def verified(path: Path, md5: str, advice: str) -> Path:
    """Return `path` if its MD5 is right.

    Raises:
        UserError: the MD5 is wrong.
    """
    if (actual := md5_of_file(path)) != md5:
        size = path.stat().st_size
        raise UserError(f"{path}: {size} bytes with MD5 {actual}, not {md5}: truncated or changed; {advice}")
    return path


def _complete(url: str, partial: Path, advice: str) -> None:
    """Download the rest of `partial`."""
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if have and error.code == ALREADY_COMPLETE:
            return
        raise UserError(f"{url}: the server answers {error.code} {error.reason}; {advice}") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(f"{url}: cannot be reached ({reason}); {advice}") from None
    with response:
        have = have if response.headers.get("Content-Range", "").startswith(f"bytes {have}-") else 0
        announced = int(response.headers.get("Content-Length", 0))
        try:
            with partial.open("ab" if have else "wb") as handle:
                missing = _copy(response, handle, announced)
        except OSError as error:
            needed = f"{announced + have} bytes are needed there for {partial.stem}"
            reason = f"{error.strerror or error}; {needed}; make room and run again to continue"
            raise UserError(f"{partial.parent}: {reason}") from None
    if missing:
        have = partial.stat().st_size
        reason = f"cut off after {have} of {have + missing} bytes"
        raise UserError(f"{partial}: {reason}; run again to continue from there; {advice}")


def _copy(response: http.client.HTTPResponse, handle: IO[bytes], missing: int) -> int:
    """Write the response to a file; return how many of the `missing` (announced) bytes did not arrive."""
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException):
            return max(missing, 1)
        if not chunk:
            return max(missing, 0)
        handle.write(chunk)
        missing -= len(chunk)
