"""Passwords and keys stay out of what is printed and kept: those in addresses, and values of variables that hold one.

What is printed goes through `hide_in_streams`: lines of log, warnings of libraries and tracebacks, whoever writes them.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TextIO, cast
from urllib.parse import unquote

HIDDEN = "***"
SHORTEST = 6  # characters: to take out a shorter value, which is no password, would garble texts
WORD = (
    r"(?:[A-Z0-9]*PASS(?:WO?R?D|PHRASE)|SECRETS?|TOKENS?|CREDENTIALS?|KEYS?|SIG(?:NATURE)?|CONNECTION_STRING)"
)
# names of variables and options: PGPASSWORD, AWS_SECRET_ACCESS_KEY, HF_TOKEN, access_key_id; not PWD, SSH_AUTH_SOCK
NAME = re.compile(rf"(?:^|[_.-]){WORD}(?:$|[_.-])|_PWD$", re.IGNORECASE)
# user and password of an address; a password may hold an @
USERINFO = re.compile(r"(?<=://)[^\s/?#'\"<>]*@")
# a password, or what stands alone in its place; one that was not encoded may hold a / and an @
ADDRESS = re.compile(r"://(?:[^\s/?#@:]*:(?!\d*/)(\S*)@|([^\s/?#:]+)@)")
PARAMETER = re.compile(
    r"([?&;][\w.-]*(?:passw(?:or)?d|pwd|secret|token|signature|sig|key|credential)=)[^&;\s'\"<>]+",
    re.IGNORECASE,
)


def without_secrets(text: str, more: Mapping[str, str] | None = None) -> str:
    """Return a text without passwords: of addresses, in their parameters, and of the environment's variables.

    Args:
        text: to be printed or kept.
        more: further names and values, such as a remote's options; those that are called as secrets are, are taken out.
    """
    for secret in _secrets((*os.environ.items(), *(more or {}).items())):
        text = text.replace(secret, HIDDEN)
    return PARAMETER.sub(rf"\g<1>{HIDDEN}", USERINFO.sub("", text))


@functools.lru_cache(maxsize=8)
def _secrets(values: tuple[tuple[str, str], ...]) -> list[str]:
    """Return what must not be shown, the longest first; remembered, for every line that is printed asks."""
    return sorted(set(_forms(values)), key=len, reverse=True)


def _forms(values: tuple[tuple[str, str], ...]) -> Iterator[str]:
    """Yield secrets as they are written and as they are meant."""
    for name, value in values:
        found = [value] if NAME.search(name) else []
        # what a library quotes of an address may be broken or decoded
        found += [part for parts in ADDRESS.findall(value) for part in parts]
        for secret in found:
            yield from (form for form in (secret, unquote(secret)) if len(form) >= SHORTEST)


class _Hiding:
    """A stream that takes secrets out of what is written to it; everything else is the stream's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without its secrets."""
        self._stream.write(without_secrets(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write texts without their secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def hide_in_streams() -> None:
    """Take secrets out of all that this process prints from now on; what compiled libraries print is not seen."""
    if not isinstance(sys.stdout, _Hiding):
        sys.stdout, sys.stderr = (cast(TextIO, _Hiding(stream)) for stream in (sys.stdout, sys.stderr))
