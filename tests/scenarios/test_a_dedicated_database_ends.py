"""A dedicated database goes once its last backup is proved in both regions, and not a step earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.nightly import bring, look, prepare_regions
from genuka_pipelines.retention.dedicated import end_databases
from tests.scenarios.sweeping_world import World, copied, shared_seeding, wall
from tests.servers import Kind

LATER = datetime(2027, 7, 1, 12, tzinfo=UTC)
"""More than four months after the last use and the end of the subscription, and well after every row."""


def _step(world: World, tenant: str, as_of: datetime = LATER) -> str:
    ended = end_databases(world.runtime, "genuka_database", as_of=as_of, clock=wall, dry_run=False)
    (found,) = (one for one in ended if one.tenant == tenant)
    return f"{found.step}: {found.unknown}" if found.unknown else found.step


@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_it_goes_when_its_last_backup_is_in_both_regions(kind: Kind) -> None:
    with copied(shared_seeding(kind)) as world:
        world.run(
            "update tenant_databases set last_used_at = '2026-10-01 08:00:00', "
            "subscription_ended_at = '2026-10-02 08:00:00' where mode = 'dedicated'"
        )
        (tenant,) = world.ids("select company_id from tenant_databases where mode = 'dedicated'")
        assert world.ids("select id from orders", database="dedicated")
        assert _step(world, tenant) == "waits for its notice"
        for notice in world.runtime.control.notices.waiting():
            world.runtime.control.notices.sent(notice.id, now=wall())
        later = LATER + timedelta(days=31)
        assert _step(world, tenant, later) == "waits for a final backup"

        house = world.runtime
        plan = house.catalog.backups["backups/nightly"]
        captured = capture(house, plan, now=wall(), clock=wall)
        assert not captured.failed
        prepare_regions(house, plan, now=wall())
        look(house, plan, "france", full=True, now=wall())
        assert _step(world, tenant, later) == "waits for a final backup", "one region has it"
        assert bring(house, plan, "usa", clock=wall, backups=[captured.backup]).whole
        assert _step(world, tenant, later) == "dropped"
        assert world.ids("select company_id from tenant_databases where dropped_at is not null") == {tenant}
        assert house.control.ledger.open_intents() == ()
        assert house.control.ledger.verify().problems == ()
