from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.keys import KeyUnusable, RootKey, Undecryptable
from genuka_pipelines.keys.envelope import EpochKey, Place, TenantKey, hkdf

ROOT = RootKey.generate()
TENANT = TenantKey.new("t1")
EPOCH = TENANT.new_epoch("2026-11-22")
HERE = Place("orders", 3)
RFC_5869 = [
    (
        b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    ),
    (
        bytes(range(0x50)), bytes(range(0x60, 0xB0)), bytes(range(0xB0, 0x100)), 82,
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09"
        "da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87",
    ),
    (
        b"\x0b" * 22, None, b"", 42,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("key", "salt", "info", "length", "expected"), RFC_5869)
def test_rfc_5869(key: bytes, salt: bytes | None, info: bytes, length: int, expected: str) -> None:
    assert hkdf(key, info, salt=salt, length=length).hex() == expected


@given(st.binary(max_size=3000), st.text(max_size=20), st.integers(0, 2**40))
def test_what_is_sealed_opens_and_is_always_the_same(plain: bytes, table: str, ordinal: int) -> None:
    place = Place(table, ordinal)
    sealed = EPOCH.seal(plain, place)
    assert EPOCH.seal(plain, place) == sealed
    assert EPOCH.open(sealed.data, place, sealed.name) == plain
    assert len(plain) < 8 or plain not in sealed.data


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_no_two_messages_share_a_key(one: bytes, other: bytes) -> None:
    names = {
        EPOCH.seal(plain, Place(*place)).name for plain in {one, other} for place in (("a", 1), ("a", 2), ("b", 1))
    }
    assert len(names) == 3 * len({one, other})


def test_every_altered_byte_and_every_truncation_is_found() -> None:
    sealed = EPOCH.seal(b"commande n\xc2\xb0 7", HERE)
    altered = [
        sealed.data[:at] + bytes([sealed.data[at] ^ 1]) + sealed.data[at + 1 :] for at in range(len(sealed.data))
    ]
    shorter = [sealed.data[:length] for length in range(len(sealed.data))]
    for data in (*altered, *shorter, sealed.data + b"\x00"):
        with pytest.raises(Undecryptable, match="france/p/1234 cannot be decrypted"):
            EPOCH.open(data, HERE, "france/p/1234")


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (EPOCH, Place("orders", 4)),
        (EPOCH, Place("users", 3)),
        (TENANT.new_epoch("2026-11-22"), HERE),
        (EpochKey("t2", "2026-11-22", EPOCH._secret), HERE),
        (EpochKey("t1", "2026-12-20", EPOCH._secret), HERE),
    ],
    ids=["another ordinal", "another table", "another key", "another tenant", "another epoch"],
)
def test_a_pack_opens_in_its_own_place_only(key: EpochKey, place: Place) -> None:
    with pytest.raises(Undecryptable):
        key.open(EPOCH.seal(b"x", HERE).data, place, "p")


def test_the_chain_from_the_root_to_a_pack() -> None:
    tenant_file = TENANT.wrapped_by(ROOT)
    epoch_file = EPOCH.wrapped_by(TENANT)
    pack = EPOCH.seal(b"rows", HERE)
    tenant = TenantKey.unwrap("t1", tenant_file, ROOT, "t1/key")
    epoch = tenant.open_epoch("2026-11-22", epoch_file, "t1/epoch")
    assert epoch.open(pack.data, HERE, pack.name) == b"rows"
    assert tenant.id == TENANT.id
    assert tenant_file != TENANT.wrapped_by(ROOT)


def test_an_epochs_key_is_the_same_wherever_it_is_made() -> None:
    again = TenantKey.unwrap("t1", TENANT.wrapped_by(ROOT), ROOT, "t1/key")
    one, other = TENANT.epoch("2026-11-02"), again.epoch("2026-11-02")
    assert one.wrapped_by(TENANT) == other.wrapped_by(again)
    assert one.seal(b"rows", HERE) == other.seal(b"rows", HERE)
    names = {
        key.seal(b"rows", HERE).name
        for key in (one, TENANT.epoch("2026-11-30"), TenantKey.new("t1").epoch("2026-11-02"))
    }
    assert len(names) == 3
    # No nonce meets a second key.
    nonces = {key.wrapped_by(TENANT)[5:17] for key in (one, TENANT.epoch("2026-11-30"), EPOCH)}
    assert len(nonces) == 3
    assert again.open_epoch("2026-11-02", one.wrapped_by(TENANT), "t1/epoch").seal(b"rows", HERE) == one.seal(
        b"rows", HERE
    )


def test_rotation_rewrites_the_few_bytes_above_and_no_pack() -> None:
    pack = EPOCH.seal(b"rows", HERE)
    new_root, new_tenant = RootKey.generate(), TenantKey.new("t1")
    tenant_file = TenantKey.unwrap("t1", TENANT.wrapped_by(ROOT), ROOT, "old").wrapped_by(new_root)
    with pytest.raises(Undecryptable):
        TenantKey.unwrap("t1", tenant_file, ROOT, "t1/key")
    tenant = TenantKey.unwrap("t1", tenant_file, new_root, "t1/key")
    epoch_file = tenant.open_epoch("2026-11-22", EPOCH.wrapped_by(TENANT), "old").wrapped_by(new_tenant)
    with pytest.raises(Undecryptable):
        TENANT.open_epoch("2026-11-22", epoch_file, "t1/epoch")
    epoch = new_tenant.open_epoch("2026-11-22", epoch_file, "t1/epoch")
    assert epoch.open(pack.data, HERE, pack.name) == b"rows"
    assert epoch.seal(b"rows", HERE) == pack


def test_a_new_root_key_wraps_and_the_one_before_it_still_opens(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    ROOT.save(old)
    RootKey.generate().save(new)
    new.write_text(new.read_text() + old.read_text())
    both = RootKey.load(new)
    assert both.recipient != ROOT.recipient
    assert (both.unwrap(ROOT.wrap(b"before"), "k"), both.unwrap(both.wrap(b"after"), "k")) == (b"before", b"after")
    with pytest.raises(Undecryptable):
        ROOT.unwrap(both.wrap(b"after"), "k")
    both.save(old)
    assert RootKey.load(old).unwrap(ROOT.wrap(b"before"), "k") == b"before"


def test_escrow_opens_it_too_and_nobody_else() -> None:
    escrow = RootKey.generate()
    wrapped = TENANT.wrapped_by(ROOT, also=[escrow.recipient])
    assert TenantKey.unwrap("t1", wrapped, escrow, "k").id == TENANT.id
    with pytest.raises(Undecryptable):
        TenantKey.unwrap("t1", wrapped, RootKey.generate(), "k")
    with pytest.raises(KeyUnusable, match="age1"):
        TENANT.wrapped_by(ROOT, also=["nobody"])


def test_altered_truncated_or_swapped_wrapped_keys_are_named() -> None:
    tenant_file, epoch_file = TENANT.wrapped_by(ROOT), EPOCH.wrapped_by(TENANT)
    for cut in (0, 1, 10, len(tenant_file) - 1):
        with pytest.raises(Undecryptable, match="t1/key"):
            TenantKey.unwrap("t1", tenant_file[:cut], ROOT, "t1/key")
    with pytest.raises(Undecryptable, match="no key of this tenant"):
        TenantKey.unwrap("t2", tenant_file, ROOT, "t2/key")
    for forged in (
        b"",
        b"[]",
        b"null",
        b'["a"]',
        json.dumps(["genuka tenant key 1", "t1", "zz"]).encode(),
        b"\xff",
    ):
        with pytest.raises(Undecryptable, match="t1/key"):
            TenantKey.unwrap("t1", ROOT.wrap(forged), ROOT, "t1/key")
    for at in range(len(epoch_file)):
        for data in (epoch_file[:at], epoch_file[:at] + bytes([epoch_file[at] ^ 1]) + epoch_file[at + 1 :]):
            with pytest.raises(Undecryptable, match="t1/epoch"):
                TENANT.open_epoch("2026-11-22", data, "t1/epoch")
    with pytest.raises(Undecryptable):
        TENANT.open_epoch("2026-12-20", epoch_file, "t1/epoch")
