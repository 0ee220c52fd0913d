"""Keyed hashes: the only way a person's identifier may leave a database.

A plain hash of an e-mail address is undone by trying addresses. The padded key blocks let a database
compute the same keyed hash in SQL, so that the identifier itself need not travel.
"""

from __future__ import annotations

import hashlib
import hmac

from genuka_pipelines.keys.secret import Secret

BLOCK = 64


def hmac_pads(key: bytes) -> tuple[bytes, bytes]:
    """The inner and outer padded key, 64 bytes each: HMAC(m) = SHA-256(outer ‖ SHA-256(inner ‖ m)).

    Source: RFC 2104, section 2. As secret as the key.
    """
    short = hashlib.sha256(key).digest() if len(key) > BLOCK else key
    padded = short.ljust(BLOCK, b"\x00")
    return bytes(byte ^ 0x36 for byte in padded), bytes(byte ^ 0x5C for byte in padded)


class HmacKey:
    """A key for HMAC-SHA256 (RFC 2104). `name` is its use and `id` its epoch or public name: no secrets."""

    __slots__ = ("_secret", "id", "name")

    def __init__(self, name: str, id: str, secret: Secret) -> None:  # noqa: A002
        self.name, self.id, self._secret = name, id, secret

    def digest(self, message: bytes) -> bytes:
        """The 32 bytes of the message's keyed hash."""
        return hmac.digest(self._secret.reveal(), message, "sha256")

    def hex(self, message: bytes) -> str:
        """The keyed hash in 64 hex digits."""
        return self.digest(message).hex()

    def pads(self) -> tuple[bytes, bytes]:
        """The padded key blocks, to be bound as parameters and never printed into SQL."""
        return hmac_pads(self._secret.reveal())

    def __repr__(self) -> str:
        return f"<HmacKey {self.name} {self.id}>"
