"""Locks, limits, pauses, foreign keys, rights, content: what a sweep meets in a database that others use."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.control import Control
from genuka_pipelines.rows.content import Failure
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.destroying.shares import shared_out
from genuka_pipelines.rows.selection import Listed, OfPerson
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
from tests.rows.destroyer import SmallHouse, by_name, control, keyring
from tests.rows.market import CUSTOMERS, market
from tests.rows.shop import bound, catalog, category, plain
from tests.rows.test_destroying_crashes import CALM, FACTS, VISITS, destroyed, ids, stocked
from tests.systems.opened import _owner, fill, opened, run

__all__ = ["control"]
OLD = plain(2026, 1)


@pytest.fixture
def house(database: Database, control: Control) -> SmallHouse:
    return SmallHouse(FACTS, control, keyring(), Databases(database))


def _pairs(rows: Sequence[Any]) -> dict[Any, Any]:
    return {one: other for one, other in rows}  # noqa: C416


class Locked:
    """Another session that holds rows."""

    def __init__(self, database: Database, *rows: str) -> None:
        self._engine = sa.create_engine(database.url)
        self._connection = self._engine.connect()
        query = sa.text("SELECT id FROM visits WHERE id IN :ids FOR UPDATE").bindparams(
            sa.bindparam("ids", rows, expanding=True)
        )
        assert len(self._connection.execute(query).all()) == len(rows)

    def end(self) -> None:
        self._connection.rollback()
        self._engine.dispose()


def test_a_locked_row_does_not_keep_the_others_and_goes_in_a_later_pass(database: Database, house: SmallHouse) -> None:
    kept = stocked(database, 500)
    other = Locked(database, "v000100", "v000300")
    threading.Timer(1.5, other.end).start()
    outcome = house.apply(limits=CALM)
    assert (outcome.survivors, outcome.deleted) == (0, 500)
    assert ids(database) == kept


def test_a_row_that_stays_locked_is_said_to_be_busy(database: Database, house: SmallHouse) -> None:
    kept, start = stocked(database, 300), house.control.ledger.head().seq
    other = Locked(database, "v000100")
    line = by_name(house.apply(limits=CALM))["visits.over"]
    other.end()
    assert (line.unknown, line.deleted, line.survivors, line.busy, line.due) == (None, 299, 1, 1, 300)
    assert ids(database) == kept | {"v000100"}
    assert destroyed(house.control, start) == 299


def test_what_a_limit_lets_through_is_shared_among_tenants(database: Database, house: SmallHouse) -> None:
    owners = ["a"] * 5 + ["b"] * 50 + ["c"] * 400 + [None] * 30
    rows = [{"id": f"v{n}", "company_id": owner, "seen_at": OLD} for n, owner in enumerate(owners)]
    fill(database, VISITS, rows)
    line = by_name(house.apply(limits=Limits(rows=150, first=40)))["visits.over"]
    table = database.table("visits")
    left = _pairs(database.rows(sa.select(table.c.company_id, sa.func.count()).group_by(table.c.company_id)))
    assert left == {"c": 335}
    assert (line.deleted, line.capped, line.survivors) == (150, 335, 335)
    assert house.apply().survivors == 0


def test_shares_are_level() -> None:
    assert shared_out({"a": 1, "b": 10, "c": 100}, 51) == {"a": 1, "b": 10, "c": 40}
    assert shared_out({"a": 5, "b": 5}, 100) == {"a": 5, "b": 5}
    assert sum(shared_out(dict.fromkeys("abc", 10), 10).values()) == 10


def test_a_sweep_waits_while_it_is_paused_and_goes_on(database: Database, house: SmallHouse) -> None:
    kept = stocked(database, 1_000)
    seen: list[int] = []

    def progress(line: Any) -> None:
        seen.append(line.deleted)
        if len(seen) == 2:
            house.control.pace.set(paused=True)

    sweep = threading.Thread(target=house.apply, kwargs={"limits": CALM, "progress": progress})
    sweep.start()
    while len(seen) < 2:
        time.sleep(0.01)
    time.sleep(0.5)
    assert len(ids(database)) == 2_000 - seen[1]
    house.control.pace.set(paused=False, batch_rows=50)
    sweep.join()
    house.control.pace.set(batch_rows=None)
    assert ids(database) == kept


def test_time_ends_a_run_that_is_paused(database: Database, house: SmallHouse) -> None:
    stocked(database, 10)
    house.control.pace.set(paused=True)
    outcome = house.apply(limits=Limits(seconds=0.3))
    house.control.pace.set(paused=False)
    assert (outcome.deleted, outcome.capped) == (0, 10)


def test_a_killed_connection_leaves_nothing_unrecorded(database: Database, house: SmallHouse) -> None:
    kept, start = stocked(database, 2_000), house.control.ledger.head().seq
    killed = []

    def progress(line: Any) -> None:
        if line.deleted > 500 and not killed:
            killed.append(_kill_others(database))
            _owner(database.url).dispose()

    first = house.apply(limits=CALM, progress=progress)
    second = house.apply(limits=CALM)
    assert killed
    assert first.complete or first.lines[0].unknown
    assert second.complete
    assert ids(database) == kept
    assert destroyed(house.control, start) == 2_000
    assert house.control.ledger.open_intents() == ()


def _kill_others(database: Database) -> int:
    engine = sa.create_engine(database.url)
    with engine.connect() as connection:
        if database.dialect.name == "postgresql":
            query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() " \
                    "AND pid <> pg_backend_pid()"  # fmt: skip
            found = len(connection.exec_driver_sql(query).all())
        else:
            mine = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()"
            others = [row[0] for row in connection.exec_driver_sql(mine)]
            for one in others:
                connection.exec_driver_sql(f"KILL {one}")
            found = len(others)
    engine.dispose()
    return found


def test_the_hash_of_a_row_is_the_one_that_a_database_computes(database: Database) -> None:
    stocked(database, 5)
    digests = [digest.hex() for digest in Hasher(keyring()).digests("visits", [("v000004",), ("v000007",)])]
    table = bound(database, "visits", FACTS)
    chosen = where(Listed(frozenset(digests), *keyring().erasure.pads()), table)
    found = database.rows(sa.select(table.sql.c.id).where(chosen))
    assert {row[0] for row in found} == {"v000004", "v000007"}


def _parents(**child: Any) -> Catalog:
    rule = {"name": "over", "keep": "P1M", "since": "ended_at", "clause": "SH-01"}
    parent = {"columns": dict.fromkeys(["id", "ended_at"], "system"), "retention": [rule]}
    tables: dict[str, Any] = {"parents": parent}
    if child:
        tables["kids"] = {"columns": dict.fromkeys(["id", "parent_id", "ended_at"], "system"), **child}
    return catalog(family=category(tables))


@pytest.fixture
def family(request: pytest.FixtureRequest) -> Iterator[Database]:
    with opened(request.param) as database:
        run(
            database,
            "CREATE TABLE parents (id integer PRIMARY KEY, ended_at timestamp NULL)",
            "INSERT INTO parents VALUES (1, '2026-01-01'), (2, '2026-01-01'), (3, '2026-05-30')",
        )
        yield database


def _kids(database: Database, on_delete: str) -> None:
    key = f", FOREIGN KEY (parent_id) REFERENCES parents (id) ON DELETE {on_delete}" if on_delete else ""
    run(
        database,
        f"CREATE TABLE kids (id integer PRIMARY KEY, parent_id integer, ended_at timestamp NULL{key})",
        "INSERT INTO kids VALUES (10, 2, NULL)",
    )


both = pytest.mark.parametrize("family", ["postgresql", "mariadb"], indirect=True)
FAR = {"name": "far", "keep": "P9Y", "since": "ended_at", "clause": "SH-01"}


def _keys(database: Database, table: str) -> set[Any]:
    return {row[0] for row in database.rows(sa.select(database.table(table).c.id))}


@both
@pytest.mark.parametrize(
    ("on_delete", "child", "left", "said"),
    [
        ("CASCADE", {}, {1, 2, 3}, "'kids' is not declared"),
        ("SET NULL", {}, {1, 2, 3}, "'kids' is not declared"),
        ("RESTRICT", {}, {1, 2, 3}, "'kids'"),
        ("CASCADE", {"retention": [FAR]}, {2, 3}, None),
        ("RESTRICT", {"retention": [FAR]}, {2, 3}, None),
        ("CASCADE", {"kept_with": "parents"}, {3}, None),
        ("", {"kept_with": "parents"}, {3}, None),
    ],
)
def test_the_server_takes_nothing_along(
    family: Database, control: Control, on_delete: str, child: dict[str, Any], left: set[int], said: str | None
) -> None:
    _kids(family, on_delete)
    line = by_name(SmallHouse(_parents(**child), control, keyring(), Databases(family)).apply())["parents.over"]
    assert _keys(family, "parents") == left
    assert _keys(family, "kids") == (set() if left == {3} else {10})
    if said:
        assert said in str(line.unknown)
    else:
        assert (line.unknown, line.survivors) == (None, len(left - {3}))


@both
def test_tables_that_end_with_each_other_are_named(family: Database, control: Control) -> None:
    _kids(family, "")
    tables = {
        "parents": {"columns": {"id": "s", "ended_at": "s", "kid_id": "s"}, "kept_with": "kids",
                    "retention": [{"keep": "P1M", "since": "ended_at", "clause": "SH-01"}]},
        "kids": {"columns": {"id": "s", "parent_id": "s", "ended_at": "s"}, "kept_with": "parents"},
    }  # fmt: skip
    run(family, "ALTER TABLE parents ADD COLUMN kid_id integer")
    house = SmallHouse(catalog(family=category(tables)), control, keyring(), Databases(family))
    lines = house.apply().lines
    assert {line.table for line in lines} == {"parents", "kids"}
    assert all("kids, parents" in str(line.unknown) for line in lines)


@both
def test_a_row_whose_date_another_reads_goes_after_it(family: Database, control: Control) -> None:
    tables = {
        "parents": {"columns": {"id": "s", "ended_at": "s"},
                    "retention": [{"keep": "P1M", "since": "kids.ended_at", "clause": "SH-01"}]},
        "kids": {"columns": {"id": "s", "parent_id": "s", "ended_at": "s"}, "kept_with": "parents"},
    }  # fmt: skip
    _kids(family, "")
    run(family, "UPDATE kids SET ended_at = '2026-01-01'")
    outcome = SmallHouse(catalog(family=category(tables)), control, keyring(), Databases(family)).apply()
    assert (outcome.complete, outcome.survivors, outcome.deleted) == (True, 0, 2)
    assert (_keys(family, "parents"), _keys(family, "kids")) == ({1, 3}, set())


@both
def test_a_user_without_the_right_is_told_so(family: Database, control: Control) -> None:
    url = family.url
    if family.dialect.name == "postgresql":
        run(family, "DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader")  # fmt: skip
    else:
        run(
            family, "CREATE OR REPLACE USER reader@localhost", f"GRANT SELECT ON `{url.database}`.* TO reader@localhost"
        )
    with Database(url.set(username="reader"), name="shop_database") as poor:
        line = SmallHouse(_parents(), control, keyring(), Databases(poor)).apply().lines[0]
    if family.dialect.name == "postgresql":
        run(family, "DROP OWNED BY reader", "DROP ROLE reader")
    assert "grant it UPDATE and DELETE" in str(line.unknown)
    assert control.ledger.open_intents() == ()
    assert _keys(family, "parents") == {1, 2, 3}


class Shelf:
    """What rows point at, some of which does not go."""

    def __init__(self, stuck: str) -> None:
        self.stuck, self.asked = stuck, list[str]()

    def destroy(self, keys: Sequence[str]) -> Mapping[str, Failure | None]:
        self.asked += keys
        return {key: Failure("locked", "the shelf is locked") if key == self.stuck else None for key in keys}

    def remaining(self, keys: Sequence[str]) -> Mapping[str, bool | None]:
        return {key: key == self.stuck for key in keys}


@both
def test_content_goes_first_and_keeps_its_row_where_it_does_not_go(family: Database, control: Control) -> None:
    run(
        family,
        "ALTER TABLE parents ADD COLUMN cv varchar(20)",
        "UPDATE parents SET cv = concat('cv/', id) WHERE id > 1",
    )
    tables = {
        "parents": {
            "columns": {"id": "s", "ended_at": "s", "cv": "s"},
            "content": {"system": "shelf", "key": "cv"},
            "retention": [{"name": "over", "keep": "P1M", "since": "ended_at", "deleted_by": "person",
                           "clause": "SH-01"}],
        }
    }  # fmt: skip
    house = SmallHouse(catalog(family=category(tables)), control, keyring(), Databases(family))
    assert "shelf" in str(house.apply().lines[0].unknown), "without contents nothing goes"
    shelf, began = Shelf("cv/2"), datetime.now(UTC)
    line = house.apply(contents=lambda _: shelf).lines[0]
    assert (line.deleted, line.survivors, line.unknown) == (1, 1, "the shelf is locked")
    assert set(shelf.asked) == {"cv/2"}
    listed = [erasure.row for erasure in control.erasures.since(began)]
    assert listed == [Hasher(keyring()).digests("parents", [("1",)])[0].hex()]
    shelf.stuck = ""
    assert house.apply(contents=lambda _: shelf).survivors == 0
    assert _keys(family, "parents") == {3}


def test_a_persons_rows_go_with_what_ends_with_them(control: Control) -> None:
    from tests.rows.market import FILES, LINES, ORDERS, TAGS

    with opened("postgresql") as database:
        person = {"company_id": "a", "email": "x@example.org", "billed_at": plain(2010)}
        fill(database, CUSTOMERS, [{"id": "c1", "name": "A", **person}, {"id": "c2", "name": "B", **person}])
        fill(
            database, ORDERS, [{"id": f"o{n}", "company_id": "a", "customer_id": f"c{n}", "note": "n"} for n in (1, 2)]
        )
        fill(database, FILES, [{"id": n, "model_type": "App\\Models\\Customer", "model_id": f"c{n}"} for n in (1, 2)])
        for table in (LINES, TAGS):
            fill(database, table, [])
        house = SmallHouse(market(), control, keyring(), Databases(database))
        outcome = house.apply(OfPerson({"shopper": ("c1",)}))
        assert (outcome.complete, outcome.survivors) == (True, 0)
        assert (outcome.deleted, outcome.anonymised) == (2, 1)
        assert (_keys(database, "customers"), _keys(database, "files")) == ({"c2"}, {2})
        notes = dict(
            database.rows(sa.select(database.table("orders").c.id, database.table("orders").c.note)).__iter__()
        )
        assert notes == {"o1": None, "o2": "n"}
