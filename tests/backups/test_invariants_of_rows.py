"""What must hold of rows whatever fails: seeded schedules over captures and restores of real databases.

A failing round names its seed: GENUKA_SEED=… GENUKA_ROUNDS=1 runs it alone. `make campaign` runs thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import sqlalchemy as sa

from genuka_pipelines.backups.capturing import Captured
from genuka_pipelines.backups.capturing.state import forget
from genuka_pipelines.backups.errors import ClocksApart
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.backups.restoring import Reach, opened_backups, plan_of, restore, targets_in
from genuka_pipelines.backups.restoring.erasure_list import publish_erasures
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.systems.database import Database
from genuka_pipelines.systems.errors import DatabaseUnreachable
from genuka_pipelines.systems.postgresql.dump import PostgreSQLDump
from tests.backups import taken
from tests.backups.faults import Killed
from tests.backups.made import snapshot
from tests.backups.stories import dear
from tests.backups.taken import ALPHA, BETA, OWN, BackedHouse, backed_house, rows_in
from tests.backups.world import Ids, Story, erase, rows_of, schemas, story
from tests.rows.destroyer import control_database
from tests.servers import fresh_database

MINE = {"customers", "orders", "order_lines"}


@pytest.fixture(scope="module")
def house() -> Iterator[BackedHouse]:
    with backed_house("postgresql") as found:
        yield found


@pytest.mark.parametrize("seed", dear())
def test_3_what_comes_back_is_what_the_source_was(seed: int, house: BackedHouse) -> None:
    with story(seed, house) as told_of:
        dice = told_of.dice
        for night in range(dice.randint(1, 2)):
            if night:
                told_of.change()
            for _ in range(dice.randint(0, 2)):
                _attempt(told_of)
            if dice.happens(0.15):
                forget(told_of.house.backups)
            captured = told_of.capture()
            assert captured.failed == {}
        told_of.prove()
        _read_through_faults(told_of, captured)


def _attempt(told_of: Story) -> None:
    """A night over a network that fails, that dies, or whose clock is wrong."""
    dice = told_of.dice
    if dice.happens(0.15):
        before = snapshot(told_of.house.regions["france"])
        with pytest.raises(ClocksApart):
            told_of.capture(told_of.faulty(0, skew=dice.choice([-301.0, 4000.0])))
        assert snapshot(told_of.house.regions["france"]) == before
        return
    with suppress(Killed, GenukaError):
        told_of.capture(told_of.faulty(dying=dice.happens(0.6)))


def _read_through_faults(told_of: Story, captured: Captured) -> None:
    nights = told_of.nights
    nights.house = told_of.faulty(0.2)
    for tenant, backup in nights.newest(captured).items():
        then = {key: rows for key, rows in told_of.expected[told_of.now].items() if key[0] == tenant}
        with suppress(GenukaError):
            assert {key: rows for key, rows in nights.restored(tenant, str(backup)).items() if rows} == then


@pytest.mark.parametrize("seed", dear())
def test_13_a_source_that_fails_or_breaks_off_leaves_no_manifest(
    seed: int, house: BackedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with story(seed, house, own=1) as told_of:
        dice = told_of.dice
        if dice.happens(0.5):
            assert told_of.capture().failed == {}
        told_of.change()
        own, keyring = dice.happens(0.5), house.keyring
        hit = {OWN} if own else {None, ALPHA, BETA, OWN, "quiet"}
        where = told_of.faulty(0.05) if dice.happens(0.3) else told_of.house
        with suppress(GenukaError):  # a store that fails as well
            captured = told_of.capture(where, _broken(monkeypatch, told_of, own))
            assert {owner_of(one, keyring).id for one in hit} <= set(captured.failed)
            made = {captured.night.tenants[owner] for owner, one in captured.night.owners.items() if one.captured}
            assert not made & hit
        owners = {owner_of(one, keyring).id for one in hit}
        assert told_of.now not in {each.created for (owner, _), each in told_of.headers().items() if owner in owners}

        again = told_of.capture()
        assert again.failed == {}
        assert all(state.backup for state in again.night.owners.values())
        told_of.prove()


@contextmanager
def _broken(patch: pytest.MonkeyPatch, told_of: Story, own: bool) -> Iterator[None]:
    """Of one table a part is read; then the server says something, or is gone, or the reader gives out."""
    dice, house = told_of.dice, told_of.house
    database = cast(Database, told_of.own) if own else house.shared
    table = dice.choice(sorted(MINE))
    how: Callable[[], None] = dice.choice([_unreachable, _out_of_memory, lambda: _kill_backends(database)])
    whole = PostgreSQLDump.read

    def read(dump: PostgreSQLDump, name: str, *given: Any, **options: Any) -> Iterator[bytes]:
        with closing(cast("Generator[bytes, None, None]", whole(dump, name, *given, **options))) as blocks:
            if (dump._database.url, name) == (database.url, table):
                block = next(blocks, b"")
                yield block[: block.find(b"\n", len(block) // 2) + 1]
                how()
            yield from blocks

    with patch.context() as now:
        now.setattr(PostgreSQLDump, "read", read)
        yield


def _unreachable() -> None:
    raise DatabaseUnreachable("the server closed the connection")


def _out_of_memory() -> None:
    raise OSError(28, "No space left on device")


def _kill_backends(database: Database) -> None:
    """As an administrator would, or the kernel: every connection to the database is cut."""
    engine = sa.create_engine(database.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )


@pytest.mark.parametrize("seed", dear())
def test_8_nobody_who_was_erased_comes_back_and_nobody_else_goes(seed: int, house: BackedHouse) -> None:
    with ExitStack() as stack:
        control = stack.enter_context(control_database())
        told_of = stack.enter_context(story(seed, house, own=0, control=control))
        dice, here = told_of.dice, told_of.house
        told_of.now = datetime.now(UTC) - timedelta(minutes=61)
        for _ in range(dice.randint(1, 2)):
            told_of.change()
            assert told_of.capture().failed == {}
        mine = rows_of(here, ALPHA)
        gone = erase(here, dice, mine)
        for _ in range(dice.randint(0, 2)):
            with suppress(Killed, GenukaError):
                publish_erasures(told_of.faulty(0.15, dying=dice.happens(0.5)), datetime.now(UTC))
        if dice.happens(0.6):
            _restore(told_of.faulty(0.1, dying=dice.happens(0.3)), mine, gone, sure=False)
        _restore(here, mine, gone)


def _restore(house: BackedHouse, ids: Ids, gone: Ids, *, sure: bool = True) -> None:
    """Restore the tenant: all that was there but what must be gone; or, where it is not sure, perhaps nothing."""
    with fresh_database("postgresql") as url:
        try:
            opened = opened_backups(Reach.of(house, datetime.now(UTC)), "tenant", tenant=ALPHA)
            plan = plan_of(opened)
            restore(house, plan, opened.backups, targets_in(plan, url), clock=lambda: datetime.now(UTC))
        except (Killed, GenukaError):
            assert not sure
            assert schemas(url) == {"public"}
            assert not sa.inspect(sa.create_engine(url, poolclass=sa.NullPool)).get_table_names()
            return
        assert schemas(url) == {"public"}
        assert rows_in(url, taken.CUSTOMERS, "id") == ids["customers"] - gone["customers"]
        assert rows_in(url, taken.ORDERS, "id") == ids["orders"] - gone["orders"]
        assert not rows_in(url, taken.ORDERS, "customer_id") & gone["customers"]
        assert not rows_in(url, taken.LINES, "order_id") & gone["orders"]
        left = rows_in(url, taken.LINES, "id")
        assert left <= ids["order_lines"]
        if not gone["orders"]:
            assert left == ids["order_lines"]
