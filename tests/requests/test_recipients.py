"""Who else is told of an erasure, a correction or a restriction, by what, how often, and who is not."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Literal

import pytest

from genuka_pipelines.catalog.processor import Processor, Telling
from genuka_pipelines.control import Request
from genuka_pipelines.control.bodies import RecipientNotice
from genuka_pipelines.control.errors import NotOpaque, RecipientSettled, RecipientUnknown
from genuka_pipelines.control.recipients import Notice, Wanted
from genuka_pipelines.requests.deciding import refuse
from genuka_pipelines.requests.disclosed import Changed, disclosed
from genuka_pipelines.requests.errors import NotAnswerable
from genuka_pipelines.requests.finding import find
from genuka_pipelines.requests.telling import tell, to_do, told
from genuka_pipelines.requests.waking import look as tick
from genuka_pipelines.systems.stripe.errors import StripeUnreachable
from tests.requests.desk import ONE, OTHER, Desk
from tests.requests.packages import whom
from tests.scenarios.sweeping_world import copied, shared_seeding, wall
from tests.systems.posthog.stand_in import Fault
from tests.systems.stripe.stand_in import Stripe, stripe

_number = itertools.count(1)


@dataclass(frozen=True)
class Payer:
    """An account holder in whose name an invoice was paid by a processor, under a reference of the processor's."""

    email: str
    reference: str
    phone: str | None


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """One desk for all: each test takes people of its own."""
    with copied(shared_seeding("postgresql")) as world:
        yield Desk(world)


def payer(desk: Desk, processor: str | None = "stripe", *, phone: bool = False, said: str = "{}") -> Payer:
    """Somebody of whom no other test knows."""
    users = desk.world.ids("select id from users where deleted_at is null and email not like 'payer%%'")
    invoices = desk.world.ids("select id from platform_invoices where billing_email not like 'payer%%'")
    mark = f"{next(_number):04d}"
    found = Payer(f"payer{mark}@example.org", f"pi_{mark}", f"+23769911{mark}" if phone else None)
    number = f"'{said.format(found.phone)}'" if phone else "null"
    desk.world.run(f"update users set email = '{found.email}', phone = {number} where id = '{min(users)}'")
    if processor:
        desk.world.run(
            f"update platform_invoices set billing_email = '{found.email}', processor = '{processor}', "
            f"processor_reference = '{found.reference}' where id = '{min(invoices)}'"
        )
    return found


@contextmanager
def paying(desk: Desk, folder: Path) -> Iterator[tuple[Desk, Stripe]]:
    """A desk whose house has a key to a Stripe where it knows one customer."""
    with stripe() as there:
        there.customers["cus_other"] = "other@example.org"
        world = desk.world.opened(**there.environment(folder))
        world.runtime.__dict__["catalog"] = desk.house.catalog
        try:
            yield Desk(world), there
        finally:
            world.close()


def named(desk: Desk, who: Payer, changed: Changed | None = None) -> Mapping[str, Wanted]:
    """Who would be told of an erasure, or of a correction."""
    sought = whom(who.email)
    person = find(desk.house, sought, as_of=desk.as_of)
    found = disclosed(desk.house, sought, person, as_of=desk.as_of, forget=changed is None, changed=changed)
    return {one.recipient: one for one in found}


def notices(desk: Desk, name: str) -> Mapping[str, Notice]:
    return {one.recipient: one for one in desk.house.control.recipients.of(name)}


def asked(desk: Desk, kind: str, who: str, **corrections: str) -> Request:
    """A request that may run."""
    request = desk.identified(kind, who, **corrections)
    return desk.approve(request)


def over(desk: Desk, *wanted: Wanted) -> Request:
    """A request that is over here, and waits for recipients."""
    request = desk.identified("erasure", f"over{next(_number)}@example.org")
    requests, keys = desk.house.control.requests, desk.house.keyring
    requests.move(request.id, "approved", lambda there: there, now=wall())
    desk.house.control.recipients.want(request, wanted, keys=keys, now=wall())

    def run(there: Request) -> Request:
        waits = replace(there, reason="recipients", attempts=1, tried_at=wall())
        return waits.with_result(keys, {"done": {"survivors": 0, "recipients": {}}})

    return requests.move(request.id, "running", run, now=wall())


def by(how: Literal["adapter", "procedure"], recipient: str, **about: list[str]) -> Wanted:
    return Wanted(recipient, how, about or {"ids": ["pi_0007"]})


BOTH = (by("procedure", "notchpay"), by("procedure", "whatsapp", phones=["+237699112233"]))


def test_every_provider_says_how_it_is_told(desk: Desk) -> None:
    silent = {name for name, one in desk.house.catalog.processors.items() if one.role != "own" and one.told is None}
    assert not silent


def test_a_way_that_people_may_have_to_go_says_what_they_do() -> None:
    with pytest.raises(ValueError, match="what they do, and where"):
        Telling(by="adapter")
    assert Telling(by="house").steps is None


def test_only_the_processor_that_was_paid_through_is_told(desk: Desk) -> None:
    who = payer(desk, "flutterwave")
    assert named(desk, who).keys() == {"flutterwave"}
    assert named(desk, who)["flutterwave"].about == {"ids": [who.reference], "emails": [who.email]}
    assert named(desk, payer(desk, "stripe")).keys() == {"stripe"}
    assert not named(desk, payer(desk, None))


def test_a_number_is_known_to_whoever_carries_messages(desk: Desk) -> None:
    who = payer(desk, "notchpay", phone=True, said=" {} ")
    assert named(desk, who).keys() == {"notchpay", "whatsapp"}
    assert named(desk, who)["whatsapp"].about == {"phones": [who.phone]}


def test_a_chat_is_known_by_its_own_id(desk: Desk) -> None:
    query = "select account_id from chat_conversations where account_id is not null"
    (account, *_) = sorted(desk.world.ids(query, "genletter"))
    chats = desk.world.ids(f"select id from chat_conversations where account_id = '{account}'", "genletter")
    sought = whom(f"genletter_user:{account}")
    person = find(desk.house, sought, as_of=desk.as_of)
    found = {one.recipient: one for one in disclosed(desk.house, sought, person, as_of=desk.as_of, forget=True)}
    assert set(found["tawk_to"].about["ids"]) == chats
    assert found["tawk_to"].how == "procedure"


def test_a_provider_that_says_nothing_is_told_by_people(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's silence about how it is told may mean that it is not."""
    silent: Processor = desk.house.catalog.processors["whatsapp"].model_copy(update={"told": None})
    monkeypatch.setitem(desk.house.catalog.processors, "whatsapp", silent)  # type: ignore[arg-type]
    assert named(desk, payer(desk, phone=True))["whatsapp"].how == "procedure"


def test_one_name_more_than_a_person_can_have_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    who = payer(desk)
    monkeypatch.setattr("genuka_pipelines.requests.disclosed._AT_MOST", 0)
    with pytest.raises(NotAnswerable, match=r"platform_invoices\."):
        named(desk, who)


def test_a_shopper_is_the_shop_s_and_so_is_the_telling(desk: Desk) -> None:
    (email, *_) = desk.emails("customers", "deleted_at is null")
    assert not named(desk, Payer(email, "", None))


def test_a_correction_concerns_who_has_the_value(desk: Desk) -> None:
    who = payer(desk, phone=True)
    told_of = {
        column: set(named(desk, who, Changed({f"users.{column}"}))) for column in ("birthdate", "email", "phone")
    }
    assert told_of == {"birthdate": set(), "email": {"stripe"}, "phone": {"whatsapp"}}


def test_a_correction_of_nothing_is_told_to_nobody_and_one_that_changes_is(desk: Desk) -> None:
    who = payer(desk)
    same = desk.run(asked(desk, "rectification", who.email, users__email=who.email))
    assert (same.request.status, same.done["recipients"]) == ("done", {})
    name = desk.run(asked(desk, "rectification", who.email, users__first_name="Zoé"))
    assert (name.request.reason, name.done["recipients"]) == ("recipients", {"stripe": "open"})
    todo = to_do(desk.house, name.request.id, "stripe")
    assert (todo.right, todo.about["emails"]) == ({"users.first_name": "Zoé"}, [who.email])
    assert "Zoé" not in repr(todo)
    # It is over but for the telling: what is asked now is another.
    assert desk.open("rectification", who.email, users__last_name="Lee").id != name.request.id


def test_a_restriction_is_told_by_people_even_where_there_is_an_interface(desk: Desk, tmp_path: Path) -> None:
    who = payer(desk)
    with paying(desk, tmp_path) as (found, there):
        answer = found.run(asked(found, "restriction", who.email))
        assert (answer.request.reason, answer.done["recipients"]) == ("recipients", {"stripe": "open"})
        assert notices(found, answer.request.id)["stripe"].how == "procedure"
        assert not there.asked


def test_an_interface_that_fails_is_loud_and_asked_again_and_nothing_is_lost(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = payer(desk, phone=True)
    monkeypatch.setattr("genuka_pipelines.systems.posthog.recordings.Manners.wait", lambda *_: 0.0)
    with paying(desk, tmp_path) as (found, there):
        there.customers["cus_who"], there.lasting = who.email, Fault(500)
        request = asked(found, "erasure", who.email)
        with pytest.raises(StripeUnreachable):
            found.run(request)
        failed = found.house.control.requests.get(request.id)
        assert (failed.status, failed.reason) == ("failed", "unreachable")
        assert {one.state for one in notices(found, request.id).values()} == {"open"}
        assert not found.world.ids(f"select id from users where email = '{who.email}'")
        told(found.house, request.id, "whatsapp", by=OTHER, now=wall())
        assert found.house.control.requests.get(request.id).status == "failed"
        assert (request.id, 1) in tick(found.house, now=wall() + timedelta(days=1)).waiting
        there.lasting = None
        answer = found.run(failed)
        assert (answer.request.status, answer.done["recipients"]) == ("done", {"stripe": "told", "whatsapp": "told"})
        assert answer.done["deleted"] > 0, "what the first try deleted"
        assert there.customers == {"cus_other": "other@example.org"}
        one = notices(found, request.id)["stripe"]
        assert (one.how, one.told_by, one.about) == ("adapter", "adapter:stripe", None)
        assert str(one.reference).startswith("req_")
        bodies = [entry.body for entry in found.house.control.ledger.entries()]
        said = [body for body in bodies if isinstance(body, RecipientNotice) and body.request == request.id]
        assert [(one.recipient, one.state) for one in said] == [
            ("stripe", "open"), ("whatsapp", "open"), ("whatsapp", "told"), ("stripe", "told"),
        ]  # fmt: skip


def test_a_subscription_that_runs_is_left_to_people(desk: Desk, tmp_path: Path) -> None:
    with paying(desk, tmp_path) as (found, there):
        there.customers["cus_who"], there.subscriptions["sub_1"] = "who@example.org", "cus_who"
        request = over(found, by("adapter", "stripe", emails=["who@example.org"]))
        assert tell(found.house, request, clock=wall) == ({"stripe": "open"}, None)
        one = notices(found, request.id)["stripe"]
        assert (one.how, one.opened(found.house.keyring), there.ended) == (
            "procedure",
            {"emails": ["who@example.org"]},
            [],
        )
        there.asked.clear()
        assert tell(found.house, request, clock=wall) == ({"stripe": "open"}, None)
        assert not there.asked


def test_a_key_that_was_taken_away_leaves_it_to_people(desk: Desk) -> None:
    request = over(desk, by("adapter", "stripe", emails=["who@example.org"]))
    assert tell(desk.house, request, clock=wall) == ({"stripe": "open"}, None)
    assert notices(desk, request.id)["stripe"].how == "procedure"


def test_people_tell_them_one_by_one_and_the_last_ends_the_request(desk: Desk) -> None:
    request = over(desk, *BOTH)
    assert desk.house.control.recipients.want(request, BOTH, keys=desk.house.keyring, now=wall()) == 0
    assert request.id not in dict(tick(desk.house, now=wall() + timedelta(days=1)).waiting)
    first = told(desk.house, request.id, "notchpay", by=ONE, now=wall(), reference="case-7")
    assert (first.status, first.reason) == ("running", "recipients")
    with pytest.raises(RecipientSettled, match="notchpay is told"):
        told(desk.house, request.id, "notchpay", by=ONE, now=wall())
    with pytest.raises(RecipientUnknown):
        told(desk.house, request.id, "stripe", by=ONE, now=wall())
    with pytest.raises(NotOpaque):
        told(desk.house, request.id, "whatsapp", by=ONE, now=wall(), reference="Ann Lee <ann@example.org>")
    last = told(desk.house, request.id, "whatsapp", by=OTHER, now=wall(), why="not_found_there")
    assert (last.status, last.reason) == ("done", None)
    done = (last.result(desk.house.keyring) or {})["done"]
    assert done == {"survivors": 0, "recipients": {"notchpay": "told", "whatsapp": "impossible"}}
    assert all(one.about is None for one in notices(desk, request.id).values())


def test_two_who_tell_the_last_two_at_once_end_it_once(desk: Desk) -> None:
    request = over(desk, *BOTH)
    threads = [threading.Thread(target=told, args=(desk.house, request.id, one), kwargs={"by": ONE, "now": wall()})
               for one in ("notchpay", "whatsapp")]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.house.control.requests.get(request.id).status == "done"


def test_a_death_between_telling_and_ending_is_taken_up_by_the_next_tick(desk: Desk) -> None:
    request = over(desk, by("procedure", "notchpay"))
    desk.house.control.recipients.settle(request, "notchpay", by=ONE, now=wall())
    assert (request.id, 1) in tick(desk.house, now=wall() + timedelta(days=1)).waiting


def test_who_is_told_late_makes_the_answer_late(desk: Desk) -> None:
    later = wall() + timedelta(days=40)
    assert desk.ask("answered_in_time", as_of=wall()).passed
    before = desk.ask("answered_in_time", as_of=later).counts["untold"] or 0
    request = over(desk, *BOTH)
    answer = desk.ask("answered_in_time", as_of=later)
    assert (answer.passed, answer.counts["untold"]) == (False, before + 2)
    assert any("recipients should have been told" in note for note in answer.notes)
    refuse(desk.house, request.id, "withdrawn", by=ONE, now=wall())
    assert desk.ask("answered_in_time", as_of=later).counts["untold"] == before + 2
    for recipient in ("notchpay", "whatsapp"):
        told(desk.house, request.id, recipient, by=ONE, now=wall(), why="disproportionate")
    assert desk.ask("answered_in_time", as_of=later).counts["untold"] == before
    assert desk.house.control.requests.get(request.id).status == "refused"


def test_nothing_of_the_person_stands_in_clear(desk: Desk) -> None:
    request = over(desk, *BOTH)
    entries = " ".join(entry.body.canonical() for entry in desk.house.control.ledger.entries())
    rows = " ".join(map(repr, notices(desk, request.id).values()))
    sealed = repr([one.about for one in notices(desk, request.id).values()])
    for word in ("pi_0007", "699112233"):
        assert word not in entries + rows + sealed + repr(BOTH)


def test_an_approval_of_what_could_not_be_counted_is_refused(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    request = desk.identified("erasure", email)
    desk.world.run("alter table session_recordings rename to recordings_of_sessions")
    world = desk.world.opened()
    world.runtime.__dict__["catalog"] = desk.house.catalog
    try:
        found = Desk(world)
        seen = found.look(request)
        assert not seen.complete
        with pytest.raises(NotAnswerable, match=r"could not count every table \(.*session_recordings"):
            found.approve(request, seen.digest)
        assert found.house.control.requests.get(request.id).status == "identified"
    finally:
        world.close()
        desk.world.run("alter table recordings_of_sessions rename to session_recordings")


def test_who_never_applied_cannot_ask_not_to_be_kept(desk: Desk) -> None:
    (email, *_) = desk.emails("contact_requests")
    answer = desk.run(asked(desk, "not_kept", email))
    assert (answer.request.status, answer.request.reason) == ("refused", "nothing_found")
