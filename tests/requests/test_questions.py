"""The questions of requests and archives can be answered with yes, with no, and with unproven."""

from __future__ import annotations

from datetime import timedelta

import pyrage  # type: ignore[import-untyped]

from genuka_pipelines.exports import Recipient
from genuka_pipelines.exports.asking import ask
from genuka_pipelines.requests.deciding import approve, identify
from genuka_pipelines.requests.registering import Asked, register
from genuka_pipelines.requests.waking import exports_waiting
from genuka_pipelines.requests.waking import look as tick
from tests.requests.desk import ONE, OTHER, Desk
from tests.scenarios.sweeping_world import wall


def test_before_anybody_asked_nothing_is_proved(desk: Desk) -> None:
    answers = [desk.ask("answered_in_time"), desk.ask("nothing_left")]
    answers += [ask(desk.house, check, now=wall()) for check in ("reimports_identically", "one_tenant_only")]
    assert all(one.passed and one.unproven for one in answers)


def test_a_row_that_comes_back_is_left(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    (key,) = desk.world.ids(f"select id from contact_requests where email = '{email}'")
    desk.all("erasure", email)
    assert desk.ask("nothing_left").passed
    desk.world.run(
        f"insert into contact_requests (id, name, email, message, created_at) "
        f"values ('{key}', 'Back', 'x@example.org', 'm', '2026-11-22 10:00:00')"
    )
    answer = desk.ask("nothing_left")
    assert (answer.passed, answer.counts["left"]) == (False, 1)


def test_an_archive_is_asked_for_begun_proved_and_missed(desk: Desk) -> None:
    desk = Desk(desk.world.opened(GENUKA_DRILL_URL=desk.world.env["GENUKA_DATABASE_URL"]))
    tenant = sorted(desk.world.ids("select company_id from tenant_databases where mode = 'shared'"))[0]
    key = Recipient(age=str(pyrage.x25519.Identity.generate().to_public()))
    asked = Asked("tenant_export", "email", ONE, tenant=tenant, recipient=key.age)
    request = register(desk.house, desk.plan, asked, now=wall()).request
    identify(desk.house, request.id, "call_back", by=ONE, now=wall())
    assert exports_waiting(desk.house, now=wall()) == ()
    approve(desk.house, desk.plan, request.id, None, by=OTHER, as_of=desk.as_of, now=wall())
    assert exports_waiting(desk.house, now=wall()) == ((request.id, 0),)
    assert tick(desk.house, now=wall()).waiting == ()
    desk.run(request)
    assert exports_waiting(desk.house, now=wall() + timedelta(days=1)) == ()
    for check in ("reimports_identically", "one_tenant_only"):
        answer = ask(desk.house, check, now=wall())
        assert answer.passed, check
        assert not answer.unproven
    (delivery,) = desk.house.control.deliveries.of(request.id)
    desk.house.store("exports").delete(delivery.key)
    assert ask(desk.house, "reimports_identically", now=wall()).counts["damaged"] == 1
