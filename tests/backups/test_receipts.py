"""What was proved, signed and locked beside its backup."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from genuka_pipelines.backups.calendar import backup_id, epoch_of
from genuka_pipelines.backups.regions.receipts import Receipt, newest_receipts, receipts, write_receipt
from genuka_pipelines.backups.regions.region import Region
from genuka_pipelines.keys import Secret, SigningKey
from genuka_pipelines.stores.errors import Locked
from tests.backups.made import NOW, damage, signing, snapshot

BACKUP = backup_id(NOW)


def receipt(**fields: object) -> Receipt:
    known = {"what": "verified", "backup": BACKUP, "region": "france", "at": NOW, "counts": {"objects": 3}}
    return Receipt(**{**known, **fields})


def test_reads_back_as_written_locked_with_its_epoch(france: Region) -> None:
    said = receipt(bad=("v1/e/x",))
    key = write_receipt(france, said, signing)
    assert receipts(france, BACKUP, signing.verify) == (said,)
    assert not said.passed
    lock = france.store.retention(key)
    assert lock is not None
    assert lock.until == epoch_of(BACKUP).locked_until
    with pytest.raises(Locked):
        france.store.delete(key, version=france.store.head(key).version)


def test_twice_is_once_and_two_of_one_moment_are_two(france: Region) -> None:
    write_receipt(france, receipt(), signing)
    before = snapshot(france.store)
    write_receipt(france, receipt(), signing)
    assert snapshot(france.store) == before
    write_receipt(france, receipt(counts={"objects": 4}), signing)
    assert len(receipts(france, BACKUP, signing.verify)) == 2


def test_the_newest_of_each_kind(france: Region) -> None:
    for what in ("verified", "drilled"):
        for hours in (2, 3, 1):
            write_receipt(france, receipt(what=what, at=NOW + timedelta(hours=hours)), signing)
    newest = newest_receipts(france, BACKUP, signing.verify)
    assert {what: each.at for what, each in newest.items()} == dict.fromkeys(
        ("verified", "drilled"), NOW + timedelta(hours=3)
    )
    assert newest_receipts(france, backup_id(NOW - timedelta(days=1)), signing.verify) == {}


def test_forged_moved_and_damaged_ones_do_not_count_and_hidden_ones_do(path: Path, france: Region) -> None:
    forger = SigningKey(Secret(b"f" * 32))
    forged = write_receipt(france, receipt(at=NOW + timedelta(hours=1)), forger)
    true = write_receipt(france, receipt(), signing)
    france.store.put(true.replace("verified", "drilled"), france.store.get(true))
    assert receipts(france, BACKUP, signing.verify) == (receipt(),)
    france.store.delete(true)
    assert receipts(france, BACKUP, signing.verify) == (receipt(),)
    france.store.put(true, france.store.get(forged))
    assert receipts(france, BACKUP, signing.verify) == (receipt(),)
    lowest = min(snapshot(france.store), key=lambda stored: (stored.key != true, stored.created))
    damage(path / "france", lowest, at=20)
    assert receipts(france, BACKUP, signing.verify) == ()
