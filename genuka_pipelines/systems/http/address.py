"""Which addresses a personal key may be sent to.

A key sent in the clear, or to a host that a redirect named, is a key given away.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from genuka_pipelines.catalog.host import is_this_machine


@dataclass(frozen=True, slots=True)
class Address:
    """A checked address: `origin` is `https://host[:port]`, `path` has no slash at its end."""

    origin: str
    host: str
    path: str


def address(url: str) -> Address:
    """The parts of `https://host[:port][/path]`, or of `http://` on this machine; ValueError says what is wrong."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise ValueError("is not an address: write https://host") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not an address: write https://host")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("holds more than a place: leave credentials to the key file")
    if parts.scheme == "http" and not is_this_machine(parts.hostname):
        raise ValueError("is not encrypted: write https://, a key must not travel in the clear")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    origin = f"{parts.scheme}://{host}" + (f":{port}" if port else "")
    return Address(origin, parts.hostname, parts.path.rstrip("/"))
