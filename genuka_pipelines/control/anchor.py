"""The ledger's head, signed and carried out of the database.

A superuser can rewrite a whole chain so that it fits; a signed head in a store that cannot be
altered is what such a chain, or a shortened one, can no longer match.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import date

from genuka_pipelines.control.canonical import canonical_json
from genuka_pipelines.control.errors import LedgerDamaged

Sign = Callable[[bytes], bytes]
"""Message to signature."""
VerifySignature = Callable[[bytes, bytes], bool]
"""(signature, message) to whether the signature is ours."""

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Anchor:
    """The ledger ended with entry `seq`, whose hash is `hash`, on `day` (ISO). `signature` is hex."""

    seq: int
    hash: str
    day: str
    signature: str = ""

    def message(self) -> bytes:
        """The bytes that are signed: everything but the signature, after a label."""
        return b"genuka ledger anchor 1\n" + canonical_json(asdict(replace(self, signature=""))).encode()

    def signed(self, sign: Sign) -> Anchor:
        """The same anchor with its signature."""
        return replace(self, signature=sign(self.message()).hex())

    def signed_by(self, verify: VerifySignature) -> bool:
        """Whether the signature is ours; False, never an error, for one that is no signature at all."""
        try:
            return verify(bytes.fromhex(self.signature), self.message())
        except ValueError:
            return False

    def to_bytes(self) -> bytes:
        """What a store keeps: canonical JSON."""
        return canonical_json(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes, name: str) -> Anchor:
        """Reads what a store kept under `name`; LedgerDamaged, naming it, when it is no anchor."""
        try:
            raw = json.loads(data)
            date.fromisoformat(raw["day"])
            if set(raw) == {"seq", "hash", "day", "signature"} and _HASH.fullmatch(raw["hash"]):
                return cls(int(raw["seq"]), raw["hash"], raw["day"], str(raw["signature"]))
        except (ValueError, KeyError, TypeError):
            pass
        raise LedgerDamaged(f"{name} is not an anchor of the ledger: compare it with the other store's copy")
