"""What cannot be exported, verified or loaded is refused in one sentence, and leaves nothing behind."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from unittest.mock import patch

import pyrage  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken
from genuka_pipelines.exports import Opener, Recipient, identities_in, load, passphrase_in, verify, withdraw
from genuka_pipelines.exports import work as work_module
from genuka_pipelines.exports.errors import (
    ArchiveDamaged,
    BadRecipient,
    BadRequest,
    MediaMissing,
    NoRoom,
    NotDescribed,
    NotOneTenant,
    NotTheSame,
    RequestTaken,
    UnknownFormat,
    UnknownTenant,
    UnsafeArchive,
    WrongKey,
)
from genuka_pipelines.exports.sealing import passphrase
from genuka_pipelines.keys import Secret
from genuka_pipelines.systems.errors import TargetNotEmpty
from tests.exports.world import ALPHA, BETA, CUSTOMERS, FILES, NOW, OPENER, OWN, ExportHouse, emptied, fill
from tests.servers import fresh_database


@pytest.fixture(scope="module")
def house(postgres: ExportHouse) -> ExportHouse:
    dice = Random(3)
    emptied(postgres)
    fill(postgres, ALPHA, dice)
    fill(postgres, BETA, dice)
    fill(postgres, OWN, dice, database=postgres.own)
    return postgres


@pytest.fixture(scope="module")
def plain(house: ExportHouse) -> Path:
    """An archive without its envelope."""
    archive = house.export(ALPHA, "plain")
    path = house.folder / "plain.tar"
    path.write_bytes(pyrage.decrypt(house.store("exports").get(archive.key), [pyrage.x25519.Identity.from_str(
        OPENER.identities[0].reveal().decode())]))  # fmt: skip
    return path


@contextmanager
def refused(kind: type[GenukaError], says: str, code: int = 2) -> Iterator[None]:
    with pytest.raises(kind, match=says) as caught:
        yield
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert [one for one in (ALPHA, BETA, OWN, "example.org") if one in sentence.replace("besides", "")] == []
    assert caught.value.exit_code == code == (1 if isinstance(caught.value, PromiseBroken) else 2)


def nothing_is_delivered(house: ExportHouse, before: set[str]) -> None:
    assert {one.key for one in house.store("exports").list()} == before


def test_an_unknown_tenant(house: ExportHouse) -> None:
    with refused(UnknownTenant, "no register knows that tenant"):
        house.export("nobody")


@pytest.mark.parametrize(
    ("change", "undo", "kind", "says"),
    [
        (
            "CREATE TABLE loyalty (id int, company_id text)", "DROP TABLE loyalty",
            NotDescribed, "'loyalty' of shop_database may hold the tenant's rows and is declared nowhere",
        ),
        (
            "ALTER TABLE orders ADD COLUMN pin text", "ALTER TABLE orders DROP COLUMN pin",
            NotDescribed, "'orders.pin' of shop_database is declared nowhere",
        ),
        (
            "UPDATE orders SET customer_id = (SELECT max(id) FROM customers WHERE company_id <> 'alpha')"
            " WHERE id = (SELECT min(id) FROM orders WHERE company_id = 'alpha')",
            "UPDATE orders SET customer_id = (SELECT max(id) FROM customers WHERE company_id = company_id)"
            " WHERE id = (SELECT min(id) FROM orders WHERE company_id = 'alpha')",
            NotOneTenant, "name rows of another tenant by 'customer_id'",
        ),
    ],
    ids=["table", "column", "reference"],
)  # fmt: skip
def test_a_source_that_is_not_described_or_not_apart(
    house: ExportHouse, change: str, undo: str, kind: type[GenukaError], says: str
) -> None:
    before = {one.key for one in house.store("exports").list()}
    mine = "UPDATE orders SET customer_id = (SELECT max(id) FROM customers WHERE company_id = 'alpha')" \
           " WHERE company_id = 'alpha'"  # fmt: skip
    house.run(change)
    try:
        with refused(kind, says, 1):
            house.export(ALPHA, "wrong")
        nothing_is_delivered(house, before)
    finally:
        house.run(*([undo] if undo and "customer_id" not in undo else []), mine)


def test_a_table_in_a_tenants_own_database_that_nobody_declared(house: ExportHouse) -> None:
    house.run("CREATE TABLE notes (id int)", database=house.own)
    with refused(NotDescribed, "'notes' of shop_database.own may hold", 1):
        house.export(OWN, "wrong")
    house.run("DROP TABLE notes", database=house.own)
    house.run("UPDATE customers SET company_id = 'alpha'", database=house.own)
    with refused(NotOneTenant, "'customers' of shop_database.own has rows of another tenant", 1):
        house.export(OWN, "wrong")
    house.run(CUSTOMERS.update().values(company_id=OWN), database=house.own)
    assert house.export(OWN, "right").rows


def test_a_file_that_the_store_does_not_have(house: ExportHouse) -> None:
    before = {one.key for one in house.store("exports").list()}
    house.run(FILES.insert().values(id="hello.png", model_type="company", model_id=ALPHA))
    with refused(MediaMissing, "a row of 'media' names an object .#[0-9a-f]{12}. that store media_store does not", 1):
        house.export(ALPHA, "missing")
    nothing_is_delivered(house, before)
    house.put("hello.png", b"there")
    archive = house.export(ALPHA, "missing")
    with house.bag(archive) as bag:
        assert "hello.png" in {one["key"] for one in bag.media()}
    house.run(FILES.delete().where(FILES.c.id == "hello.png"))


def test_a_file_that_another_tenant_names_too(house: ExportHouse) -> None:
    house.put("77/a.png", b"whose?")
    for database, tenant in ((None, ALPHA), (house.own, OWN)):
        house.run(FILES.insert().values(id="77", model_type="company", model_id=tenant), database=database)
    with refused(NotOneTenant, "name the same files of media_store", 1):
        house.export(ALPHA, "shared")
    for database in (None, house.own):
        house.run(FILES.delete().where(FILES.c.id == "77"), database=database)


def test_a_disk_that_is_full_midway(house: ExportHouse) -> None:
    before = {one.key for one in house.store("exports").list()}
    written = work_module.Hashing.write

    def full(self: work_module.Hashing, data: bytes) -> int:
        with Path("/dev/full").open("wb", buffering=0) as disk:
            return disk.write(data) if self.size + len(data) > 2000 else written(self, data)

    with (
        patch.object(work_module.Hashing, "write", full),
        refused(NoRoom, "^the disk of the export's folder, or .* is full"),
    ):
        house.export(ALPHA, "full")
    nothing_is_delivered(house, before)
    assert house.export(ALPHA, "full").rows


def test_a_copy_that_did_not_come_back_the_same(house: ExportHouse, plain: Path) -> None:
    from genuka_pipelines.exports import loading

    def lossy(rows: Callable[..., Iterator[bytes]]) -> Callable[..., Iterator[bytes]]:
        return lambda bag, table: (block.replace(b"box", b"bix") for block in rows(bag, table))

    before = {one.key for one in house.store("exports").list()}
    with patch.object(loading, "_lines", lossy(loading._lines)), refused(NotTheSame, "order_lines differ", 1):
        house.export(ALPHA, "lossy")
    nothing_is_delivered(house, before)


def test_an_archive_for_nobody(house: ExportHouse, tmp_path: Path) -> None:
    with refused(BadRecipient, "not an age public key"):
        Recipient(age="age1nonsense")
    with refused(BadRecipient, "a passphrase, and not both"):
        Recipient()
    with refused(BadRecipient, "fewer than 12"):
        Recipient(passphrase=Secret(b"short"))
    secret = tmp_path / "secret"
    with refused(BadRecipient, "cannot be read"):
        passphrase_in(secret)
    secret.write_text("\n")
    secret.chmod(0o600)
    with refused(BadRecipient, "is empty"):
        passphrase_in(secret)
    secret.chmod(0o644)
    with refused(BadRecipient, "may be read by others"):
        identities_in(secret)


def test_the_wrong_key(house: ExportHouse, plain: Path, tmp_path: Path) -> None:
    sealed = tmp_path / "sealed.age"
    sealed.write_bytes(house.store("exports").get(house.export(ALPHA, "plain").key))
    other = Secret(str(pyrage.x25519.Identity.generate()).encode())
    with refused(WrongKey, "the identity does not open"):
        verify(sealed, Opener(identities=(other,)), house.work)
    with refused(WrongKey, "give the file of its identity"):
        verify(sealed, Opener(), house.work)
    with plain.open("rb") as file, sealed.open("wb") as out:
        passphrase.seal(file, out, b"correct horse battery", work=10)
    with refused(WrongKey, "the passphrase does not open"):
        verify(sealed, Opener(passphrase=Secret(b"wrong horse battery")), house.work)
    with refused(WrongKey, "give the file that holds it"):
        verify(sealed, OPENER, house.work)
    assert verify(sealed, Opener(passphrase=Secret(b"correct horse battery")), house.work).rows
    assert not list(house.work.glob("opened-*"))


def test_an_archive_that_is_damaged(house: ExportHouse, plain: Path, tmp_path: Path) -> None:
    whole, path, dice = plain.read_bytes(), tmp_path / "a.tar", Random(1)
    assert verify(plain, OPENER, house.work).rows
    for size in (0, 100, 512, len(whole) // 2, len(whole) - 11_000):
        path.write_bytes(whole[:size])
        with pytest.raises((ArchiveDamaged, UnknownFormat)):
            verify(path, OPENER, house.work)
    with tarfile.open(plain) as tar:
        places = [one.offset_data + dice.randrange(one.size) for one in tar if one.size]
    for place in dice.sample(places, 12):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((ArchiveDamaged, UnknownFormat)):
            verify(path, OPENER, house.work)
    with refused(ArchiveDamaged, "cannot be read"):
        verify(tmp_path / "nothing", OPENER, house.work)


def rewritten(
    plain: Path, path: Path, change: Callable[[tarfile.TarInfo, bytes], list[tuple[tarfile.TarInfo, bytes]]]
) -> Path:
    with tarfile.open(plain) as old, tarfile.open(path, "w") as new:
        for member in old:
            file = old.extractfile(member)
            for changed, data in change(member, file.read() if file else b""):
                changed.size = len(data)
                new.addfile(changed, io.BytesIO(data))
    return path


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/evil", "genuka/../../evil", "a\\..\\evil", "other/file", "{top}/bagit.txt"]
)
def test_a_name_that_would_leave_the_archive(house: ExportHouse, plain: Path, tmp_path: Path, name: str) -> None:
    def add(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        more = [(tarfile.TarInfo(name.replace("{top}", member.name.split("/")[0])), b"evil")]
        return [(member, data), *(more if member.name.endswith("/bag-info.txt") else [])]

    path = rewritten(plain, tmp_path / "a.tar", add)
    with refused(UnsafeArchive, "do not open it"), fresh_database("postgresql") as into:
        load(path, into, OPENER, house.work)
    assert not list(tmp_path.rglob("evil"))


def test_a_link_and_a_file_of_no_manifest(house: ExportHouse, plain: Path, tmp_path: Path) -> None:
    def linked(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if member.name.endswith("README.en.md"):
            member.type, member.linkname, data = tarfile.SYMTYPE, "/etc/passwd", b""
        return [(member, data)]

    def besides(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        top = member.name.split("/")[0]
        return [(member, data), *([(tarfile.TarInfo(f"{top}/data/x"), b"")] if "bagit.txt" in member.name else [])]

    with refused(UnsafeArchive, "would leave"):
        verify(rewritten(plain, tmp_path / "a.tar", linked), OPENER, house.work)
    with refused(ArchiveDamaged, "or has others besides"):
        verify(rewritten(plain, tmp_path / "b.tar", besides), OPENER, house.work)


def test_a_newer_format_and_another_kind_of_file(house: ExportHouse, plain: Path, tmp_path: Path) -> None:
    def newer(member: tarfile.TarInfo, data: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        return [(member, data.replace(b"Format: 1", b"Format: 2"))]

    with refused(UnknownFormat, "newer format than 1"):
        verify(rewritten(plain, tmp_path / "a.tar", newer), OPENER, house.work)
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("top/data"))
    with refused(ArchiveDamaged, "lacks bagit.txt"):
        verify(tmp_path / "b.tar", OPENER, house.work)


def test_a_target_that_is_not_empty(house: ExportHouse, plain: Path) -> None:
    with fresh_database("postgresql") as into:
        engine = sa.create_engine(into, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE mine (id int)"))
        with refused(TargetNotEmpty, "already holds the table or view 'mine'"):
            load(plain, into, OPENER, house.work)


def test_a_delivery_that_was_withdrawn_and_a_folder_that_is_not_there(house: ExportHouse) -> None:
    archive = house.export(BETA, "withdrawn")
    assert withdraw(house, archive.delivery, now=NOW)
    assert not withdraw(house, archive.delivery, now=NOW)
    assert not list(house.store("exports").list(archive.key, versions=True))
    with refused(RequestTaken, "can be fetched no more"):
        house.export(BETA, "withdrawn")
    with refused(BadRecipient, "is not there; make it"):
        house.export(BETA, "elsewhere", directory=house.folder / "nowhere")


@pytest.mark.parametrize("name", ["", "a b", "../up", "é", "x" * 65])
def test_a_request_without_an_opaque_name(house: ExportHouse, name: str) -> None:
    with refused(BadRequest, "the name of a request is"):
        house.export(BETA, name)


def test_two_at_once(house: ExportHouse) -> None:
    seen = []

    def again(step: str, *_: int) -> None:
        if step == "pack":
            with refused(RequestTaken, "by another process"):
                house.export(BETA, "twice")
            seen.append(step)

    assert house.export(BETA, "twice", progress=again).rows
    assert seen == ["pack"]
