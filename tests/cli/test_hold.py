"""`genuka hold`: placed, listed, renewed and released, each refusal one sentence that repeats nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.control import RowScope, SubjectScope
from genuka_pipelines.settings import load_settings
from tests.cli.house import House, new_house

WHY = ("--reason", "legal_claim", "--reference", "case-7", "--by", "s1")
SECRET = "ada@example.org"


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with new_house(tmp_path_factory.mktemp("house"), request.param) as made:
        yield made


def add(house: House, *arguments: str) -> str:
    said = house.genuka("hold", "add", *WHY, *arguments, "--json")
    assert (said.code, list(said.json)) == (0, ["hold"]), said
    hold: str = said.json["hold"]
    return hold


def listed(house: House, *arguments: str) -> dict[str, dict[str, str]]:
    found = house.genuka("hold", "list", *arguments, "--json").json["holds"]
    return {hold["hold"]: hold for hold in found}


@pytest.mark.parametrize(
    ("scope", "shown"),
    [
        (("--row", f"sessions:{SECRET}"), "row sessions"),
        (("--row", "customer_shop:01a,01b"), "row customer_shop"),
        (("--subject", f"user:{SECRET}", "--subject", "user:u2"), "subject"),
        (("--tenant", "01htenant"), "tenant 01htenant"),
        (("--category", "genuka/browser_data"), "category genuka/browser_data"),
    ],
)
def test_each_kind_of_scope_is_placed_and_listed_without_its_keys(
    house: House, scope: tuple[str, ...], shown: str
) -> None:
    hold = add(house, *scope, "--kind", "dispute", "--until", "2099-01-01")
    found = listed(house)[hold]
    assert (found["scope"], found["state"], found["kind"], found["expires"][:10]) == (
        shown, "binds", "dispute", "2099-01-01")  # fmt: skip
    assert SECRET not in house.genuka("hold", "list").out
    assert "en vigueur" in house.genuka("hold", "list", GENUKA_LANGUAGE="fr").out


def test_what_was_typed_is_what_is_bound(house: House) -> None:
    row = add(house, "--row", "customer_shop:01a,01b", "--system", "genuka_database")
    comma = add(house, "--row", "sessions:a,b")
    person = add(house, "--subject", "user:u1", "--subject", "applicant:a1", "--subject", "user:u2")
    with house.opened() as runtime:
        scopes = {hold.id: hold.opened(runtime.keyring) for hold in runtime.control.holds.all()}
    assert scopes[row] == RowScope("customer_shop", ("01a", "01b"), "genuka_database")
    assert scopes[comma] == RowScope("sessions", ("a,b",), "")
    assert scopes[person] == SubjectScope({"user": ("u1", "u2"), "applicant": ("a1",)})


def test_released_and_renewed(house: House) -> None:
    hold = add(house, "--tenant", "t1")
    renewed = house.genuka("hold", "renew", hold, "--by", "s2", "--until", "2098-01-01", "--json")
    assert renewed.json["hold"] == hold
    assert listed(house)[hold]["expires"][:10] == "2098-01-01"
    released = house.genuka("hold", "release", hold, "--by", "s2", "--json")
    assert (released.code, released.json) == (0, {"hold": hold})
    assert hold not in listed(house)
    assert listed(house, "--all")[hold]["state"] == "released"
    house.refused("hold", "release", hold, "--by", "s2", says="it is released, or never was")


def test_an_expired_hold_asks_to_be_released_or_renewed(house: House) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()
    hold = add(house, "--tenant", "t2", "--until", soon)
    time.sleep(1.2)
    assert listed(house)[hold]["state"] == "expired"
    assert "expired: release or renew it" in house.genuka("hold", "list").out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "a hold binds one thing"),
        (("--tenant", "a", "--category", "genuka/browser_data"), "a hold binds one thing"),
        (("--row", SECRET), "the table of --row is not one that is known"),
        (("--row", f"session:{SECRET}"), "the table of --row is not one that is known"),
        (("--row", "sessions:"), "needs a key"),
        (("--row", f"customer_shop:{SECRET}"), "give customer_id,shop_id"),
        (("--row", "sessions:a", "--system", SECRET), "--system is not one"),
        (("--subject", SECRET), "--subject is not one"),
        (("--subject", "user:"), "needs a key"),
        (("--tenant", SECRET), "cannot hold what was given"),
        (("--category", SECRET), "--category is not one"),
        (("--tenant", "a", "--kind", SECRET), "one of hold, restriction, dispute, security"),
        (("--tenant", "a", "--until", "2020-01-01"), "must end after it begins"),
        (("--tenant", "a", "--until", "soon"), "is not a moment"),
        (("--tenant", "a", "--reference", SECRET), "cannot hold what was given for reference"),
        (("--tenant", "a", "--by", SECRET), "cannot hold what was given for author"),
        (("--tenant", "a", "--reason", SECRET), "--reason is not one"),
    ],
)
def test_bad_input_is_one_sentence_that_repeats_nobody(house: House, arguments: tuple[str, ...], says: str) -> None:
    given = ("hold", "add", *WHY, *arguments)
    house.refused(*given, says=says)
    assert SECRET not in house.genuka(*given).err


def test_the_kinds_of_subject_are_those_of_the_facts(house: House) -> None:
    catalog = load_catalog(load_settings(house.env).assets)
    for kind in catalog.vocabulary.subjects:
        add(house, "--subject", f"{kind}:k1")
