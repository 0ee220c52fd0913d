"""Who may not be written to, by channel: keyed hashes that outlive the account, and every other trace of the person.

A refusal that was erased with the person would be forgotten at the next import of addresses (GDPR article 21(3)).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy import insert, select

from genuka_pipelines.control.canonical import in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.opaque import Hash, Opaque
from genuka_pipelines.control.tables import suppressions

MessageChannel = Literal["email", "sms", "whatsapp"]
_AT_ONCE = 1_000


class Suppressing(Protocol):
    """The keyed hash of the suppression key, which never rotates."""

    def hex(self, message: bytes) -> str:
        """64 hex digits."""


class Suppressed(Opaque):
    """An address, as its keyed hash, that is not written to by a channel."""

    noun = "a suppression"
    digest: Hash
    channel: MessageChannel


def digest_of(address: str, key: Suppressing) -> str:
    """An e-mail address or E.164 number in its one spelling, as the register knows it."""
    return key.hex(f"address\x1f{address}".encode())


class Suppressions:
    """The suppressions of one control database. They are added, and never taken away by anything but their period."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entries: Collection[Suppressed], *, request: str | None, now: datetime) -> int:
        """Add what is not there yet, durably; how many were new. The earliest date of each stays."""
        added = 0
        with self._database.begin() as connection:
            for one in sorted(set(entries), key=lambda entry: (entry.digest, entry.channel)):
                here = (suppressions.c.digest == one.digest, suppressions.c.channel == one.channel)
                if connection.execute(select(suppressions.c.digest).where(*here)).first() is None:
                    row = {"digest": one.digest, "channel": one.channel, "request": request, "at": in_utc(now)}
                    connection.execute(insert(suppressions).values(row))
                    added += 1
        return added

    def among(self, digests: Collection[str], channel: MessageChannel) -> frozenset[str]:
        """Which of many addresses, as `digest_of` spells them, may not be written to."""
        found: set[str] = set()
        wanted = sorted(set(digests))
        for start in range(0, len(wanted), _AT_ONCE):
            part = suppressions.c.digest.in_(wanted[start : start + _AT_ONCE])
            with self._database.begin() as connection:
                query = select(suppressions.c.digest).where(part, suppressions.c.channel == channel)
                found.update(connection.execute(query).scalars())
        return frozenset(found)
