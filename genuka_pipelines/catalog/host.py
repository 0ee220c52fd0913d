"""Whether a host is this machine, whose place an address does not tell and whose wire nobody can read."""

from __future__ import annotations

from ipaddress import ip_address


def is_this_machine(host: str | None) -> bool:
    """Whether a host name or address is a loopback one, or none at all; `127.example.org` is not."""
    if not host or host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
