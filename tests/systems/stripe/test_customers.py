"""Forgetting a customer at Stripe over real HTTP: what is done, what is tried again, what is left to people."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.settings import Misconfigured, load_settings
from genuka_pipelines.systems.http.address import address
from genuka_pipelines.systems.http.connection import Connection
from genuka_pipelines.systems.posthog.errors import KeyUnusable
from genuka_pipelines.systems.posthog.recordings import Manners
from genuka_pipelines.systems.stripe.customers import Customers, open_customers
from genuka_pipelines.systems.stripe.errors import StripeForbids, StripeUnclear, StripeUnreachable
from tests.systems.posthog.stand_in import Fault
from tests.systems.stripe.stand_in import KEY, Stripe, stripe

ANN = "ann@example.org"


@pytest.fixture
def there() -> Iterator[Stripe]:
    with stripe() as running:
        running.customers |= {"cus_ann": ANN, "cus_Bob": "bob@example.org"}
        yield running


def customers(there: Stripe, **manners: float) -> Customers:
    """As `open_customers` makes them, without waiting."""
    chosen = Manners(**{"first_wait": 0.0, **manners})  # type: ignore[arg-type]
    return Customers(Connection(address(there.url), lambda: KEY, threads=1), chosen, sleep=lambda _: None)


def test_a_customer_is_found_by_address_and_deleted(there: Stripe, tmp_path: Path) -> None:
    heard = open_customers(there.url, there.key_file(tmp_path)).forget({"emails": [ANN]})
    assert heard.done
    assert heard.reference == f"req_{len(there.asked)}"
    assert there.customers == {"cus_Bob": "bob@example.org"}
    again = customers(there).forget({"emails": [ANN]})
    assert (again.done, again.reference) == (True, None)


def test_nothing_is_sent_but_the_id_or_the_address(there: Stripe) -> None:
    customers(there).forget({"emails": [ANN], "ids": ["cus_ann"]})
    customers(there).forget({"emails": [ANN]})
    by_id = [asked for _, _, asked in there.asked[:2]]
    assert by_id == [{"customer": ["cus_ann"], "limit": ["1"]}, {}]
    said = {name: value for _, _, asked in there.asked[2:] for name, value in asked.items()}
    assert said == {"email": [ANN], "query": [f'email:"{ANN}"'], "limit": ["100"]}


def test_other_spellings_are_found_and_no_others_are_touched(there: Stripe) -> None:
    there.customers |= {
        "cus_Ann2": "Ann@Example.org",
        "cus_plus": "ann+shop@example.org",
        "cus_q": 'a"n\\n@example.org',
    }
    assert customers(there).forget({"emails": [ANN]}).done
    assert there.customers.keys() == {"cus_Bob", "cus_plus", "cus_q"}
    assert customers(there).forget({"emails": ['a"n\\n@example.org']}).done
    assert there.customers.keys() == {"cus_Bob", "cus_plus"}


def test_whoever_the_search_does_not_know_yet_is_in_the_list(there: Stripe) -> None:
    there.unsearchable.add("cus_ann")
    assert customers(there).forget({"emails": [ANN]}).done
    assert "cus_ann" not in there.customers


def test_a_list_of_several_pages(there: Stripe) -> None:
    there.page = 2
    there.customers |= {f"cus_{number}": ANN for number in range(7)}
    there.unsearchable |= there.customers.keys()
    assert customers(there).forget({"emails": [ANN]}).done
    assert there.customers.keys() == {"cus_Bob"}


def test_a_subscription_that_runs_is_never_ended(there: Stripe) -> None:
    there.customers["cus_zann"] = ANN
    there.subscriptions["sub_1"] = "cus_zann"
    assert not customers(there).forget({"emails": [ANN]}).done
    assert not customers(there).forget({"ids": ["cus_zann"]}).done
    assert (there.count("DELETE"), there.ended) == (0, [])


def test_who_is_not_there_is_forgotten(there: Stripe) -> None:
    assert customers(there).forget({"ids": ["cus_nobody"]}).done
    assert customers(there).forget({"emails": ["nobody@example.org"]}).done
    assert not customers(there).forget({"ids": ["pi_4711"]}).done
    assert not customers(there).forget({}).done


@pytest.mark.parametrize("fault", [Fault(429), Fault(409), Fault(500), Fault(503), Fault(drop="before")])
def test_what_may_do_better_later_is_tried_again(there: Stripe, fault: Fault) -> None:
    there.faults = [fault, fault]
    assert customers(there).forget({"emails": [ANN]}).done
    assert "cus_ann" not in there.customers


def test_a_deletion_whose_answer_was_lost_is_done(there: Stripe) -> None:
    there.faults = [Fault(), Fault(drop="after")]
    assert customers(there).forget({"ids": ["cus_ann"]}).done
    assert "cus_ann" not in there.customers


def test_what_lasts_is_raised_and_says_nothing_of_anybody(there: Stripe, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    lasting: list[tuple[Fault, type[GenukaError]]] = [
        (Fault(429), StripeUnreachable),
        (Fault(500), StripeUnreachable),
        (Fault(drop="before"), StripeUnreachable),
        (Fault(401), StripeForbids),
        (Fault(403), StripeForbids),
        (Fault(302, {"Location": "http://127.0.0.1:9/"}), StripeForbids),
        (Fault(404), StripeUnclear),
        (Fault(200, body=b"<html>"), StripeUnclear),
        (Fault(200, body=b"[]"), StripeUnclear),
        (Fault(200, body=b'{"data": "x"}'), StripeUnclear),
        (Fault(200, body=b'{"data": [], "has_more": true}'), StripeUnclear),
    ]
    for fault, error in lasting:
        there.lasting = fault
        with pytest.raises(error) as refusal:
            customers(there, tries=2).forget({"emails": [ANN]})
        assert "ann" not in str(refusal.value), fault
        assert KEY not in str(refusal.value)
    assert "example.org" not in caplog.text
    assert "cus_ann" in there.customers


def test_a_deletion_that_is_not_said_to_be_one_is_none(there: Stripe) -> None:
    there.faults = [Fault(200, body=b'{"data": []}'), Fault(200, body=b'{"id": "cus_ann"}')]
    with pytest.raises(StripeUnclear, match="did not say"):
        customers(there).forget({"ids": ["cus_ann"]})


def test_a_key_of_the_test_account_finds_nobody_and_is_refused(there: Stripe, tmp_path: Path) -> None:
    for key, url in [("rk_test_1234567", "https://api.example.org"), ("pk_live_1234567", there.url)]:
        with pytest.raises(StripeForbids, match="no key of the live account"):
            open_customers(url, there.key_file(tmp_path, key)).forget({"emails": [ANN]})
    file = there.key_file(tmp_path)
    file.chmod(0o644)
    with pytest.raises(KeyUnusable, match="Stripe's key file"):
        open_customers(there.url, file).forget({"emails": [ANN]})
    with pytest.raises(StripeForbids, match="not encrypted"):
        open_customers("http://api.example.org", file)


def test_the_settings_lead_there_or_say_what_is_missing(there: Stripe, tmp_path: Path) -> None:
    found = load_settings({"GENUKA_HOME": str(tmp_path), **there.environment(tmp_path)}).recipients["stripe"]
    assert found.url == there.url
    alone = load_settings({"GENUKA_HOME": str(tmp_path), "GENUKA_STRIPE_KEY_FILE": str(there.key_file(tmp_path))})
    assert alone.recipients["stripe"].url == "https://api.stripe.com"
    for variables, says in [
        ({"GENUKA_STRIPE_URL": there.url}, "GENUKA_STRIPE_KEY_FILE is not set"),
        ({"GENUKA_STRIPE_URL": "http://api.example.org", "GENUKA_STRIPE_KEY_FILE": str(tmp_path / "stripe.key")},
         "GENUKA_STRIPE_URL is not encrypted"),
        ({"GENUKA_STRIPE_KEY_FILE": str(tmp_path / "none")}, "GENUKA_STRIPE_KEY_FILE names"),
    ]:  # fmt: skip
        with pytest.raises(Misconfigured, match=says):
            load_settings({"GENUKA_HOME": str(tmp_path), **variables})
