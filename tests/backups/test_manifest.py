from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.backups.calendar import Epoch, backup_id
from genuka_pipelines.backups.errors import BackupDamaged, UnknownFormat
from genuka_pipelines.backups.format.envelope import enveloped
from genuka_pipelines.backups.format.manifest import (
    Header,
    Manifest,
    MediaState,
    Named,
    Pack,
    PlaceState,
    Section,
    TableState,
    read_header,
    read_manifest,
    write_manifest,
)
from genuka_pipelines.backups.format.night import Night, OwnerState, read_night, read_night_header, write_night
from genuka_pipelines.backups.format.sealed import open_body, open_manifest, seal_body
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.keys import Keyring, RootKey, SigningKey, Undecryptable, open_keyring
from genuka_pipelines.keys.envelope import TenantKey
from genuka_pipelines.keys.files import new_secret

ROOT, SIGNING, OTHER = RootKey.generate(), SigningKey(new_secret()), SigningKey(new_secret())
OWNER, HASH, NAME = "0f" * 16, "a" * 64, "v1/e/x/m/20261122T004500Z"
KEY = TenantKey.new(OWNER).epoch("2026-11-02")
AT = datetime(2026, 11, 22, 0, 45, 0, 123456, tzinfo=UTC)

words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
counts = st.integers(0, 2**62)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
moments = st.datetimes(datetime(2024, 2, 1), datetime(2090, 1, 1), timezones=st.just(timezone(timedelta(hours=5))))
backups = moments.map(backup_id)
kinds = st.sampled_from(["base", "rows", "gone", "definition", "media"])
sections = st.builds(Section, place=counts, table=words, kind=kinds, rows=counts, bytes=counts)
packs = st.builds(Pack, ordinal=counts, name=hashes, bytes=counts, sha256=hashes, sections=st.tuples(sections))
tables = st.builds(
    TableState, name=words, columns=st.tuples(words), rows=counts, digest=hashes, base=backups, declared=st.booleans()
)
places = st.builds(
    PlaceState,
    system=words,
    own=st.booleans(),
    server=st.tuples(words, words),
    snapshot=words,
    taken_at=moments,
    definition=backups,
    tables=st.lists(tables, max_size=2).map(tuple),
    sequences=st.dictionaries(words, words, max_size=2),
)
manifests = st.builds(
    Manifest,
    backup=backups,
    owner=st.just(OWNER),
    tenant=st.none() | words,
    parent=st.none() | backups,
    chain=st.lists(backups, max_size=3).map(tuple),
    created=moments,
    places=st.lists(places, max_size=2).map(tuple),
    media=st.lists(
        st.builds(MediaState, system=words, objects=counts, bytes=counts, digest=hashes, base=backups), max_size=1
    ).map(tuple),
    packs=st.lists(packs, max_size=2).map(tuple),
    row_key=hashes,
    tenant_key=st.just("b" * 16),
    tools=st.dictionaries(words, words, max_size=2),
)
named = st.lists(st.builds(Named, key=words, bytes=counts, sha256=hashes), max_size=2).map(tuple)
nights = st.builds(
    Night,
    backup=backups,
    created=moments,
    finished=moments,
    owners=st.dictionaries(
        hashes.map(lambda text: text[:32]),
        st.builds(OwnerState, backup=st.none() | backups, captured=st.booleans(), failed=st.booleans()),
        max_size=3,
    ),
    tenants=st.dictionaries(words, st.none() | words, max_size=2),
    row_key=hashes,
    rows=st.dictionaries(words, counts, max_size=2),
    suspicious=st.dictionaries(words, counts, max_size=2),
    undeclared=st.tuples(words),
)
MANIFEST = Manifest(
    backup="20261122T004500Z", owner=OWNER, tenant="L'Été 🌍", parent=None, chain=(), created=AT, places=(), packs=(),
    row_key=HASH, tenant_key="b" * 16,
)  # fmt: skip
NIGHT = Night(
    backup="20261122T004500Z", created=AT, finished=AT, row_key=HASH, tenants={OWNER: "L'Été 🌍", "0" * 32: None},
    owners={OWNER: OwnerState(backup="20261122T004500Z", captured=True)},
)  # fmt: skip


def written(manifest: Manifest, objects: tuple[Named, ...] = (), signing: SigningKey = SIGNING) -> bytes:
    def seal(body: bytes) -> bytes:
        return seal_body(KEY, body)

    return write_manifest(manifest, objects, seal=seal, sign=signing.sign, signer=signing.id)


def night(value: Night = NIGHT, signing: SigningKey = SIGNING) -> bytes:
    return write_night(value, root=ROOT, sign=signing.sign, signer=signing.id)


@given(manifests, named)
def test_a_manifest_reads_back_as_it_was_written(manifest: Manifest, objects: tuple[Named, ...]) -> None:
    data = written(manifest, objects)
    assert written(manifest, objects) == data
    assert open_manifest(KEY, data, NAME, SIGNING.verify) == manifest
    header = read_header(data, NAME, SIGNING.verify)
    assert (header.backup, header.owner, header.objects) == (manifest.backup, OWNER, objects)
    assert (header.epoch, header.retain_until) == (manifest.epoch, manifest.epoch.locked_until)
    assert header.created == manifest.created


@given(nights)
def test_a_night_reads_back_as_it_was_written(value: Night) -> None:
    data = night(value)
    assert read_night(data, NAME, root=ROOT, verify=SIGNING.verify) == value
    header = read_night_header(data, NAME, SIGNING.verify)
    assert (header.backup, header.owners) == (value.backup, value.owners)
    assert value.partial == any(state.failed for state in header.owners.values())


@pytest.mark.parametrize("data", [written(MANIFEST), night()], ids=["manifest", "night"])
def test_every_altered_byte_every_truncation_and_every_addition_is_found(data: bytes) -> None:
    read = read_header if data == written(MANIFEST) else read_night_header
    assert read(data, NAME, SIGNING.verify)
    for at in range(len(data)):
        for altered in (data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], data[:at]):
            with pytest.raises((BackupDamaged, UnknownFormat), match=NAME):
                read(altered, NAME, SIGNING.verify)
    with pytest.raises(BackupDamaged, match=NAME):
        read(data + b"\n", NAME, SIGNING.verify)


def test_the_signature_of_another_key_is_none() -> None:
    for data in (written(MANIFEST, signing=OTHER), night(signing=OTHER)):
        with pytest.raises(BackupDamaged, match="signed by another key"):
            read_header(data, NAME, SIGNING.verify)


@pytest.mark.parametrize("version", [0, 1, 3, "2", None])
def test_another_format_is_said_to_be_one(version: object) -> None:
    line = json.dumps({"format": version, "kind": "manifest"}).encode()
    data = b"\n".join((line, SIGNING.sign(line).hex().encode(), b""))
    with pytest.raises(UnknownFormat, match=f"{NAME} has format"):
        read_header(data, NAME, SIGNING.verify)
    with pytest.raises(UnknownFormat, match="install a newer"):
        read_night(data, NAME, root=ROOT, verify=SIGNING.verify)


@pytest.mark.parametrize(
    "data", [b"", b"\n\n", b"[]\n\n", b"{}", b"\xff\xfe\n\n", b"{}\nzz\n", b'{"format":1}\n' + b"0" * 128]
)
def test_what_is_no_manifest_is_named(data: bytes) -> None:
    with pytest.raises(BackupDamaged, match=NAME):
        read_header(data, NAME, SIGNING.verify)


def test_a_signed_header_or_body_of_another_kind_is_refused() -> None:
    def verify(signature: bytes, message: bytes) -> bool:
        return SIGNING.verify(signature, message)

    with pytest.raises(BackupDamaged, match="no header"):
        read_header(night(), NAME, verify)
    with pytest.raises(BackupDamaged, match="no nightheader"):
        read_night_header(written(MANIFEST), NAME, verify)
    for body in (b"", b"{}", b"\xff", b"[1]"):
        data = enveloped({**json.loads(written(MANIFEST).split(b"\n")[0])}, seal_body(KEY, body), SIGNING.sign)
        with pytest.raises(BackupDamaged, match="no manifest"):
            open_manifest(KEY, data, NAME, verify)


def test_a_body_moved_under_another_header_does_not_count() -> None:
    header = json.loads(written(MANIFEST).split(b"\n")[0])
    for change in ({"backup": "20261123T004500Z"}, {"owner": "1e" * 16}):
        data = enveloped({**header, **change}, seal_body(KEY, MANIFEST.model_dump_json().encode()), SIGNING.sign)
        with pytest.raises(BackupDamaged, match="another backup"):
            open_manifest(KEY, data, NAME, SIGNING.verify)
    later = {**json.loads(night().split(b"\n")[0]), "backup": "20261123T004500Z"}
    moved = enveloped(later, ROOT.wrap(NIGHT.model_dump_json().encode()), SIGNING.sign)
    with pytest.raises(BackupDamaged, match="another night"):
        read_night(moved, NAME, root=ROOT, verify=SIGNING.verify)


def test_another_key_opens_neither() -> None:
    other = TenantKey.new(OWNER).epoch("2026-11-02")
    with pytest.raises(Undecryptable, match=NAME):
        open_manifest(other, written(MANIFEST), NAME, SIGNING.verify)
    with pytest.raises(Undecryptable, match=NAME):
        read_night(night(), NAME, root=RootKey.generate(), verify=SIGNING.verify)


def test_a_header_tells_nothing_of_whom_it_is_about() -> None:
    for data in (written(MANIFEST), night()):
        assert "Été" not in data.decode("utf-8", "replace")
        assert "u00c9t" not in data.decode("utf-8", "replace")
        assert HASH.encode() not in data.split(b"\n")[0]
    assert Header.model_validate_json(written(MANIFEST).split(b"\n")[0]).epoch == Epoch.at(AT)


def test_a_body_that_was_sealed_wrongly_is_none() -> None:
    from genuka_pipelines.keys.envelope import Place

    for plain in (b"", b"no frame"):
        with pytest.raises(BackupDamaged, match="body that is none"):
            open_body(KEY, KEY.seal(plain, Place("manifest", 0)).data, NAME)
    assert read_manifest(
        written(MANIFEST), NAME, unseal=lambda body: open_body(KEY, body, NAME), verify=SIGNING.verify
    ).rows == 0  # fmt: skip


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    return open_keyring(tmp_path_factory.mktemp("keys") / "keys", create=True)


@given(one=words, other=words)
def test_an_owner_is_named_by_a_keyed_hash_alone(ring: Keyring, one: str, other: str) -> None:
    assert (owner_of(one, ring).id == owner_of(other, ring).id) == (one == other)
    found = owner_of(one, ring).id
    assert len(found) == 32
    assert set(found) <= set("0123456789abcdef")


def test_the_platform_is_nobody_elses_owner(ring: Keyring, tmp_path: Path) -> None:
    assert owner_of(None, ring).tenant is None
    assert owner_of(None, ring).id != owner_of("None", ring).id
    assert owner_of("a", open_keyring(tmp_path / "other", create=True)).id != owner_of("a", ring).id
