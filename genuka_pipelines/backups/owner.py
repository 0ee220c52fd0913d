"""Whose data a backup holds: one tenant, or the platform.

A tenant is named in object keys by a keyed hash alone, since keys of objects are seen by providers,
listed in logs and never encrypted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genuka_pipelines.keys import Keyring

_UNIT = "\x1f"


@dataclass(frozen=True, slots=True)
class Owner:
    """`tenant` is None for the platform: rows of no tenant, and databases without tenants. `id` is 32 hex digits."""

    tenant: str | None
    id: str


def owner_of(tenant: str | None, keyring: Keyring) -> Owner:
    """The owner of a tenant's rows, or the platform."""
    return Owner(tenant, keyring.erasure.hex(f"backup owner{_UNIT}{tenant or ''}".encode())[:32])
