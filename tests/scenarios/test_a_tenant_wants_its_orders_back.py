"""A tenant deleted its orders by mistake, and a month later wants them back: in the terminal, from a night's backup."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from genuka_pipelines.control.bodies import RecoveryInstructed
from tests.conftest import ROUNDS
from tests.requests.desk import Desk
from tests.said import Said
from tests.scenarios.sweeping_world import World, copied, shared_seeding, wall
from tests.servers import Kind, fresh_database

SELLER = "kofi.leaves@example.org"


# The gate is asked of both products in `tests/backups`; here the second one is told by the campaign alone.
@pytest.fixture(params=["postgresql", "mariadb"] if ROUNDS > 25 else ["postgresql"])
def story(request: pytest.FixtureRequest) -> Iterator[tuple[World, Kind]]:
    with copied(shared_seeding(request.param)) as world:
        yield world, request.param


def _tenant(world: World) -> str:
    """A tenant of the shared database with a few orders and somebody who sells there."""
    query = (
        "select o.company_id from orders o join tenant_databases t on t.company_id = o.company_id "
        "join users u on u.company_id = o.company_id and u.deleted_at is null "
        "where t.mode = 'shared' and o.deleted_at is null group by o.company_id having count(distinct o.id) > 4"
    )
    return min(world.ids(query))


def _back(url: sa.URL, query: str) -> set[str]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return {str(row[0]) for row in connection.exec_driver_sql(query)}


def _restore(world: World, into: sa.URL, *arguments: str) -> Said:
    told = into.render_as_string(hide_password=False)
    said = world.house.here("backup", "restore", "--into", told, *arguments, "--json")
    assert said.code == 0, said
    return said


def test_a_tenant_wants_its_orders_back(story: tuple[World, Kind]) -> None:
    world, kind = story
    tenant = _tenant(world)
    mine = world.ids(f"select id from orders where company_id = '{tenant}' and deleted_at is null")
    others = world.ids(f"select id from orders where company_id <> '{tenant}' and deleted_at is null")
    seller = min(world.ids(f"select id from users where company_id = '{tenant}' and deleted_at is null"))
    world.run(f"update users set email = '{SELLER}' where id = '{seller}'")
    assert world.house.here("backup", "create", "--json").code == 0

    # The tenant marks its orders as deleted in the application; meanwhile one of its people has an account erased.
    deleted = wall().strftime("%Y-%m-%d %H:%M:%S")
    world.run(f"update orders set deleted_at = '{deleted}' where company_id = '{tenant}' and deleted_at is null")
    assert Desk(world).all("erasure", SELLER).request.status == "done"
    # A month later the rule purges them.
    world.sweep(wall() + timedelta(days=40), "genuka/customer_databases")
    assert not world.ids(f"select id from orders where company_id = '{tenant}'") & mine
    listed = {
        one.origin for one in world.runtime.control.erasures.since(wall() - timedelta(days=1)) if one.table == "orders"
    }
    assert listed == {"tenant"}

    orders = f"select id from orders where company_id = '{tenant}'"
    with fresh_database(kind) as into:
        _restore(world, into, "--tenant", tenant, "--table", "orders")
        assert not _back(into, orders) & mine, "without its instruction a tenant's deletion stays one"
    with fresh_database(kind) as into:
        instructed = ("--recover-deleted-by-tenant", "staff-7")
        said = _restore(world, into, "--tenant", tenant, "--table", "orders", *instructed)
        assert said.json["digest_matches"] is True
        assert _back(into, orders) >= mine
        assert _back(into, "select id from orders") == _back(into, orders), "nobody else's came with them"
    with fresh_database(kind) as into:
        _restore(world, into, "--tenant", tenant, *instructed)
        assert _back(into, orders) >= mine
        assert seller not in _back(into, "select id from users"), "what a person had erased never comes back"
        assert not _back(into, f"select id from users where email = '{SELLER}'")

    said_so = [entry.body for entry in world.runtime.control.ledger.latest(RecoveryInstructed)]
    assert len(said_so) == 1
    assert all("staff-7" not in body.canonical() and tenant not in body.canonical() for body in said_so)
    # What is live was never touched: no order of the tenant is back there, and nobody else lost one.
    assert not world.ids(orders) & mine
    assert world.ids(f"select id from orders where company_id <> '{tenant}' and deleted_at is null") == others
