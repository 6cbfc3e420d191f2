"""Passwords and keys stay out of what is printed and kept: those in addresses, and values of variables that hold one.

What is printed goes through `hide_in_streams`: lines of log, warnings of libraries and tracebacks, whoever writes them.
"""

from __future__ import annotations

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
    for secret in sorted(set(_secrets({**os.environ, **(more or {})})), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return PARAMETER.sub(rf"\g<1>{HIDDEN}", USERINFO.sub("", text))


def _secrets(values: Mapping[str, str]) -> Iterator[str]:
    """Yield what must not be shown, as it is written and as it is meant."""
    for name, value in values.items():
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
