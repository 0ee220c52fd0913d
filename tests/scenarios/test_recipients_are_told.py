"""Somebody is forgotten, and so by everybody else who had the data: told as stories, in the terminal and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.requests.desk import Desk
from tests.scenarios.sweeping_world import AS_OF, World, copied, shared_seeding
from tests.systems.stripe.stand_in import Stripe, stripe

PAYER = "zoe.pays@example.org"
PHONE = "+237699112233"
BY = ("--by", "staff-1")
MOMENT = ("--as-of", AS_OF.isoformat())


@pytest.fixture(params=["postgresql", "mariadb"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with copied(shared_seeding(request.param)) as made:
        yield made


@pytest.fixture
def there() -> Iterator[Stripe]:
    with stripe() as running:
        yield running


def _payer(world: World, processor: str) -> None:
    (invoice, *_) = sorted(world.ids("select id from platform_invoices"))
    (user, *_) = sorted(world.ids("select id from users where deleted_at is null"))
    world.run(
        f"update users set email = '{PAYER}', phone = '{PHONE}' where id = '{user}'",
        f"update platform_invoices set billing_email = '{PAYER}', processor = '{processor}', "
        f"processor_reference = 'pi_0007' where id = '{invoice}'",
    )


def test_an_account_holder_who_paid_by_stripe_leaves(world: World, there: Stripe, tmp_path: Path) -> None:
    """Stripe is asked by its interface, WhatsApp by somebody; then the request ends by itself."""
    _payer(world, "stripe")
    there.customers |= {"cus_zoe": PAYER.title(), "cus_other": "other@example.org"}
    house = World({**world.env, **there.environment(tmp_path)}, world.folder).house
    name = house.here("request", "open", "--kind", "erasure", "--subject", PAYER, *BY, "--json").json["request"]
    assert house.here("request", "identify", name, "--how", "document", *BY).code == 0
    digest = house.here("request", "preview", name, *MOMENT, "--json").json["digest"]
    assert house.here("request", "approve", name, "--preview", digest, *MOMENT, *BY).code == 0
    assert not there.asked
    ran = house.here("request", "run", name, *MOMENT, "--json").json
    assert (ran["status"], ran["reason"]) == ("running", "recipients")
    assert ran["done"]["recipients"] == {"stripe": "told", "whatsapp": "open"}
    assert there.customers == {"cus_other": "other@example.org"}
    assert not world.ids(f"select id from users where email = '{PAYER}'")
    shown = house.here("request", "show", name)
    assert (shown.code, PAYER in shown.out, PHONE in shown.out) == (0, False, False)
    assert "whatsapp" in shown.out
    todo = house.here("request", "tell", name, "whatsapp", "--json").json
    assert (todo["about"], todo["kind"]) == ({"phones": [PHONE]}, "erasure")
    assert "WhatsApp Business" in todo["steps"]["en"]
    assert "supprimer la discussion" in house.here("request", "tell", name, "whatsapp", GENUKA_LANGUAGE="fr").out
    for wrong, says in [
        (("paypal",), "has no such recipient"),
        (("whatsapp", "--impossible", "because"), "--impossible is one of"),
        (("whatsapp", "--reference", "Ann <a@b.org>"), "a recipient's answer cannot hold"),
        (("stripe",), "stripe is told for request"),
    ]:
        said = house.here("request", "told", name, *wrong, *BY)
        assert (said.code, said.out) == (2, ""), said
        assert says in said.err
    last = house.here("request", "told", name, "whatsapp", "--reference", "chat-7", *BY, "--json").json
    assert last["status"] == "done"
    assert {one["recipient"]: (one["state"], one["by"]) for one in last["recipients"]} == {
        "stripe": ("told", "adapter:stripe"),
        "whatsapp": ("told", "staff-1"),
    }
    done = house.here("request", "show", name, "--json").json
    assert done["done"]["recipients"] == {"stripe": "told", "whatsapp": "told"}
    assert house.here("request", "tell", name, "whatsapp", "--json").json["about"] == {}


def test_a_candidate_asks_not_to_be_kept_while_the_application_is_open(world: World) -> None:
    """Not an erasure: the application is decided first; then the rule that was there before takes it."""
    desk = Desk(world)
    email = desk.emails("job_applications", "decided_at is null and hired_at is null and keep_opt_out_at is null")[0]
    mine = f"select id from job_applications where email = '{email}'"
    (application,) = world.ids(mine)
    hired = sorted(world.ids("select id from job_applications where hired_at is not null"))[0]
    world.run(f"update job_applications set email = 'hired@example.org', phone = null where id = '{hired}'")
    first, second = desk.all("not_kept", email), desk.all("not_kept", "hired@example.org")
    assert (first.request.status, first.done["dated"]) == ("done", 1)
    assert second.request.status == "done"
    assert world.ids(mine) == {application}
    world.sweep(AS_OF, "genuka/job_applications")
    assert world.ids(mine) == {application}
    (dated,) = world.ids(f"select keep_opt_out_at from job_applications where id = '{application}'")
    assert desk.all("not_kept", email).done["dated"] == 0
    assert world.ids(f"select keep_opt_out_at from job_applications where id = '{application}'") == {dated}
    decided = (AS_OF + timedelta(days=1)).strftime("%Y-%m-%d %H:%M:%S")
    world.run(
        f"update job_applications set status = 'rejected', decided_at = '{decided}' where id = '{application}'",
        f"update job_applications set decided_at = '{decided}' where id = '{hired}'",
    )
    world.sweep(AS_OF, "genuka/job_applications")
    assert world.ids(mine) == {application}
    # The next sweep after the decision takes the application, and nobody's who was hired.
    world.sweep(AS_OF + timedelta(days=2), "genuka/job_applications")
    assert not world.ids(mine)
    assert world.ids(f"select id from job_applications where id = '{hired}'") == {hired}
