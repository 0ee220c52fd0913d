"""A person is found by key, by any spelling of an address, and through another key; what only looks alike is shown."""

from __future__ import annotations

import pytest

from genuka_pipelines.requests.addresses import sought
from genuka_pipelines.requests.errors import NotAnswerable
from genuka_pipelines.requests.finding import find
from genuka_pipelines.requests.person import Person, read_person, said_of
from tests.requests.desk import Desk

KINDS = {"user", "prospect", "applicant"}
PHONE = "+237699001122"


def _found(desk: Desk, *who: str) -> Person:
    return find(desk.house, sought(who, KINDS), as_of=desk.as_of)


def _set(desk: Desk, table: str, **values: str) -> str:
    """Give the first row of a table these values; its id."""
    (key, *_) = sorted(desk.world.ids(f"select id from {table}"))
    changes = ", ".join(f"{name} = '{value}'" for name, value in values.items())
    desk.world.run(f"update {table} set {changes} where id = '{key}'")
    return key


@pytest.mark.parametrize("stored", ["+237 6 99 00 11 22", "+237699001122", "(+237) 699-00-11-22"])
def test_a_number_is_found_however_it_is_written(each_desk: Desk, stored: str) -> None:
    key = _set(each_desk, "users", phone=stored)
    assert _found(each_desk, PHONE).keys["user"] == {key}


def test_a_number_without_its_country_is_only_shown(each_desk: Desk) -> None:
    key = _set(each_desk, "users", phone="699 00 11 22")
    found = _found(each_desk, PHONE)
    assert not found.keys
    assert {(one.kind, one.key, one.why) for one in found.near} >= {("user", key, "other_country")}


def test_a_number_beside_an_address_is_not_enough(desk: Desk) -> None:
    key = _set(desk, "users", phone=PHONE)
    found = _found(desk, PHONE, "somebody.else@example.org")
    assert not found.keys
    assert {(one.kind, one.key, one.why) for one in found.near} >= {("user", key, "phone_only")}


@pytest.mark.parametrize("asked", ["ann@exämple.org", "ANN@XN--EXMPLE-CUA.ORG", " Ann@Exämple.org "])
def test_an_address_is_found_in_any_spelling(each_desk: Desk, asked: str) -> None:
    key = _set(each_desk, "contact_requests", email=" Ann@exämple.org")
    assert _found(each_desk, asked).keys == {"prospect": {key}}


def test_letters_with_and_without_accents_are_two_people(each_desk: Desk) -> None:
    _set(each_desk, "contact_requests", email="rene@example.org")
    assert _found(each_desk, "rené@example.org").nobody


def test_an_applicant_who_was_hired_is_one_person(desk: Desk) -> None:
    (application, *_) = sorted(desk.world.ids("select job_application_id from employees"))
    desk.world.run(f"update job_applications set email = 'hired@example.org' where id = '{application}'")
    hired = desk.world.ids(f"select id from employees where job_application_id = '{application}'")
    found = _found(desk, "hired@example.org")
    assert found.keys == {"applicant": {application}, "hired": hired}


def test_an_address_of_an_order_whose_shopper_is_gone_is_found_by_value(desk: Desk) -> None:
    key = _set(desk, "addresses", email="lost@example.org")
    found = _found(desk, "lost@example.org")
    assert {(spot.table, keys) for spot, keys in found.rows.items()} == {("addresses", frozenset({(key,)}))}


def test_a_word_that_everybody_writes_is_no_person(desk: Desk) -> None:
    logs = desk.world.ids("select id from browser_logs")
    assert len(logs) > 1000, "the seeding is too small for this story"
    desk.world.run("update browser_logs set referrer_url = 'https://example.org/?to=info@example.org'")
    with pytest.raises(NotAnswerable, match="everybody's"):
        _found(desk, "info@example.org")


def test_who_was_found_is_read_back_from_the_register(desk: Desk) -> None:
    _set(desk, "addresses", email="lost@example.org")
    _set(desk, "companies", metadata='{"by": "lost@example.org"}')
    found = _found(desk, "lost@example.org")
    assert found.mentions
    assert read_person(said_of(found)) == found
    assert "lost" not in repr(found)
