"""Rows go to the shard of their tenant, files replace files as one, and nothing personal is in their margins."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.analytics.staging.generation import new_generation
from genuka_pipelines.analytics.staging.shard_files import ShardFiles
from genuka_pipelines.analytics.staging.stage import ALL_SHARDS
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.shard import shard_of
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from tests.analytics.staged_shop import prepare, read, run_stage, visit
from tests.rows.shop import CONTENT_TABLES, TENANTS, plain
from tests.systems.opened import fill, opened, run

TENANT_IDS = [f"01hz{number:022d}" for number in range(40)]


def _files(folder: Path, name: str = "visits") -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted((folder / "shop" / name).glob("*"))}


def test_every_row_is_in_the_shard_of_its_tenant(database: Database, tmp_path: Path) -> None:
    rows = [visit(number, company_id=tenant, language=tenant[-6:]) for number, tenant in enumerate(TENANT_IDS)]
    prepare(database, {"visits": [*rows, visit(99, company_id=None, language="none")]})
    staged = run_stage(database, tmp_path, "visits")
    expected: dict[str, set[str]] = {}
    for tenant in TENANT_IDS:
        expected.setdefault(f"{shard_of(tenant):02d}", set()).add(tenant[-6:])
    expected.setdefault("00", set()).add("none")
    found = {
        file.shard: set(pq.read_table(tmp_path / "shop/visits" / f"{file.shard}.parquet")["language"].to_pylist())
        for file in staged.files
    }
    assert found == expected
    for file in staged.files:
        content = (tmp_path / "shop/visits" / f"{file.shard}.parquet").read_bytes()
        assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())


def test_a_file_says_nothing_of_people_beside_its_staged_columns(database: Database, tmp_path: Path) -> None:
    prepare(database, {"visits": [visit(1, company_id=TENANT_IDS[0], url="https://host.example/secret-path")]})
    run_stage(database, tmp_path, "visits")
    everything = b"".join(path.read_bytes() + path.name.encode() for path in tmp_path.rglob("*") if path.is_file())
    for secret in ("198.51.100.7", "Firefox", "secret-path", TENANT_IDS[0], "cookie"):
        assert secret.encode() not in everything
    (file,) = (tmp_path / "shop/visits").glob("*.parquet")
    metadata = pq.read_metadata(file).row_group(0)
    told = {metadata.column(n).path_in_schema for n in range(metadata.num_columns) if metadata.column(n).is_stats_set}
    assert told == {"day", "month"}


def test_an_empty_table_keeps_its_columns_and_an_empty_shard_has_no_file(database: Database, tmp_path: Path) -> None:
    prepare(database, {})
    staged = run_stage(database, tmp_path, "visits")
    assert [(file.shard, file.rows) for file in staged.files] == [("00", 0)]
    assert pq.read_schema(tmp_path / "shop/visits/00.parquet").names == list(staged.columns)
    assert read(tmp_path, "visits") == []
    empty = run_stage(database, tmp_path, "orders")
    assert empty.rows == 0, "no tenant agreed, so no row was read"


def test_a_second_run_leaves_nothing_of_the_first(database: Database, tmp_path: Path) -> None:
    prepare(database, {"visits": [visit(n, company_id=tenant) for n, tenant in enumerate(TENANT_IDS)]})
    assert len(run_stage(database, tmp_path, "visits").files) > 10
    prepare(database, {"visits": [visit(1, company_id=TENANT_IDS[0])]})
    staged = run_stage(database, tmp_path, "visits")
    assert list(_files(tmp_path)) == [f"{staged.files[0].shard}.parquet"]
    assert sorted(path.name for path in (tmp_path / "shop").iterdir() if path.is_dir()) == sorted(
        ["visits", (tmp_path / "shop/visits").readlink().name]
    )


def test_some_shards_can_be_staged_and_the_others_stay(database: Database, tmp_path: Path) -> None:
    prepare(database, {"visits": [visit(n, company_id=tenant) for n, tenant in enumerate(TENANT_IDS)]})
    run_stage(database, tmp_path, "visits")
    before = _files(tmp_path)
    prepare(database, {"visits": [visit(n, company_id=t, language="en") for n, t in enumerate(TENANT_IDS)]})
    chosen = {shard_of(TENANT_IDS[0])}
    staged = run_stage(database, tmp_path, "visits", shards=chosen)
    assert [file.shard for file in staged.files] == [f"{shard:02d}" for shard in chosen]
    after = _files(tmp_path)
    assert {name for name in before if before[name] != after[name]} == {f"{shard:02d}.parquet" for shard in chosen}


def test_a_run_that_fails_leaves_what_was_there(database: Database, tmp_path: Path) -> None:
    prepare(database, {"visits": [visit(1)]})
    run_stage(database, tmp_path, "visits")
    before = _files(tmp_path)
    run(database, "ALTER TABLE visits DROP COLUMN url")
    try:
        with pytest.raises(GenukaError, match="no column 'url'"):
            run_stage(database, tmp_path, "visits")
        assert _files(tmp_path) == before
    finally:
        run(database, "DROP TABLE visits")


def test_a_dedicated_database_is_staged_whole_if_its_tenant_agreed(database: Database, tmp_path: Path) -> None:
    kind: Any = {"postgresql": "postgresql", "mysql": "mariadb"}[database.dialect.name]
    own_order = {"id": "p1", "company_id": "own", "status": "mine"}
    with opened(kind) as own:
        from tests.analytics.staged_shop import orders
        from tests.rows.shop import TABLES

        for name in CONTENT_TABLES:
            fill(own, {**TABLES, "orders": orders}[name], [own_order] if name == "orders" else [])
        register = [{"company_id": "own", "mode": "dedicated", "dsn_secret_ref": "own"}]
        agreed = [{"id": 1, "company_id": "own", "purpose": "analytics", "granted_at": plain(2026)}]
        shared = {"companies": [{"id": "own"}], "tenant_databases": register}
        databases = Databases(database, tenants=TENANTS, url_of=lambda _: own.url)
        prepare(database, shared)
        assert run_stage(database, tmp_path, "orders", databases=databases).rows == 0
        prepare(database, {**shared, "company_consents": agreed})
        assert run_stage(database, tmp_path, "orders", databases=databases).rows == 1
        assert read(tmp_path, "orders")[0]["status"] == "mine"
        nowhere = Databases(database, tenants=TENANTS, url_of=lambda _: own.url.set(database="no_such"))
        with pytest.raises(DatabaseUnreachable):
            run_stage(database, tmp_path, "orders", databases=nowhere)
        assert read(tmp_path, "orders")[0]["status"] == "mine"


def test_readers_see_one_generation_or_the_other(tmp_path: Path) -> None:
    for generation in ("old", "new"):
        with new_generation(tmp_path, "table") as folder:
            for number in range(3):
                (folder / str(number)).write_text(generation)
            seen = {path.read_text() for path in (tmp_path / "table").glob("*")} if generation == "new" else set()
            assert seen in (set(), {"old"})
        assert {path.read_text() for path in (tmp_path / "table").glob("*")} == {generation}


KILLED = """
import os, signal, sys
from pathlib import Path
from genuka_pipelines.analytics.staging.generation import new_generation
with new_generation(Path(sys.argv[1]), "table") as folder:
    (folder / "0").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_leaves_the_old_and_the_next_one_clears_up(tmp_path: Path) -> None:
    with new_generation(tmp_path, "table") as folder:
        (folder / "0").write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, cwd=Path.cwd())
    assert killed.returncode == -signal.SIGKILL
    assert (tmp_path / "table" / "0").read_text() == "old"
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink()]) == 2
    with new_generation(tmp_path, "table") as folder:
        (folder / "0").write_text("new")
    assert (tmp_path / "table" / "0").read_text() == "new"
    assert len([path for path in tmp_path.iterdir() if path.is_dir() and not path.is_symlink()]) == 1


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    def write(text: str) -> None:
        for _ in range(10):
            with new_generation(tmp_path, "table") as folder:
                for number in range(3):
                    (folder / str(number)).write_text(text)

    threads = [threading.Thread(target=write, args=(text,)) for text in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({path.read_text() for path in (tmp_path / "table").glob("*")}) == 1


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file, where a folder is needed")
    with pytest.raises(CannotStage, match="cannot be written") as caught, new_generation(tmp_path / "shop", "t"):
        pass
    assert caught.value.exit_code == 2
    with pytest.raises(CannotStage, match="No space left"), new_generation(tmp_path, "t"):
        raise OSError(28, os.strerror(28))


def _batches(rows: int, size: int = 50_000) -> Iterator[tuple[pa.RecordBatch, pa.Array]]:
    for start in range(0, rows, size):
        number = pa.array(range(start, start + size))
        text = pa.array([f"{n:064x}" for n in range(start, start + size)])
        tenants = pa.array([TENANT_IDS[n % 40] for n in range(size)])
        yield pa.RecordBatch.from_arrays([number, text], ["number", "text"]), tenants


def test_many_batches_become_few_row_groups_and_lose_nothing(tmp_path: Path) -> None:
    schema = pa.schema([("number", pa.int64()), ("text", pa.string())])
    with ShardFiles(tmp_path, schema, ALL_SHARDS) as files:
        for batch, tenants in _batches(400_000):
            files.write(batch, tenants)
        written = files.finish()
    assert sum(file.rows for file in written) == 400_000
    numbers = pa.concat_tables([pq.read_table(path) for path in tmp_path.glob("*")])["number"]
    assert sorted(numbers.to_pylist()) == list(range(400_000))
    assert max(pq.read_metadata(path).num_row_groups for path in tmp_path.glob("*")) <= 3
