"""People ask, and are answered: each test is a story, on a seeded Genuka, from the message to the proof."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from genuka_pipelines.control import SubjectScope
from genuka_pipelines.control.suppressions import digest_of
from genuka_pipelines.exports import Opener, Recipient, verify
from genuka_pipelines.keys import Secret
from genuka_pipelines.requests import answering
from genuka_pipelines.requests.deciding import approve, identify, refuse
from genuka_pipelines.requests.errors import NotIdentified
from genuka_pipelines.requests.registering import Asked, register
from tests.requests.desk import ONE, OTHER, Desk
from tests.scenarios.sweeping_world import World, copied, shared_seeding, wall

LEAVER = "zoe.leaves@example.org"


@pytest.fixture
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """A desk over a copy of the seeding; on PostgreSQL unless a story asks for each database."""
    with copied(shared_seeding(getattr(request, "param", "postgresql"))) as world:
        yield Desk(world)


on_each = pytest.mark.parametrize("desk", ["postgresql", "mariadb"], indirect=True)


def _account(desk: Desk, email: str = LEAVER) -> str:
    """Somebody's account: the first that is not closed gets this address; its id."""
    (user, *_) = sorted(desk.world.ids("select id from users where deleted_at is null"))
    desk.world.run(f"update users set email = '{email}' where id = '{user}'")
    return user


def _users(desk: Desk, email: str = LEAVER) -> set[str]:
    return desk.world.ids(f"select id from users where email = '{email}'")


@on_each
def test_an_account_holder_leaves_and_comes_back(desk: Desk) -> None:
    user = _account(desk)
    recordings = desk.world.ids(f"select id from session_recordings where user_id = '{user}'")
    answer = desk.all("erasure", LEAVER)
    assert (answer.request.status, answer.done["survivors"]) == ("done", 0)
    assert answer.done["deleted"] >= 1 + len(recordings)
    assert not _users(desk)
    assert not desk.world.ids(f"select id from session_recordings where user_id = '{user}'")
    listed = list(desk.house.control.erasures.since(desk.world_began, ["request"]))
    assert len(listed) == answer.done["deleted"]
    desk.world.run(_copy_of_some_user("01zzzzzzzzzzzzzzzzzzzzzzzz", LEAVER))
    assert desk.ask("nothing_left").passed
    assert _users(desk) == {"01zzzzzzzzzzzzzzzzzzzzzzzz"}
    assert desk.look(desk.open("access", LEAVER)).person.keys["user"] == {"01zzzzzzzzzzzzzzzzzzzzzzzz"}


@on_each
def test_an_account_with_last_years_invoices(desk: Desk) -> None:
    user = _account(desk)
    (company,) = desk.world.ids(f"select company_id from users where id = '{user}'")
    desk.world.run(f"update platform_invoices set billing_email = '{LEAVER}' where company_id = '{company}'")
    invoices = desk.world.ids(f"select id from platform_invoices where billing_email = '{LEAVER}'")
    assert invoices, "the seeding has none: take another company"
    answer = desk.all("erasure", LEAVER)
    (kept,) = (one for one in answer.done["kept_by_law"] if one["table"] == "platform_invoices")
    assert answer.request.status == "done"
    assert kept["rows"] == len(invoices)
    assert "L123-22" in " ".join(kept["basis"])
    assert kept["until"] > "2030"
    assert not _users(desk)
    assert desk.world.ids(f"select id from platform_invoices where billing_email = '{LEAVER}'") == invoices


def test_a_shopper_writes_to_genuka_instead_of_the_shop(desk: Desk) -> None:
    (email, *_) = desk.emails("customers", "deleted_at is null")
    (company,) = desk.world.ids(f"select company_id from customers where email = '{email}'")
    before = desk.world.ids("select id from customers") | desk.world.ids("select id from orders")
    answer = desk.all("erasure", email)
    assert (answer.request.status, answer.request.reason) == ("refused", "for_the_tenant")
    assert list(answer.done["routed"]) == [company]
    assert desk.world.ids("select id from customers") | desk.world.ids("select id from orders") == before


def test_a_candidate_goes_while_the_application_is_open(desk: Desk) -> None:
    (email, *_) = desk.emails("job_applications", "decided_at is null")
    answer = desk.all("erasure", email)
    assert answer.request.status == "done"
    assert not desk.world.ids(f"select id from job_applications where email = '{email}'")


def test_a_request_under_a_hold_ends_when_the_hold_does(desk: Desk) -> None:
    user = _account(desk)
    hold = desk.world.hold(SubjectScope({"user": (user,)}))
    request = desk.identified("erasure", LEAVER)
    assert desk.look(request).added("held")
    desk.approve(request)
    first = desk.run(request)
    assert (first.request.status, first.request.reason) == ("running", "held")
    assert _users(desk) == {user}
    desk.world.release(hold)
    assert desk.told(desk.run(request)).request.status == "done"
    assert not _users(desk)


def test_two_requests_of_one_person(desk: Desk) -> None:
    user = _account(desk)
    kept, gone = desk.identified("restriction", LEAVER), desk.identified("erasure", LEAVER)
    for request in (kept, gone):
        desk.approve(request)
    assert desk.run(kept).done["holds"] == 1
    (hold,) = (one.id for one in desk.house.control.holds.live(wall()) if one.kind == "restriction")
    # What was approved would have taken the row; the hold that came between changed it.
    with pytest.raises(Exception, match="has changed since its preview"):
        desk.run(gone)
    desk.approve(gone)
    assert desk.run(gone).request.reason == "held"
    assert _users(desk) == {user}
    desk.world.release(hold)
    assert desk.told(desk.run(gone)).request.status == "done"


def test_a_wrong_person_who_knows_the_address(desk: Desk) -> None:
    user = _account(desk)
    request = desk.open("erasure", LEAVER)
    with pytest.raises(NotIdentified):
        desk.approve(request)
    assert refuse(desk.house, request.id, "not_identified", by=ONE, now=wall()).ended
    assert _users(desk) == {user}


@on_each
def test_what_others_wrote_no_longer_names_the_person(desk: Desk) -> None:
    _account(desk)
    (company,) = sorted(desk.world.ids("select id from companies"))[:1]
    said = f'{{"payment_terms": {{"accepted_by": "{LEAVER}", "note": "cc {LEAVER.upper()}!"}}, "kept": [1, true]}}'
    desk.world.run(f"update companies set metadata = '{said}' where id = '{company}'")
    (order,) = sorted(desk.world.ids("select id from orders"))[:1]
    desk.world.run(f"update orders set metadata = '{said}' where id = '{order}'")
    request = desk.identified("erasure", LEAVER)
    found = desk.look(request)
    assert found.mentions == {"companies.metadata": 1, "orders.metadata": 1}
    desk.approve(request)
    assert desk.run(request).done["cut"] == 1
    assert not desk.world.ids(f"select id from companies where lower(cast(metadata as char(4000))) like '%%{LEAVER}%%'")
    # An order is its shop's: the shop is told, and its words stay.
    assert desk.world.ids(f"select id from orders where lower(cast(metadata as char(4000))) like '%%{LEAVER}%%'") == {
        order
    }
    assert desk.look(desk.open("access", LEAVER)).mentions == {"orders.metadata": 1}


def test_who_objects_is_never_written_to_again(desk: Desk) -> None:
    (email, *_) = desk.emails("newsletter_subscribers", "unsubscribed_at is null")
    first, second = desk.all("objection", email), desk.all("objection", email)
    assert (first.done["suppressed"], second.done["suppressed"]) == (1, 0)
    assert first.done["marked"] == 1
    assert not desk.world.ids(
        f"select id from newsletter_subscribers where email = '{email}' and unsubscribed_at is null"
    )
    desk.all("erasure", email)
    digest = digest_of(email, desk.house.keyring.suppression)
    assert desk.house.control.suppressions.among([digest, "0" * 64], "email") == {digest}


@on_each
def test_what_is_wrong_is_corrected_and_the_trace_holds_no_value(desk: Desk) -> None:
    user = _account(desk)
    answer = desk.all("rectification", LEAVER, users__first_name="Zoé 🦜", users__last_name="O'Neill")
    assert (answer.request.status, answer.done["corrected"]) == ("done", 2)
    assert desk.world.ids(f"select first_name from users where id = '{user}'") == {"Zoé 🦜"}
    assert desk.world.ids(f"select last_name from users where id = '{user}'") == {"O'Neill"}
    entries = " ".join(entry.body.canonical() for entry in desk.house.control.ledger.entries())
    assert "values_changed" in {entry.body.kind for entry in desk.house.control.ledger.entries()}
    assert not any(word in entries for word in ("Zo", "Neill", user, "example.org"))


def test_a_killed_erasure_is_taken_up_where_it_stood(rounds: int, seed: int) -> None:
    """SIGKILL after 0.2 to 2 s: the same person is erased to the end, though half of the finding is gone."""
    for life in range(max(2, rounds // 12)):
        with copied(shared_seeding("postgresql")) as world:
            desk = Desk(world)
            _account(desk)
            request = desk.identified("erasure", LEAVER)
            approved = desk.approve(request)
            child = _in_a_process(world, request.id)
            time.sleep(0.2 + 1.8 * ((seed * 7 + life * 13) % 17) / 17)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            world.run_leases_out()
            found = desk.house.control.requests.get(request.id)
            assert found.status in ("approved", "running", "done")
            if found.status != "done":
                assert desk.told(desk.run(approved)).request.status == "done"
            assert not _users(desk)
            assert desk.ask("nothing_left").passed
            assert desk.house.control.ledger.verify().intact
            assert not desk.house.control.ledger.open_intents()


def test_a_death_after_the_last_row_is_not_a_refusal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of ours is left to find then, and the shop's rows are; what was approved says that we did something."""
    _account(desk)
    (customer, *_) = sorted(desk.world.ids("select id from customers where deleted_at is null"))
    desk.world.run(f"update customers set email = '{LEAVER}' where id = '{customer}'")
    request = desk.identified("erasure", LEAVER)
    desk.approve(request)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(answering, "_end", dies)
        with pytest.raises(KeyboardInterrupt):
            answering.answer(desk.house, desk.plan, request.id, as_of=desk.as_of, clock=wall)
    assert not _users(desk)
    answer = desk.told(desk.run(request))
    assert (answer.request.status, answer.request.reason) == ("done", None)
    assert answer.done["routed"]


def _in_a_process(world: World, name: str) -> int:
    child = os.fork()
    if child:
        return child
    try:
        fresh = Desk(world.opened())
        fresh.house.__dict__["catalog"] = world.runtime.catalog
        fresh.run(fresh.house.control.requests.get(name))
    finally:
        os._exit(0)


def _copy_of_some_user(key: str, email: str) -> str:
    """Somebody registers anew with an address."""
    return (
        "insert into users (id, company_id, first_name, last_name, email, created_at, updated_at) "
        f"select '{key}', id, 'Zoe', 'Anew', '{email}', '2026-11-22 10:00:00', '2026-11-22 10:00:00' "
        "from companies order by id limit 1"
    )


def test_a_company_moves_to_another_platform(desk: Desk, tmp_path: Path) -> None:
    desk = Desk(desk.world.opened(GENUKA_DRILL_URL=desk.world.env["GENUKA_DATABASE_URL"]))
    selling = desk.world.ids("select company_id from orders")
    tenant = sorted(selling & desk.world.ids("select company_id from tenant_databases where mode = 'shared'"))[0]
    key = pyrage.x25519.Identity.generate()
    asked = Asked("tenant_export", "whatsapp", ONE, tenant=tenant, recipient=str(key.to_public()))
    request = register(desk.house, desk.plan, asked, now=wall()).request
    identify(desk.house, request.id, "call_back", by=ONE, now=wall())
    approve(desk.house, desk.plan, request.id, None, by=OTHER, as_of=desk.as_of, now=wall())
    answer = desk.run(request)
    assert answer.request.status == "done"
    assert answer.done["rows"] > 100
    (delivery,) = desk.house.control.deliveries.open(wall())
    sealed = tmp_path / "archive.tar.age"
    sealed.write_bytes(desk.house.store("exports").get(delivery.key))
    found = verify(sealed, Opener(identities=(Secret(str(key).encode()),)), tmp_path / "work")
    assert (found.tables, found.rows) == (answer.done["tables"], answer.done["rows"])


def test_without_a_key_nothing_is_handed_over(desk: Desk) -> None:
    (email, *_) = desk.emails("newsletter_subscribers", "unsubscribed_at is null")
    answer = desk.all("access", email)
    assert (answer.request.status, answer.request.reason) == ("running", "recipient")
    key = pyrage.x25519.Identity.generate()
    again = desk.run(answer.request, to=Recipient(age=str(key.to_public())))
    assert again.request.status == "done"
