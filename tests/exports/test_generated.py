"""Databases made up from a seed: an archive has every row, value and file of its tenant, and none of anybody else's.

`GENUKA_ROUNDS=12000` makes 1,000 databases on each kind of server.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from itertools import count
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from genuka_pipelines.exports.errors import NotOneTenant
from genuka_pipelines.exports.opening import Bag
from tests.conftest import ROUNDS, SEED
from tests.exports.generated import Generated, plain
from tests.exports.test_archive import KINDS, everything, forget
from tests.exports.world import ExportHouse, export_house, ndjson
from tests.servers import Kind

MARK = re.compile(rb"<[0-9]{6}>")
LED = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?[0-9.e+-]+|-INF")
FOUND = (20261171, 20261136)
"""Seeds that found something: rows owned by a table that is left out as a whole; keys that MariaDB takes for one."""
_REQUESTS = count()
Values = Mapping[str, Any]


@pytest.fixture(scope="module")
def emptied_on() -> Iterator[Callable[[Kind], ExportHouse]]:
    """A house of each kind for databases to be put into; its registers compare their texts exactly."""
    with ExitStack() as stack:

        def of(kind: Kind) -> ExportHouse:
            house = stack.enter_context(export_house(kind))
            for table in ("companies", "tenant_databases") if kind == "mariadb" else ():
                house.run(f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            return house

        yield cache(of)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", [*FOUND, *range(SEED + len(FOUND), SEED + max(3, ROUNDS // 12))])
def test_an_archive_has_all_of_its_tenant_and_nothing_of_another(
    emptied_on: Callable[[Kind], ExportHouse], kind: Kind, seed: int
) -> None:
    made = Generated(kind, Random(seed))
    tenant = made.dice.choice(made.tenants)
    with made.put(emptied_on(kind)) as house:
        if made.mistaken(tenant):
            with pytest.raises(NotOneTenant, match="which MySQL takes for the same"):
                house.export(tenant, f"{kind}-{next(_REQUESTS)}")
            return
        archive = house.export(tenant, f"{kind}-{next(_REQUESTS)}")
        with house.bag(archive) as bag:
            for name, table in made.tables.items():
                assert (name in bag.tables) is not table.recorded
                if not table.recorded:
                    mine = [row.values for row in made.of(tenant) if row.table == name]
                    columns = [column.name for column in table.sql.c if column.name != "password"]
                    has_exactly(bag, name, columns, {values["mark"]: values for values in mine})
            assert files_in(bag) == files_of(made, tenant)
            nothing_else_is(bag, made, tenant)
        forget(house, archive.delivery)


def has_exactly(bag: Bag, table: str, columns: list[str], mine: Mapping[str, Values]) -> None:
    """A table's rows, told by their marks, with each of their values in each form."""
    programs = ndjson(bag, table)
    assert Counter(row["mark"] for row in programs) == Counter(list(mine))
    for row in programs:
        # MariaDB's documents are texts, by their type.
        if isinstance(written := row.get("a_document"), str) and bag.definition.product == "mysql":
            row["a_document"] = json.loads(written)
        assert row == {column: plain(mine[row["mark"]].get(column), column) for column in columns}
    with bag.open(f"data/parquet/{table}.parquet") as file:
        analysts = pq.read_table(file).to_pylist()
    assert len(analysts) == len(mine)
    for row in analysts:
        values = mine[row["mark"]]
        assert {column: typed(row[column], column) for column in columns} == {
            column: typed(values.get(column), column) for column in columns
        }
    text = gzip.decompress(bag.small(f"data/csv/{table}.csv.gz")).decode()
    names, *people = csv.reader(io.StringIO(text, newline=""))
    assert len(people) == len(mine)
    for line in people:
        assert [cell for cell in line if cell.startswith(LED) and not NUMBER.fullmatch(cell)] == []
        cells = dict(zip(names, line, strict=True))
        for column, value in mine[cells["mark"]].items():
            if column in columns and isinstance(value, str) and column != "a_document":
                assert cells[column].removeprefix("'") == value


def typed(value: Any, column: str) -> Any:
    """A value of Parquet, or one that was put in, made comparable."""
    if value is None:
        return None
    if column == "a_document":
        return json.loads(value) if isinstance(value, str) and value[:1] in '{["0' else value
    if column == "a_moment":
        return value.replace(tzinfo=None)
    return str(value) if column == "a_rate" else value


def files_of(made: Generated, tenant: str) -> Counter[tuple[str, str, bytes]]:
    """What must be there once for each table with a row that names it."""
    found: Counter[tuple[str, str, bytes]] = Counter()
    for name in {row.table for row in made.of(tenant)}:
        named = {row.values.get("object") for row in made.of(tenant) if row.table == name}
        for key, (data, owner) in made.files.items():
            if key in named or ("/" in key and key.partition("/")[0] in named):
                assert owner == tenant
                found[name, key, data] += 1
    return found


def files_in(bag: Bag) -> Counter[tuple[str, str, bytes]]:
    return Counter((one["table"], one["key"], bag.small(f"data/media/{one['sha256']}")) for one in bag.media())


def nothing_else_is(bag: Bag, made: Generated, tenant: str) -> None:
    """No mark of another's row or file, and of no secret, in any form of anything."""
    mine = {row.values["mark"].encode() for row in made.of(tenant)}
    files = {mark for data, owner in made.files.values() if owner == tenant for mark in MARK.findall(data)}
    assert mine <= set(MARK.findall(everything(bag))) <= mine | files
