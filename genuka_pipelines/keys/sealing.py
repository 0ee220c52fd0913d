"""Seals the few bytes of personal data that a record of our own must keep: which row, which person.

The control database and its dumps travel to people who may read neither; without this, a hold on
somebody's data or a half-done erasure would itself be a list of names.
"""

from __future__ import annotations

import json

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from genuka_pipelines.keys.envelope import hkdf
from genuka_pipelines.keys.errors import Undecryptable
from genuka_pipelines.keys.files import new_secret
from genuka_pipelines.keys.secret import Secret

SEALED = b"GNKS\x01"
_SALT, _NONCE, _TAG = 32, 12, 16


class SealingKey:
    """AES-256-GCM, each message under a key of its own. `name` is its use and `id` public: no secrets."""

    __slots__ = ("_secret", "id", "name")

    def __init__(self, name: str, secret: Secret) -> None:
        self.name, self.id, self._secret = name, secret.id, secret

    def seal(self, data: bytes, context: str) -> bytes:
        """Seals bytes for one use: `context` says which, is not secret, and must be said again to open.

        Equal bytes never give equal ones. The random salt derives a key that no second message ever
        meets, so the nonce may stay zero and no count of messages need be kept.
        """
        salt = new_secret().reveal()
        return SEALED + salt + self._cipher(salt).encrypt(bytes(_NONCE), data, _about(context))

    def unseal(self, sealed: bytes, context: str) -> bytes:
        """The bytes; Undecryptable, naming the context, unless every byte, the key and the context are right."""
        salt, rest = sealed[len(SEALED) : len(SEALED) + _SALT], sealed[len(SEALED) + _SALT :]
        try:
            if sealed.startswith(SEALED) and len(rest) >= _TAG:
                return self._cipher(salt).decrypt(bytes(_NONCE), rest, _about(context))
        except InvalidTag:
            pass
        raise Undecryptable(
            context,
            f"it is truncated or altered, sealed for another use, or by another key than {self.id}: "
            "put back the sealing key that was first used",
        )

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(hkdf(self._secret.reveal(), b"genuka sealing key 1", salt=salt))

    def __repr__(self) -> str:
        return f"<SealingKey {self.id}>"


def _about(context: str) -> bytes:
    return json.dumps(["genuka sealed 1", context], separators=(",", ":")).encode()
