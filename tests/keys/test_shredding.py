from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

import pytest

from genuka_pipelines.keys import KeyStillThere, RootKey, Undecryptable
from genuka_pipelines.keys.envelope import Place, TenantKey
from genuka_pipelines.keys.shredding import shred


@dataclass
class Bucket:
    place: str
    held: bytes | None
    stubborn: bool = False

    def read(self) -> bytes | None:
        return self.held

    def destroy(self) -> None:
        if not self.stubborn:
            self.held = None


def test_after_shredding_nothing_of_the_tenant_opens(now: datetime) -> None:
    root, tenant, other = RootKey.generate(), TenantKey.new("t1"), TenantKey.new("t2")
    epoch = tenant.new_epoch("e")
    epoch_file, pack = epoch.wrapped_by(tenant), epoch.seal(b"rows", Place("orders", 0))
    wrapped = tenant.wrapped_by(root)
    france, usa = Bucket("france", wrapped), Bucket("usa", wrapped)
    receipt = shred("t/1234", [france, usa], now=now)
    digest = hashlib.sha256(wrapped).hexdigest()
    assert receipt.found == (("france", digest), ("usa", digest))
    assert (receipt.key, receipt.destroyed_at) == ("t/1234", now)
    assert france.held is usa.held is None
    # With the root, the other tenant's key and every sealed byte, nothing opens.
    for key in (other, TenantKey.new("t1")):
        with pytest.raises(Undecryptable):
            key.open_epoch("e", epoch_file, "epoch")
    with pytest.raises(Undecryptable):
        other.new_epoch("e").open(pack.data, Place("orders", 0), pack.name)
    assert other.open_epoch("e", other.new_epoch("e").wrapped_by(other), "t2/epoch")


def test_an_interrupted_shredding_is_finished_by_the_next(now: datetime) -> None:
    france, usa = Bucket("france", None), Bucket("usa", b"wrapped")
    assert shred("t/1", [france, usa], now=now).found[0] == ("france", None)
    assert usa.held is None


def test_no_receipt_while_a_copy_remains(now: datetime) -> None:
    usa = Bucket("usa", b"wrapped", stubborn=True)
    with pytest.raises(KeyStillThere, match="t/1 can still be read in usa"):
        shred("t/1", [Bucket("france", b"wrapped"), usa], now=now)
    with pytest.raises(ValueError, match="place"):
        shred("t/1", [], now=now)
