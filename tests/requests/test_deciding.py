"""The states of a request: who may do what, when, and what a decision is worth."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest

from genuka_pipelines.catalog.zone import night_of
from genuka_pipelines.control.bodies import RequestMoved
from genuka_pipelines.control.errors import NotOpaque, RequestNotThere, RequestOutOfTurn
from genuka_pipelines.control.intake import Arrived
from genuka_pipelines.requests.deciding import extend, identify, include, refuse
from genuka_pipelines.requests.errors import NotIdentified, PreviewChanged, UnclearRequest
from genuka_pipelines.requests.registering import take_in
from genuka_pipelines.requests.waking import look as tick
from tests.requests.desk import ONE, OTHER, Desk
from tests.scenarios.sweeping_world import wall

NOBODY = "nobody.at.all@example.org"


def test_the_same_person_asks_twice_for_the_same(desk: Desk) -> None:
    first = desk.open("erasure", NOBODY)
    assert desk.open("erasure", NOBODY.upper()).id == first.id
    assert desk.open("access", NOBODY).id != first.id
    refuse(desk.house, first.id, "withdrawn", by=ONE, now=wall())
    assert desk.open("erasure", NOBODY).id != first.id


def test_two_who_register_it_at_once_make_one(desk: Desk) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(desk.open("access", NOBODY).id)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


def test_nothing_is_told_in_clear(desk: Desk) -> None:
    request = desk.open("rectification", NOBODY, users__first_name="Zébulon")
    rows = " ".join(str(row) for row in _stored(desk))
    entries = " ".join(entry.body.canonical() for entry in desk.house.control.ledger.entries())
    for text in (rows, entries, repr(request)):
        assert "nobody" not in text.lower()
        assert "Zébulon" not in text
    assert request.opened(desk.house.keyring)["corrections"] == {"users.first_name": "Zébulon"}


def test_a_request_goes_its_way_and_no_other(desk: Desk) -> None:
    request = desk.open("erasure", NOBODY)
    with pytest.raises(NotIdentified, match="nobody made sure"):
        desk.approve(request, "0" * 64)
    with pytest.raises(RequestOutOfTurn):
        refuse(desk.house, desk.all("erasure", NOBODY).request.id, "law", by=ONE, now=wall())
    with pytest.raises(RequestNotThere):
        desk.house.control.requests.get("bbbbbbbbbbbb")
    said = [e.body for e in desk.house.control.ledger.entries() if isinstance(e.body, RequestMoved)]
    assert [(one.before, one.after) for one in said] == [
        ("received", "identified"),
        ("identified", "approved"),
        ("approved", "running"),
        ("running", "refused"),
    ]
    assert said[-1].why == "nothing_found"


def test_an_approval_is_of_one_preview(desk: Desk) -> None:
    (email, other, *_) = desk.emails("contact_requests")
    request = desk.identified("erasure", email)
    with pytest.raises(PreviewChanged):
        desk.approve(request, "0" * 64)
    desk.approve(request)
    desk.world.run(f"update contact_requests set email = '{email}' where email = '{other}'")
    with pytest.raises(PreviewChanged):
        desk.run(request)
    again = desk.house.control.requests.get(request.id)
    assert (again.status, again.reason, again.preview) == ("identified", "preview_changed", None)
    assert len(desk.world.ids(f"select id from contact_requests where email = '{email}'")) == 2
    desk.approve(request)
    assert desk.run(request).done["deleted"] == 2


def test_an_identity_check_grows_old(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    request = desk.open("erasure", email)
    identify(desk.house, request.id, "document", by=ONE, now=wall())
    desk.approve(request)
    _age(desk, request.id)
    with pytest.raises(NotIdentified, match="older than P30D"):
        desk.run(request)
    assert desk.house.control.requests.get(request.id).reason == "identity_expired"
    assert desk.world.ids(f"select id from contact_requests where email = '{email}'")


def test_an_answer_takes_longer_once_and_for_a_reason(desk: Desk) -> None:
    request = desk.open("access", NOBODY)
    later = extend(desk.house, desk.plan, request.id, "complex", by=ONE, now=wall())
    assert (later.due_on - request.due_on).days in range(58, 63)
    with pytest.raises(UnclearRequest, match="extended before"):
        extend(desk.house, desk.plan, request.id, "complex", by=ONE, now=wall())
    old = desk.open("restriction", NOBODY, arrived=night_of(wall()) - timedelta(days=40))
    with pytest.raises(UnclearRequest, match="had to be extended before"):
        extend(desk.house, desk.plan, old.id, "many_requests", by=ONE, now=wall())
    answer = desk.ask("answered_in_time", as_of=wall())
    assert not answer.passed
    assert answer.counts["late"] == 1


def test_who_is_near_is_shown_and_only_added_by_a_person(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    local, _, domain = email.partition("@")
    request = desk.identified("erasure", f"{local}+news@{domain}")
    found = desk.look(request)
    assert found.rows == 0
    assert [(one.kind, one.why) for one in found.near] == [("prospect", "same_mailbox")]
    desk.approve(request)
    include(desk.house, request.id, "prospect", found.near[0].key, now=wall())
    assert desk.house.control.requests.get(request.id).status == "identified"
    desk.approve(request)
    assert desk.run(request).done["deleted"] == 1


def test_a_support_tool_writes_a_row_and_it_is_gone_at_the_next_look(desk: Desk) -> None:
    intake = desk.house.control.intake
    intake.put(Arrived("erasure", "support_tool", NOBODY, "zen-9"))
    intake.put(Arrived("erasure", "support_tool", NOBODY, "zen-9", arrived_on=date(2020, 1, 1)))
    intake.put(Arrived("everything", "support_tool", NOBODY, "zen-9"))
    intake.put(Arrived("access", "support_tool", "Ann Lee", "zen-9"))
    intake.put(Arrived("tenant_end", "email", "", "zen-9", tenant="nobody"))
    assert take_in(desk.house, desk.plan, now=wall()) == (1, 4)
    assert take_in(desk.house, desk.plan, now=wall()) == (0, 0)
    assert [one.kind for one in desk.house.control.requests.all()] == ["erasure"]


def test_a_tick_names_what_can_run_and_is_quick_among_many(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    request = desk.identified("erasure", email)
    assert tick(desk.house, now=wall()).waiting == ()
    desk.approve(request)
    assert tick(desk.house, now=wall()).waiting == ((request.id, 0),)
    desk.run(request)
    assert tick(desk.house, now=wall() + timedelta(days=1)).waiting == ()


@pytest.mark.parametrize(
    ("kind", "who", "options", "said"),
    [
        ("forget_me", [NOBODY], {}, "a request is one of access"),
        ("erasure", ["Ann Lee"], {}, "a subject is an e-mail address"),
        ("erasure", [], {}, "says who"),
        ("erasure", [NOBODY], {"users__email": "x@y.org"}, "only a rectification"),
        ("rectification", [NOBODY], {}, "says what is right"),
        ("rectification", [NOBODY], {"users__id": "7"}, "is a key"),
        ("rectification", [NOBODY], {"users__password": "x"}, "a secret"),
        ("rectification", [NOBODY], {"users__nothing": "x"}, "declared TABLE.COLUMN"),
        ("rectification", [NOBODY], {"customers__email": "x@y.org"}, "in a tenant's hands"),
        ("tenant_end", [], {}, "which tenant asks"),
        ("tenant_export", [], {"tenant": "01nobody"}, "no tenant has this id"),
    ],
)
def test_a_request_that_is_unclear_is_one_sentence(
    desk: Desk, kind: str, who: list[str], options: dict[str, str], said: str
) -> None:
    with pytest.raises(UnclearRequest, match=said):
        desk.open(kind, *who, **options)  # type: ignore[arg-type]


def test_who_opens_it_is_an_opaque_id(desk: Desk) -> None:
    request = desk.open("access", NOBODY)
    with pytest.raises(NotOpaque):
        refuse(desk.house, request.id, "unfounded", by="Ann Lee <ann@example.org>", now=wall())
    assert desk.house.control.requests.get(request.id).status == "received"
    assert OTHER not in {ONE}


def _stored(desk: Desk) -> list[object]:
    from sqlalchemy import select

    from genuka_pipelines.control.tables import requests

    with desk.house.control._database.begin() as connection:
        return [tuple(row) for row in connection.execute(select(requests))]


def _age(desk: Desk, name: str) -> None:
    from sqlalchemy import update

    from genuka_pipelines.control.tables import requests

    with desk.house.control._database.begin() as connection:
        old = wall() - timedelta(days=32)
        connection.execute(update(requests).where(requests.c.id == name).values(identified_at=old))
