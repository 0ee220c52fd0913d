"""Seals backups so that a tenant can be forgotten by destroying thirty-two bytes.

Locked backups cannot be deleted before their time; under the root key, each tenant's key wraps its
epochs' keys and these seal the packs, so losing the tenant's key loses all of it, and rotating a key
above rewrites only the few bytes below it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from genuka_pipelines.keys.errors import Undecryptable
from genuka_pipelines.keys.files import new_secret
from genuka_pipelines.keys.root import RootKey
from genuka_pipelines.keys.secret import Secret

PACK = b"GNKP\x01"
EPOCH = b"GNKE\x01"
_TENANT = "genuka tenant key 1"
_NONCE, _MAC, _TAG = 12, 32, 16


def hkdf(key: bytes, info: bytes, *, salt: bytes | None = None, length: int = 32) -> bytes:
    """HKDF-SHA256. Source: RFC 5869."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a pack belongs. It is authenticated, so a pack moved elsewhere does not open."""

    table: str
    ordinal: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed pack: its name (64 hex digits, from its content and place alone) and its bytes."""

    name: str
    data: bytes


class EpochKey:
    """Seals and opens the packs of one tenant in one epoch."""

    __slots__ = ("_secret", "epoch", "tenant")

    def __init__(self, tenant: str, epoch: str, secret: Secret) -> None:
        self.tenant, self.epoch, self._secret = tenant, epoch, secret

    def seal(self, plain: bytes, place: Place) -> Sealed:
        """Seals at most 2³¹−1 bytes. The same content in the same place always gives the same bytes.

        The key is derived from the content and the place, so no key ever meets a second message and
        the nonce may stay zero.
        """
        about = self._about(place)
        mac = self._mac(plain, about)
        data = AESGCM(self._pack_key(mac)).encrypt(bytes(_NONCE), plain, about)
        return Sealed(mac.hex(), PACK + mac + data)

    def open(self, data: bytes, place: Place, name: str) -> bytes:
        """The content; Undecryptable, naming the object, unless every byte and its place are right."""
        if len(data) < len(PACK) + _MAC + _TAG:
            raise Undecryptable(name, "it is truncated: take the other region's copy")
        if not data.startswith(PACK):
            raise Undecryptable(name, "it is not a pack of this format: take the other region's copy")
        about = self._about(place)
        mac = data[len(PACK) : len(PACK) + _MAC]
        try:
            # A view: what is sealed may have 64 MiB.
            sealed = memoryview(data)[len(PACK) + _MAC :]
            plain = AESGCM(self._pack_key(mac)).decrypt(bytes(_NONCE), sealed, about)
        except InvalidTag:
            plain = None
        if plain is None or not hmac.compare_digest(mac, self._mac(plain, about)):
            raise Undecryptable(
                name,
                "it is truncated, altered, in another's place or sealed with another key: take the other region's copy",
            )
        return plain

    def wrapped_by(self, tenant: TenantKey) -> bytes:
        """This key for the store, sealed by its tenant's key; always the same bytes for the same two keys.

        The nonce is derived from what is sealed, so none meets a second message.
        """
        above, about = tenant._secret.reveal(), self._about(None)
        seed = hkdf(above, b"genuka epoch nonce 1")
        nonce = hmac.digest(seed, about + self._secret.reveal(), "sha256")[:_NONCE]
        return EPOCH + nonce + AESGCM(above).encrypt(nonce, self._secret.reveal(), about)

    def _about(self, place: Place | None) -> bytes:
        what = ["genuka pack 1", place.table, place.ordinal] if place else ["genuka epoch key 1"]
        return json.dumps([*what, self.tenant, self.epoch], separators=(",", ":")).encode()

    def _mac(self, plain: bytes, about: bytes) -> bytes:
        # The length keeps "place ‖ content" from being read in two ways.
        mac = hmac.new(hkdf(self._secret.reveal(), b"genuka pack mac 1"), digestmod="sha256")
        mac.update(len(about).to_bytes(8, "big") + about)
        mac.update(plain)
        return mac.digest()

    def _pack_key(self, mac: bytes) -> bytes:
        return hkdf(self._secret.reveal(), b"genuka pack key 1" + mac)

    def __repr__(self) -> str:
        return f"<EpochKey {self.epoch}>"


class TenantKey:
    """Wraps a tenant's epoch keys. Its wrapped form must lie where it can be destroyed."""

    __slots__ = ("_secret", "tenant")

    def __init__(self, tenant: str, secret: Secret) -> None:
        self.tenant, self._secret = tenant, secret

    @classmethod
    def new(cls, tenant: str) -> TenantKey:
        """A new random key for a tenant id."""
        return cls(tenant, new_secret())

    def wrapped_by(self, root: RootKey, *, also: Sequence[str] = ()) -> bytes:
        """This key for the store, encrypted to the root and to other age recipients (escrow)."""
        return root.wrap(json.dumps([_TENANT, self.tenant, self._secret.reveal().hex()]).encode(), also=also)

    @classmethod
    def unwrap(cls, tenant: str, wrapped: bytes, root: RootKey, name: str) -> TenantKey:
        """Opens a wrapped tenant key; Undecryptable, naming the object, also when it is another tenant's."""
        try:
            label, whose, key = json.loads(root.unwrap(wrapped, name))
            if (label, whose, len(key)) == (_TENANT, tenant, 64):
                return cls(tenant, Secret(bytes.fromhex(key)))
        except (ValueError, TypeError):
            pass
        raise Undecryptable(name, "it holds no key of this tenant: take the other region's copy")

    @property
    def id(self) -> str:
        """A public name of the key, to be pinned in a signed manifest: anyone can encrypt to the root."""
        return self._secret.id

    def new_epoch(self, epoch: str) -> EpochKey:
        """A new random key for one of the tenant's epochs."""
        return EpochKey(self.tenant, epoch, new_secret())

    def epoch(self, epoch: str) -> EpochKey:
        """The key of one of the tenant's epochs: the same wherever it is made, so that regions cannot disagree."""
        about = json.dumps(["genuka epoch key 1", self.tenant, epoch], separators=(",", ":")).encode()
        return EpochKey(self.tenant, epoch, Secret(hkdf(self._secret.reveal(), about)))

    def open_epoch(self, epoch: str, wrapped: bytes, name: str) -> EpochKey:
        """Opens a wrapped epoch key; Undecryptable, naming the object."""
        nonce, sealed = wrapped[len(EPOCH) : len(EPOCH) + _NONCE], wrapped[len(EPOCH) + _NONCE :]
        about = EpochKey(self.tenant, epoch, self._secret)._about(None)
        try:
            if wrapped.startswith(EPOCH) and len(nonce) == _NONCE:
                secret = AESGCM(self._secret.reveal()).decrypt(nonce, sealed, about)
                return EpochKey(self.tenant, epoch, Secret(secret))
        except InvalidTag:
            pass
        raise Undecryptable(name, "it is truncated or altered, or wrapped by another tenant's key")

    def __repr__(self) -> str:
        return "<TenantKey>"
