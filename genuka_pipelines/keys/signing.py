"""Signatures over manifests and the ledger's anchors, so that a forged one is told from ours (RFC 8032)."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from genuka_pipelines.keys.secret import Secret


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether `signature` (64 bytes) is that of `message` by the 32-byte public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


class SigningKey:
    """An Ed25519 key. `public` is 32 bytes, `id` a short public name of it."""

    __slots__ = ("_seed", "id", "public")

    def __init__(self, seed: Secret) -> None:
        self._seed = seed
        self.public = self._private().public_key().public_bytes_raw()
        self.id = hashlib.sha256(self.public).hexdigest()[:16]

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes, always the same for the same message."""
        return self._private().sign(message)

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether we signed this."""
        return verify(self.public, signature, message)

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self._seed.reveal())

    def __repr__(self) -> str:
        return f"<SigningKey {self.id}>"
