"""A tenant ends: it may fetch its data first, then everything goes, and weeks later the keys of its backups."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from genuka_pipelines.backups.capturing import capture
from genuka_pipelines.backups.nightly import bring
from genuka_pipelines.backups.owner import owner_of
from genuka_pipelines.control import Staging
from genuka_pipelines.control.request import Request
from genuka_pipelines.requests.answering import Answer, answer
from genuka_pipelines.requests.deciding import approve, confirm, identify
from genuka_pipelines.requests.errors import UnclearRequest
from genuka_pipelines.requests.registering import Asked, register
from tests.requests.desk import ONE, OTHER, Desk
from tests.scenarios.sweeping_world import copied, shared_seeding, wall


@pytest.fixture
def desk() -> Iterator[Desk]:
    with copied(shared_seeding("postgresql")) as world:
        yield Desk(world)


def _shared_tenant(desk: Desk) -> str:
    selling = desk.world.ids("select company_id from orders")
    return sorted(selling & desk.world.ids("select company_id from tenant_databases where mode = 'shared'"))[0]


def _approved(desk: Desk, tenant: str, *, waived: bool = False) -> Request:
    asked = Asked("tenant_end", "whatsapp", ONE, tenant=tenant, waived=waived)
    request = register(desk.house, desk.plan, asked, now=wall()).request
    identify(desk.house, request.id, "call_back", by=ONE, now=wall())
    return approve(desk.house, desk.plan, request.id, None, by=ONE, as_of=desk.as_of, now=wall())


def _run(desk: Desk, request: Request) -> Answer:
    return answer(desk.house, desk.plan, request.id, as_of=desk.as_of, clock=wall)


def _rows(desk: Desk, tenant: str) -> set[str]:
    return desk.world.ids(f"select id from orders where company_id = '{tenant}'")


def test_a_tenant_may_fetch_its_data_first(desk: Desk) -> None:
    tenant = _shared_tenant(desk)
    found = _run(desk, _approved(desk, tenant))
    assert (found.request.status, found.request.reason) == ("running", "retrieval")
    assert found.done["until"] == (wall() + timedelta(days=30)).date().isoformat()
    assert _rows(desk, tenant)


def test_everything_goes_and_at_last_the_keys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = _shared_tenant(desk)
    others = desk.world.ids("select id from orders") - _rows(desk, tenant)
    (plan,) = desk.house.catalog.backups.values()
    capture(desk.house, plan, now=wall(), clock=wall)
    for region in plan.regions:
        bring(desk.house, plan, region, clock=wall)
    staged = Staging(product="genuka", table="orders", columns=("id",), shards={})
    desk.house.control.ledger.append(staged, as_of=desk.as_of, now=wall())
    published = desk.house.store("published_store")
    published.put("tables/orders_monthly.parquet", b"names nobody")
    request = _approved(desk, tenant, waived=True)
    found = _run(desk, request)
    assert (found.request.status, found.request.reason) == ("running", "grace")
    assert found.done["survivors"] == 0
    assert found.done["deleted"] > 50
    assert not _rows(desk, tenant)
    assert desk.world.ids("select id from orders") == others
    assert list(desk.house.control.erasures.since(desk.world_began, ["tenant_end"]))
    with pytest.raises(UnclearRequest, match="cannot also confirm"):
        confirm(desk.house, request.id, by=ONE, now=wall())
    _grace_over(desk, monkeypatch, timedelta())
    assert _run(desk, request).done["staged_before"] == 1
    desk.house.control.ledger.append(staged, as_of=desk.as_of, now=wall())
    _grace_over(desk, monkeypatch)
    assert _run(desk, request).request.reason == "confirmation"
    confirm(desk.house, request.id, by=OTHER, now=wall())
    last = _run(desk, request)
    assert last.request.status == "done"
    assert published.get("tables/orders_monthly.parquet") == b"names nobody"
    assert last.done["keys_destroyed"] == 2
    assert last.done["epochs_that_still_open"] == 0
    said = desk.ask("nothing_left")
    assert (said.passed, said.counts["tenants"]) == (True, 1)
    assert owner_of(tenant, desk.house.keyring).id


def test_an_own_database_waits_for_its_notice_and_its_backup(desk: Desk) -> None:
    (tenant,) = desk.world.ids("select company_id from tenant_databases where mode = 'dedicated'")
    desk.world.run(
        f"update tenant_databases set subscription_ended_at = '2026-11-01 00:00:00' where company_id = '{tenant}'"
    )
    found = _run(desk, _approved(desk, tenant, waived=True))
    assert (found.request.status, found.request.reason) == ("running", "waits")
    asked = "select company_id from tenant_databases where deletion_requested_at is not null"
    assert tenant in desk.world.ids(asked)


def _grace_over(desk: Desk, monkeypatch: pytest.MonkeyPatch, ago: timedelta = timedelta(days=31)) -> None:
    """As if the plan's thirty days were none: a ledger that is weeks old cannot be made in a test."""
    from genuka_pipelines.catalog.period import Period
    from genuka_pipelines.requests import ending

    real: Any = ending.announce_shredding

    def long_ago(*args: Any, **options: Any) -> datetime:
        since: datetime = real(*args, **options)
        return since - ago

    monkeypatch.setattr(ending, "announce_shredding", long_ago)
    (key,) = desk.house.catalog.backups
    plan = desk.house.catalog.backups[key].model_copy(update={"shredded_after": Period("P0D")})
    monkeypatch.setitem(desk.house.catalog.backups, key, plan)  # type: ignore[arg-type]
