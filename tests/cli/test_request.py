"""`genuka request`: from the message to the answer in the terminal, each refusal one sentence that repeats nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from tests.cli.house import House
from tests.scenarios.sweeping_world import AS_OF, World, copied, shared_seeding

BY = ("--by", "staff-1")
NOBODY = "nobody.at.all@example.org"
MOMENT = ("--as-of", AS_OF.isoformat())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with copied(shared_seeding("postgresql")) as made:
        yield made


@pytest.fixture
def house(world: World) -> House:
    return House(world.env)


def _opened(house: House, *arguments: str) -> str:
    said = house.genuka("request", "open", *arguments, *BY, "--json")
    assert said.code == 0, said
    name: str = said.json["request"]
    return name


def _approved(house: House, name: str) -> None:
    assert house.genuka("request", "identify", name, "--how", "document", *BY).code == 0
    found = house.genuka("request", "preview", name, *MOMENT, "--json").json
    said = house.genuka("request", "approve", name, "--preview", found["digest"], *MOMENT, *BY, "--json")
    assert said.json["status"] == "approved", said


def test_an_erasure_from_the_message_to_the_answer(house: House, world: World) -> None:
    (email, *_) = sorted(world.ids("select email from contact_requests where email is not null"))
    name = _opened(house, "--kind", "erasure", "--subject", email, "--channel", "whatsapp", "--arrived", "2026-11-20")
    again = house.genuka("request", "open", "--kind", "erasure", "--subject", email, *BY, "--json").json
    assert (again["request"], again["repeated"]) == (name, True)
    _approved(house, name)
    listed = house.genuka("request", "list", "--json").json["requests"]
    assert [(one["request"], one["due"]) for one in listed] == [(name, "2026-12-20")]
    done = house.genuka("request", "run", name, *MOMENT, "--json").json
    # Whoever carries messages may know the number: somebody sees to it, then it is done.
    assert (done["status"], done["reason"], done["done"]["survivors"]) == ("running", "recipients", 0)
    assert house.genuka("request", "told", name, "whatsapp", *BY, "--json").json["status"] == "done"
    assert done["done"]["last_copies"].keys() == {"FR", "US"}
    assert not world.ids(f"select id from contact_requests where email = '{email}'")
    shown = house.genuka("request", "show", name)
    assert (shown.code, email in shown.out + shown.err) == (0, False)
    house.refused("request", "run", name, says="is done and cannot become running")


def test_access_is_sealed_fetched_and_opened(house: House, world: World, tmp_path: Path) -> None:
    (email, *_) = sorted(world.ids("select email from newsletter_subscribers"))
    key = pyrage.x25519.Identity.generate()
    name = _opened(house, "--kind", "access", "--subject", email, "--recipient", str(key.to_public()))
    _approved(house, name)
    assert house.genuka("request", "run", name, *MOMENT, "--json").json["status"] == "done"
    target = tmp_path / "package.zip.age"
    assert house.genuka("request", "fetch", name, "--to", str(target), *BY).code == 0
    assert pyrage.decrypt(target.read_bytes(), [key]).startswith(b"PK")


def test_people_read_tables(house: House) -> None:
    name = _opened(house, "--kind", "restriction", "--subject", NOBODY)
    assert house.genuka("request", "identify", name, "--how", "call_back", *BY).code == 0
    for arguments in (("list", "--all"), ("show", name), ("preview", name, *MOMENT)):
        assert house.genuka("request", *arguments).code == 0
    extended = house.genuka("request", "extend", name, "--why", "complex", *BY, "--json").json
    assert extended["extended"] is True
    assert house.genuka("request", "refuse", name, "--why", "withdrawn", *BY, "--json").json["status"] == "refused"
    assert house.genuka("request", "intake", "--json").json == {"taken": 0, "wrong": 0}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("open", "--kind", "forget", "--subject", NOBODY, *BY), "a request is one of"),
        (("open", "--kind", "erasure", "--subject", "Ann Lee", *BY), "a subject is an e-mail address"),
        (("open", "--kind", "erasure", "--subject", NOBODY, "--arrived", "soon", *BY), "--arrived is not a day"),
        (("open", "--kind", "erasure", "--subject", NOBODY, "--arrived", "2031-01-01", *BY), "still to come"),
        (("open", "--kind", "rectification", "--subject", NOBODY, "--set", "users", *BY), "TABLE.COLUMN=VALUE"),
        (("open", "--kind", "tenant_end", "--tenant", "01nobody", *BY), "no tenant has this id"),
        (("open", "--kind", "access", "--subject", NOBODY, "--recipient", "age1x", *BY), "age public key"),
        (("show", "bcdfghjkmnpq"), "no request has this id"),
        (("identify", "bcdfghjkmnpq", "--how", "guess", *BY), "--how is one of"),
        (("refuse", "bcdfghjkmnpq", "--why", "because", *BY), "--why is one of"),
        (("include", "bcdfghjkmnpq", "king:7"), "KIND is one of"),
    ],
)
def test_what_is_wrong_is_one_sentence_that_repeats_nobody(house: House, arguments: tuple[str, ...], says: str) -> None:
    said = house.genuka("request", *arguments)
    assert (said.code, said.out) == (2, ""), said
    assert says in said.err
    assert said.err.count("\n") == 1
    assert "nobody.at.all" not in said.err
    assert "Ann" not in said.err
