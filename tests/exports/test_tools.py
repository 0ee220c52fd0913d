"""The archive opened by others' tools, which know nothing of this program."""

from __future__ import annotations

import hashlib
import io
import os
import pty
import shutil
import subprocess
import tarfile
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pandas as pd  # type: ignore[import-untyped]
import pyrage  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa

from genuka_pipelines.exports import Recipient
from genuka_pipelines.exports.errors import ArchiveDamaged
from genuka_pipelines.exports.sealing import passphrase
from genuka_pipelines.keys import Secret
from tests.exports.world import ALPHA, CUSTOMERS, NOTES, OPENER, ORDERS, ExportHouse, emptied, fill, rows

WORDS = "cheval correct agrafe pile"


@pytest.fixture(scope="module")
def data(postgres: ExportHouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an archive, opened by `age` and `tar` alone."""
    emptied(postgres)
    fill(postgres, ALPHA, Random(11))
    notes = [{"company_id": ALPHA, "note": note, "total": Decimal("1.10")} for note in NOTES]
    postgres.run(ORDERS.insert().values(notes))
    work, passphrase._WORK = passphrase._WORK, 10
    archive = postgres.export(ALPHA, "tools", Recipient(passphrase=Secret(WORDS.encode())))
    passphrase._WORK = work
    folder = tmp_path_factory.mktemp("tools")
    plain = pyrage.passphrase.decrypt(postgres.store("exports").get(archive.key), WORDS)
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        tar.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top / "data"


def test_bagit(data: Path) -> None:
    bagit = pytest.importorskip("bagit", reason="pip install bagit")
    bag = bagit.Bag(str(data.parent))
    assert bag.validate(processes=1)
    assert bag.info["Genuka-Archive-Format"] == "1"


def test_frictionless(data: Path) -> None:
    frictionless = pytest.importorskip("frictionless", reason="pip install frictionless")
    package = frictionless.Package(str(data / "datapackage.json"))
    report = package.validate()
    assert report.flatten(["type", "message"]) == []
    assert report.valid
    keys = {key["reference"]["resource"] for key in package.get_resource("orders").schema.foreign_keys}
    assert keys == {"customers", "companies"}


def test_pandas_reads_the_csv_and_gets_the_texts_back(data: Path, postgres: ExportHouse) -> None:
    frame = pd.read_csv(data / "csv" / "orders.csv.gz", keep_default_na=False, dtype=str, lineterminator="\n")
    texts = frame["note"].tolist()
    assert [text for text in texts if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n")] == []
    back = dict(zip(map(int, frame["id"]), (text[1:] if text[:1] == "'" else text for text in texts), strict=True))
    assert back == {key: note or "" for key, note in rows(postgres, sa.select(ORDERS.c.id, ORDERS.c.note))}
    typed = pd.read_csv(data / "csv" / "orders.csv.gz", parse_dates=["placed_at"])
    assert str(typed["placed_at"].dtype) == "datetime64[us, UTC]"
    assert typed["total"].sum() == pytest.approx(float(rows(postgres, sa.select(sa.func.sum(ORDERS.c.total)))[0][0]))


def test_duckdb_reads_the_parquet_and_the_ndjson(data: Path, postgres: ExportHouse) -> None:
    with duckdb.connect() as connection:
        asked = "SELECT count(*), sum(total), count(*) FILTER (note LIKE '=%') FROM '{}'"
        found = connection.execute(asked.format(data / "parquet" / "orders.parquet")).fetchall()
        mine = sa.select(sa.func.count(), sa.func.sum(ORDERS.c.total),
                         sa.func.count().filter(ORDERS.c.note.startswith("=")))  # fmt: skip
        assert found == [tuple(rows(postgres, mine)[0])]
        nested = f"SELECT details.mark FROM '{data / 'ndjson' / 'orders.ndjson.gz'}' WHERE details IS NOT NULL"
        assert {mark for (mark,) in connection.execute(nested).fetchall()} == {"of-0-"}
        joined = (
            "SELECT count(*) FROM '{0}/customers.parquet' c ANTI JOIN '{0}/orders.parquet' o ON o.customer_id = c.id"
        )
        assert connection.execute(joined.format(data / "parquet")).fetchone() is not None


def test_the_servers_own_client_loads_the_rows(data: Path, postgres: ExportHouse) -> None:
    zstandard = pytest.importorskip("zstandard")
    text = zstandard.ZstdDecompressor().stream_reader(
        (data / "restore" / "customers.rows.zst").read_bytes(), read_across_frames=True
    ).read()  # fmt: skip
    assert text.count(b"\n") == len(rows(postgres, sa.select(CUSTOMERS.c.id)))
    assert (data / "restore" / "schema.sql").read_text().count("CREATE TABLE") >= 7


@pytest.mark.parametrize("size", [0, 1, passphrase.CHUNK - 1, passphrase.CHUNK, passphrase.CHUNK + 1, 300_000])
def test_age_opens_what_is_sealed_with_a_passphrase_and_the_other_way_round(size: int) -> None:
    plain, sealed, back = os.urandom(size), io.BytesIO(), io.BytesIO()
    passphrase.seal(io.BytesIO(plain), sealed, WORDS.encode(), work=10)
    assert pyrage.passphrase.decrypt(sealed.getvalue(), WORDS) == plain
    sealed.seek(0)
    passphrase.unseal(sealed, back, WORDS.encode())
    assert back.getvalue() == plain


@pytest.fixture
def age() -> str:
    found = shutil.which("age")
    if found is None:
        pytest.skip("age is not installed: apt-get install age")
    return found


def test_the_program_age_opens_the_envelope_of_a_key(age: str, postgres: ExportHouse, tmp_path: Path) -> None:
    emptied(postgres)
    fill(postgres, ALPHA, Random(12))
    archive = postgres.export(ALPHA, "age")
    sealed, identity = tmp_path / "archive.tar.age", tmp_path / "identity"
    sealed.write_bytes(postgres.store("exports").get(archive.key))
    identity.write_bytes(OPENER.identities[0].reveal())
    opened = subprocess.run([age, "-d", "-i", str(identity), str(sealed)], check=True, capture_output=True).stdout
    assert hashlib.sha256(opened).hexdigest() == archive.plain


def test_the_program_age_opens_the_envelope_of_a_passphrase(age: str, tmp_path: Path) -> None:
    plain = os.urandom(200_000)
    with (tmp_path / "sealed").open("wb") as out:
        passphrase.seal(io.BytesIO(plain), out, WORDS.encode(), work=10)
    child, terminal = pty.fork()
    if child == 0:
        os.execv(age, [age, "-d", "-o", str(tmp_path / "opened"), str(tmp_path / "sealed")])
    said = b""
    while b":" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, WORDS.encode() + b"\n")
    with suppress(OSError):  # the end of a terminal
        while os.read(terminal, 1000):
            pass
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert (tmp_path / "opened").read_bytes() == plain


def test_a_sealed_file_that_is_cut_or_changed_does_not_open() -> None:
    sealed = io.BytesIO()
    passphrase.seal(io.BytesIO(bytes(150_000)), sealed, WORDS.encode(), work=10)
    whole, dice = sealed.getvalue(), Random(2)
    for size in [
        len(whole) - 1,
        passphrase.CHUNK,
        len(whole) - passphrase.CHUNK,
        *dice.sample(range(300, len(whole)), 5),
    ]:
        with pytest.raises(ArchiveDamaged):
            passphrase.unseal(io.BytesIO(whole[:size]), io.BytesIO(), WORDS.encode())
    for place in dice.sample(range(200, len(whole)), 20):
        with pytest.raises(ArchiveDamaged):
            passphrase.unseal(
                io.BytesIO(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]), io.BytesIO(), WORDS.encode()
            )
