from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.errors import NoSuchBackup, NotTheSame
from genuka_pipelines.backups.restoring import (
    Opened,
    Reach,
    Restored,
    Scope,
    Target,
    discard,
    opened_backups,
    plan_of,
    restore,
    targets_in,
)
from genuka_pipelines.backups.restoring.erasure_list import publish_erasures
from genuka_pipelines.control.bodies import Restored as Receipt
from genuka_pipelines.stores.errors import StoreUnreachable
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.dump import Load
from genuka_pipelines.systems.errors import NotRestorable, TargetNotEmpty
from tests.backups.taken import (
    ALPHA,
    BETA,
    COMPANIES,
    CUSTOMERS,
    LINES,
    NEWS,
    ORDERS,
    OWN,
    SCHEMA,
    SYSTEM,
    BackedHouse,
    Taker,
    backed_house,
    drop,
    rows_in,
)
from tests.servers import fresh_database
from tests.systems.opened import KINDS

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module", params=KINDS)
def house(request: pytest.FixtureRequest) -> Iterator[BackedHouse]:
    """Two nights: what they say of a row differs."""
    with backed_house(request.param) as found:
        taker = Taker(found)
        taker.night(NOW - timedelta(hours=2), regions=["france"])
        found.run("UPDATE customers SET name = 'Renée' WHERE id LIKE '%c1'", NEWS.insert().values(id=3, title="new"))
        found.run(LINES.delete().where(LINES.c.id == 1))
        taker.night(NOW - timedelta(hours=1))
        publish_erasures(found, NOW)
        yield found


@contextmanager
def restored(
    house: BackedHouse, scope: Scope, tenant: str | None = None, *, table: str | None = None, **options: Any
) -> Iterator[tuple[Restored, dict[str, sa.URL]]]:
    opened = opened_backups(Reach.of(house, NOW), scope, tenant=tenant, at=options.pop("at", None))
    with into(house, opened, table=table) as found:
        plan = plan_of(opened, table=table)
        outcome = restore(house, plan, opened.backups, found, clock=lambda: datetime.now(UTC), **options)
        yield outcome, {name: target.url for name, target in found.items()}


@contextmanager
def into(house: BackedHouse, opened: Opened, *, table: str | None = None) -> Iterator[dict[str, Target]]:
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(house.kind))
        found = dict(targets_in(plan_of(opened, table=table), url))
        for target in found.values():
            if target.url != url:
                stack.callback(drop, house.kind, str(target.url.database))
        yield found


def source(house: BackedHouse, table: sa.Table, *columns: str) -> set[Any]:
    return rows_in(house.shared.url, table, *columns)


def of(tenant: str, rows: set[Any]) -> set[Any]:
    return {row for row in rows if row[1] == tenant}


@pytest.mark.parametrize("tenant", [ALPHA, BETA])
def test_one_tenant_comes_back_alone_with_its_keys_and_counters(house: BackedHouse, tenant: str) -> None:
    with restored(house, "tenant", tenant) as (outcome, urls):
        url = urls[SYSTEM]
        columns = ["id", "company_id", "name", "email"]
        assert rows_in(url, CUSTOMERS, *columns) == of(tenant, source(house, CUSTOMERS, *columns)) != set()
        columns = ["id", "company_id", "customer_id", "note", "placed_at"]
        orders = rows_in(url, ORDERS, *columns)
        assert orders == of(tenant, source(house, ORDERS, *columns)) != set()
        assert rows_in(url, LINES, "order_id") == {row[0] for row in orders}
        assert rows_in(url, COMPANIES, "id") == {tenant}
        assert (outcome.passed.erased, outcome.passed.swept, outcome.left_out) == (0, 0, ())
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        with pytest.raises(sa.exc.IntegrityError), engine.begin() as connection:
            connection.execute(ORDERS.insert().values(customer_id="nobody"))
        with engine.begin() as connection:
            connection.execute(ORDERS.insert().values(company_id=tenant))
        newest = max(row for row in rows_in(url, ORDERS, "id"))
        assert newest > max(source(house, ORDERS, "id"))
        with Database(url, name="restored") as database:
            assert "jobs" not in database.tables()
            assert "news" not in database.tables()
    entry = next(entry for entry in house.control.ledger.entries(outcome.receipt - 1))
    assert isinstance(entry.body, Receipt)
    assert (entry.body.scope, entry.body.rows, entry.body.drill) == ("tenant", outcome.rows, False)
    assert tenant not in entry.body.canonical()


def test_a_tenant_with_a_database_of_its_own_gets_both_back(house: BackedHouse) -> None:
    with restored(house, "tenant", OWN) as (outcome, urls):
        assert len(rows_in(urls[f"{SYSTEM}.own"], ORDERS, "id")) == 8
        assert rows_in(urls[SYSTEM], COMPANIES, "id") == {OWN}
        assert rows_in(urls[SYSTEM], ORDERS, "id") == set()
        assert outcome.rows == 30


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_a_tenant_without_rows_and_the_platform(house: BackedHouse) -> None:
    with restored(house, "tenant", "quiet") as (outcome, urls):
        assert outcome.rows == 1
        assert rows_in(urls[SYSTEM], CUSTOMERS, "id") == set()
    with restored(house, "platform") as (outcome, urls):
        assert rows_in(urls[SYSTEM], NEWS, "id", "title") == source(house, NEWS, "id", "title")
        with Database(urls[SYSTEM], name="restored") as database:
            assert database.count(database.table("jobs")) == 2
            assert set(database.tables()) == {"jobs", "news"}


def test_everything_of_a_night_is_the_source_again(house: BackedHouse) -> None:
    with restored(house, "everything") as (outcome, urls):
        assert len(urls) == 2
        for table in SCHEMA.sorted_tables:
            columns = table.c.keys()
            assert rows_in(urls[SYSTEM], table, *columns) == source(house, table, *columns)
        (own,) = (url for name, url in urls.items() if name != SYSTEM)
        assert len(rows_in(own, LINES, "id")) == 16
        assert (outcome.missing, outcome.passed.erased) == ((), 0)


def test_an_earlier_night_and_one_table(house: BackedHouse) -> None:
    earlier = sorted(one.name for one in (Reach.of(house, NOW).backup(_owner(house, ALPHA)),))
    first = Reach.of(house, NOW).backup(_owner(house, ALPHA)).chain[-1].backup
    assert first < earlier[0]
    with restored(house, "table", ALPHA, table="orders") as (outcome, urls):
        with Database(urls[SYSTEM], name="restored") as database:
            assert set(database.tables()) == {"orders"}
        assert outcome.left_out == (f"{SYSTEM}: orders.fk_orders_customer",)
        assert len(rows_in(urls[SYSTEM], ORDERS, "id")) == 8
    with restored(house, "table", ALPHA, table="customers", at=first) as (_, urls):
        names = rows_in(urls[SYSTEM], CUSTOMERS, "name")
        assert "Renée" not in names
        assert "O'Neil" in names


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_what_is_not_there_is_said_in_a_sentence(house: BackedHouse) -> None:
    reach = Reach.of(house, NOW)
    with pytest.raises(NoSuchBackup, match="no region holds a backup"):
        opened_backups(reach, "tenant", tenant="nobody's 😀")
    opened = opened_backups(reach, "tenant", tenant=ALPHA)
    with pytest.raises(NoSuchBackup, match="no table 'jobs'"):
        plan_of(opened, table="jobs")
    with pytest.raises(NoSuchBackup, match="nothing of the databases"):
        plan_of(opened, systems=["other"])
    with pytest.raises(NoSuchBackup):
        opened_backups(reach, "tenant", tenant=ALPHA, at="20200101T000000Z")
    with pytest.raises(NoSuchBackup, match="a schema can hold one"):
        targets_in(plan_of(opened_backups(reach, "tenant", tenant=OWN)), house.shared.url, "x")


def test_a_target_that_holds_anything_is_left_as_it_is(house: BackedHouse) -> None:
    opened = opened_backups(Reach.of(house, NOW), "tenant", tenant=ALPHA)
    with into(house, opened) as found, Database(found[SYSTEM].url, name="target") as database:
        house.run("CREATE TABLE mine (id int)", "INSERT INTO mine VALUES (7)", database=database)
        with pytest.raises(TargetNotEmpty):
            restore(house, plan_of(opened), opened.backups, found, clock=lambda: datetime.now(UTC))
        database.refresh()
        assert set(database.tables()) == {"mine"}
    other: Any = {"postgresql": "mariadb", "mariadb": "postgresql"}[house.kind]
    with fresh_database(other) as url:
        target = {SYSTEM: Target(url)}
        with pytest.raises(NotRestorable):
            restore(house, plan_of(opened), opened.backups, target, clock=lambda: datetime.now(UTC))


def test_a_row_that_the_server_lost_is_noticed_and_nothing_is_published(
    house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = opened_backups(Reach.of(house, NOW), "tenant", tenant=ALPHA)
    with into(house, opened) as found:
        with Database(found[SYSTEM].url, name="target") as database, database.load() as load:
            kind: type[Load] = type(load)
        real = kind.rows

        def lossy(self: Load, table: str, columns: Any, lines: Any) -> int:
            data = b"".join(lines)
            return real(self, table, columns, [data.replace(b"Ren", b"Zen")])

        monkeypatch.setattr(kind, "rows", lossy)
        with pytest.raises(NotTheSame, match="customers"):
            restore(house, plan_of(opened), opened.backups, found, clock=lambda: datetime.now(UTC))
        with Database(found[SYSTEM].url, name="target") as database:
            assert database.tables() == {}
        discard(found[SYSTEM])


@pytest.mark.parametrize("house", ["mariadb"], indirect=True)
def test_what_a_night_of_capture_wrote_comes_back(house: BackedHouse) -> None:
    """Also for a tenant that nobody knows any more, and when one region cannot even be opened."""
    from genuka_pipelines.backups.capturing import capture

    with backed_house(house.kind) as other:
        other.backups.mkdir(mode=0o700)
        other.run(ORDERS.insert().values(company_id="ghost", note="its company is gone"))
        for moment in (NOW - timedelta(hours=1), NOW - timedelta(minutes=1)):
            plan = other.catalog.backups["nightly"]
            assert not capture(other, plan, now=moment, clock=lambda: datetime.now(UTC)).failed
            other.run("UPDATE customers SET name = 'Renée' WHERE id LIKE '%c1'", LINES.delete().where(LINES.c.id == 1))
        known = {table: source(other, table, *table.c.keys()) for table in (COMPANIES, ORDERS, NEWS)}
        real = other.store

        def store(system: str) -> Any:
            if system == "backups_usa":
                raise StoreUnreachable("nobody answers")
            return real(system)

        other.store = store  # type: ignore[method-assign]
        with restored(other, "everything") as (outcome, urls):
            for table, rows in known.items():
                assert rows_in(urls[SYSTEM], table, *table.c.keys()) == rows
            assert outcome.missing == ()
        with restored(other, "tenant", "ghost") as (outcome, urls):
            assert outcome.rows == 1


@pytest.mark.parametrize("house", ["postgresql"], indirect=True)
def test_into_a_schema_of_a_database_that_holds_others(house: BackedHouse) -> None:
    opened = opened_backups(Reach.of(house, NOW), "tenant", tenant=ALPHA)
    with fresh_database("postgresql") as url, Database(url, name="target") as database:
        house.run("CREATE TABLE mine (id int)", database=database)
        target = {SYSTEM: Target(url, "alpha's")}
        restore(house, plan_of(opened), opened.backups, target, clock=lambda: datetime.now(UTC))
        assert database.scalar(sa.text('SELECT count(*) FROM "alpha\'s".customers')) == 4  # type: ignore[arg-type]
        assert set(database.tables()) == {"mine"}


def _owner(house: BackedHouse, tenant: str) -> Any:
    from genuka_pipelines.backups.owner import owner_of

    return owner_of(tenant, house.keyring)
