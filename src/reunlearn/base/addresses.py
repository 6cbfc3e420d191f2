"""Addresses of stores, as they may be printed."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_credentials(address: str) -> str:
    """Return an address without user and password."""
    host = urlsplit(address).netloc
    return address.replace(host, host.rsplit("@", 1)[-1], 1) if "@" in host else address
