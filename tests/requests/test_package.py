"""Somebody asks for their data: they get all of it, nobody else's, and what the law has told beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from genuka_pipelines.requests.package.choosing import PackageKind, portable
from genuka_pipelines.requests.package.making import Limits
from genuka_pipelines.requests.preview import planned
from genuka_pipelines.requests.selecting import routed
from tests.requests.desk import Desk
from tests.requests.packages import found, given, keyed, known, package, streamed
from tests.scenarios.sweeping_world import AS_OF, copied, shared_seeding, wall

HOSTILE = """<script>alert('é')</script>" onload=x \u202egnp.exe 👩\u200d👧 & مرحبا"""
KINDS: tuple[PackageKind, ...] = ("access", "portability")
_HOMES = ("users", "job_applications", "employees", "contact_requests", "event_registrations", "customers", "suppliers")


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    """One house for all of these: packages change nothing."""
    with copied(shared_seeding(request.param)) as world:
        yield Desk(world)


@pytest.fixture(scope="module")
def alone() -> Iterator[Desk]:
    """One more, on PostgreSQL, in which rows are changed."""
    with copied(shared_seeding("postgresql")) as world:
        yield Desk(world)


def watched(desk: Desk) -> str:
    """An account with recordings, and a place in a shop of its company."""
    query = (
        "select u.email from users u join session_recordings s on s.user_id = u.id "
        "join shop_user w on w.user_id = u.id where u.deleted_at is null"
    )
    return min(desk.world.ids(query))


def applicant(desk: Desk) -> str:
    return min(desk.world.ids("select email from job_applications where cv_key is not null and hired_at is null"))


def test_an_applicant_gets_the_application_the_cv_and_what_the_law_has_told(desk: Desk) -> None:
    who = applicant(desk)
    opened = given(desk.house, who)
    applied = opened.tables["job_applications"]
    assert who in {row["email"] for row in applied["rows"]}
    assert {row["id"] for row in applied["rows"]} == known(desk.house, who).keys["applicant"]
    told = opened.categories["genuka/job_applications"]
    assert {"fr": "Recruter", "en": "Recruit"} in told["purposes"]
    assert told["legal_basis"] == ["contract", "legitimate_interest", "legal_obligation"]
    assert told["source"] == "given"
    assert {place["country"] for place in told["held_in"]} == {"FR"}
    assert {place["country"] for place in told["copies_in"]} == {"FR", "US"}
    names = {one["name"] for one in told["recipients"]}
    assert "OVHCloud SAS" in names
    assert "Stripe" not in names  # it gets names of others, for another purpose
    assert any("3 years" in one["en"] and "3 ans" in one["fr"] for one in applied["how_long"])
    (cv, *_) = [one for one in opened.data["files"] if one["status"] == "given"]
    assert opened.files[cv["path"]] == desk.house.store("media_store").get(cv["name"])
    for said in (cv["path"], "CNIL", "article 22", "Recruter", "Recruit", "Données relatives aux candidatures"):
        assert said in opened.page


def test_an_account_is_given_without_what_opens_it_and_with_who_answers_for_the_rest(desk: Desk) -> None:
    who = watched(desk)
    person, opened = known(desk.house, who), given(desk.house, who)
    assert {"users", "session_recordings"} <= set(opened.tables)
    assert set(opened.tables["users"]["secret"]) == {"pin", "password", "remember_token"}
    key = min(person.keys["user"])
    doors = desk.world.ids(
        f"select password from users where id = '{key}' union select id from sessions where user_id = '{key}' "
        f"union select id from oauth_access_tokens where user_id = '{key}'"
    )
    assert doors
    assert not [door for door in doors if door in opened.everything]
    elsewhere = {one["name"] for one in opened.data["files"] if one["status"] == "elsewhere"}
    assert elsewhere == desk.world.ids(f"select id from session_recordings where user_id = '{key}'")
    assert {desk.house.catalog.categories[key].role for key in opened.categories} == {"controller"}
    theirs = {one["tenant"]: one["rows"] for one in opened.data["tenants"]}
    assert theirs
    assert theirs == dict(routed(desk.house, person, as_of=AS_OF))
    assert all(one["name"] for one in opened.data["tenants"])


def test_nobody_elses_address_number_or_key_is_in_a_package(desk: Desk) -> None:
    of_all = desk.world.ids("select id from accounts union select email from accounts", "genletter")
    for table in ("companies", *_HOMES):
        columns = ("id",) if table == "companies" else ("id", "email", "phone")
        of_all |= desk.world.ids(" union ".join(f"select {column} from {table}" for column in columns))
    of_all = {one for one in of_all if len(one) > 7}
    assert len(of_all) > 300
    for who in (watched(desk), applicant(desk), desk.emails("event_registrations")[3]):
        person, opened = known(desk.house, who), given(desk.house, who)
        rows = [row for table in opened.tables.values() for row in table["rows"]]
        assert {row["email"] for row in rows if "email" in row} == {who}
        own = {who, *(key for keys in person.keys.values() for key in keys)}
        own |= {str(row[name]) for row in rows for name in ("phone", "company_id") if row.get(name)}
        own |= {one["tenant"] for one in opened.data["tenants"]}
        assert not [one for one in of_all - own if one in opened.everything]


def test_everything_that_an_erasure_would_touch_is_given(alone: Desk) -> None:
    person = keyed("genletter_user", min(alone.world.ids("select account_id from chat_conversations", "genletter")))
    lines = planned(alone.house, person, as_of=AS_OF, now=wall())
    roles = {key: one.role for key, one in alone.house.catalog.categories.items()}
    touched = {line.table: line.due for line in lines if roles[line.category] == "controller"}
    opened = package(alone.house, person)
    assert {"accounts", "user_profiles", "chat_conversations", "chat_messages"} <= set(touched)
    assert {name: table["count"] for name, table in opened.tables.items()} == touched
    assert all(len(table["rows"]) == table["count"] for table in opened.tables.values())


def test_to_take_along_is_what_was_given_with_consent_or_by_contract(alone: Desk) -> None:
    person = keyed("user", min(alone.world.ids("select user_id from session_recordings where user_id is not null")))
    all_of_it, taken = (package(alone.house, person, kind=kind) for kind in KINDS)
    catalog = alone.house.catalog
    assert set(taken.categories) == {key for key in all_of_it.categories if portable(catalog.categories[key])}
    assert "genuka/account_contact" in taken.categories
    assert "genuka/session_recordings" not in taken.categories
    assert taken.data["kind"] == "portability"


def test_the_same_rows_give_the_same_bytes(alone: Desk) -> None:
    person = keyed("applicant", min(alone.world.ids("select id from job_applications where cv_key is not null")))
    first, second = (package(alone.house, person) for _ in range(2))
    assert first.raw == second.raw
    assert (
        list(first.files) == sorted(first.files) == ["data.json", "data.schema.json", "files/000001.pdf", "index.html"]
    )


def test_a_value_is_only_ever_text_on_the_page(alone: Desk) -> None:
    key, said = max(alone.world.ids("select id from contact_requests")), HOSTILE.replace("'", "''")
    alone.world.run(f"update contact_requests set name = '{said}', message = '{said}' where id = '{key}'")
    opened = package(alone.house, keyed("prospect", key))
    assert opened.tables["contact_requests"]["rows"][0]["name"] == HOSTILE
    assert "<script" not in opened.page
    assert "onload=x" in opened.page  # as text
    assert not re.search(r"<[^>]*onload", opened.page)
    assert "👩\u200d👧" in opened.page


def test_a_key_of_somebody_else_in_ones_own_row_is_taken_out_and_said(alone: Desk) -> None:
    key, other = (
        min(alone.world.ids("select id from employees")),
        max(alone.world.ids("select id from job_applications")),
    )
    alone.world.run(f"update employees set job_application_id = '{other}' where id = '{key}'")
    opened = package(alone.house, keyed("hired", key))
    assert opened.tables["employees"]["of_another"] == {"job_application_id": 1}
    assert opened.tables["employees"]["rows"][0]["job_application_id"] is None
    assert other not in opened.everything
    assert "article 15(4)" in opened.page


def test_a_mention_is_counted_and_the_text_of_others_stays_theirs(alone: Desk) -> None:
    key, who = min(alone.world.ids("select id from contact_requests")), "nobody@nowhere.example"
    alone.world.run(f"update contact_requests set message = 'ask {who.title()} about my plan' where id = '{key}'")
    opened = package(alone.house, found(alone.house, who), who)
    assert opened.data["categories"] == []
    (mention,) = opened.data["mentions"]
    assert (mention["table"], mention["column"], mention["rows"]) == ("contact_requests", "message", 1)
    assert "my plan" not in opened.everything
    assert "Aucune donnée" in opened.page
    assert [one["category"] for one in opened.data["besides"]] == [
        "own/ledger_and_holds",
        "own/request_register",
        "own/requests",
    ]


def test_a_file_that_is_too_large_or_missing_is_said(alone: Desk) -> None:
    key = max(alone.world.ids("select id from job_applications where cv_key is not null"))
    person = keyed("applicant", key)
    small = package(alone.house, person, limits=Limits(file=10))
    assert {one["status"] for one in small.data["files"]} == {"too_large"}
    assert not [name for name in small.files if name.startswith("files/")]
    alone.world.run(f"update job_applications set cv_key = 'applications/../none' where id = '{key}'")
    assert {one["status"] for one in package(alone.house, person).data["files"]} == {"missing"}


def test_a_hundred_thousand_rows_are_read_in_flat_memory(alone: Desk) -> None:
    key = min(alone.world.ids("select user_id from session_recordings where user_id is not null"))
    alone.world.run(
        "insert into sessions (id, user_id, ip_address, user_agent, payload, last_activity, created_at) "
        f"select 'many-' || n, '{key}', '192.0.2.1', 'agent', 'payload', 1795000000, now() "
        "from generate_series(1, 100000) n"
    )
    held: list[int] = []
    for number, _ in enumerate(streamed(alone.house, keyed("user", key))):
        if number % 10_000 == 0:
            held.append(_resident())
    assert len(held) > 10
    assert max(held[1:]) - held[0] < 32 << 20


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * 4096
