"""The key above all others, in the open `age` format.

Whoever holds it can open every backup; it is an X25519 identity, so that a copy of a tenant's key can
be wrapped for people offline who hold only their own half. Source: age-encryption.org/v1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyrage  # type: ignore[import-untyped]

from genuka_pipelines.keys import files
from genuka_pipelines.keys.errors import KeyUnusable, Undecryptable
from genuka_pipelines.keys.secret import Secret

_PREFIX = "AGE-SECRET-KEY-1"


class RootKey:
    """An age identity, and `earlier` ones that open what was wrapped before it. `recipient` (`age1…`) is public."""

    __slots__ = ("_identities", "recipient")

    def __init__(self, identity: Secret, *earlier: Secret) -> None:
        self._identities = (identity, *earlier)
        self.recipient = str(self._age()[0].to_public())

    @classmethod
    def generate(cls) -> RootKey:
        """A new random identity."""
        return cls(Secret(str(pyrage.x25519.Identity.generate()).encode()))

    @classmethod
    def load(cls, path: Path, *, given: bool = False) -> RootKey:
        """Reads an age identity file: comments and secret keys, the one that wraps first. KeyUnusable, KeyMissing."""
        lines = files.read(path, given=given).decode("ascii", "replace").splitlines()
        keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        try:
            if keys and all(key.startswith(_PREFIX) for key in keys):
                return cls(*(Secret(key.encode()) for key in keys))
        except pyrage.IdentityError:
            pass
        raise KeyUnusable(f"the key file {path} is truncated or altered: it must hold age identities, one a line")

    def save(self, path: Path) -> None:
        """Writes the identity file; the caller holds the lock."""
        lines = b"\n".join(one.reveal() for one in self._identities)
        files.write(path, f"# public key: {self.recipient}\n".encode() + lines + b"\n")

    def wrap(self, data: bytes, *, also: Sequence[str] = ()) -> bytes:
        """Encrypts to this key, and to other recipients (`age1…`). KeyUnusable for one that is none."""
        try:
            recipients = [pyrage.x25519.Recipient.from_str(each) for each in (self.recipient, *also)]
        except pyrage.RecipientError:
            raise KeyUnusable("an escrow recipient is not an age public key (age1…)") from None
        return bytes(pyrage.encrypt(data, recipients))

    def unwrap(self, data: bytes, name: str) -> bytes:
        """Decrypts; Undecryptable, naming the object, when it was altered or wrapped for others."""
        try:
            return bytes(pyrage.decrypt(data, self._age()))
        except pyrage.DecryptError:
            raise Undecryptable(name, "it is truncated or altered, or wrapped by another root key") from None

    def _age(self) -> list[pyrage.x25519.Identity]:
        return [pyrage.x25519.Identity.from_str(one.reveal().decode()) for one in self._identities]

    def __repr__(self) -> str:
        return f"<RootKey {self.recipient}>"
