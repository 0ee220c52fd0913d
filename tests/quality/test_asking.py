"""A question is asked at a given moment, looks at each database once, and what it cannot see is a no."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.processor import Processor
from genuka_pipelines.catalog.question import Question
from genuka_pipelines.control import Control, open_control
from genuka_pipelines.keys import Keyring, open_keyring
from genuka_pipelines.quality.asked import Asked
from genuka_pipelines.quality.asking import ask
from genuka_pipelines.quality.hunting import KEPT, hunt
from genuka_pipelines.quality.questions import offer_stage
from genuka_pipelines.quality.undeclared import undeclared_everywhere
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.systems.database import Database
from tests.rows.shop import AS_OF, CONTENT, CONTENT_TABLES, OVER, SHOP, TENANTS, category, plain, stock
from tests.servers import fresh_control
from tests.systems.opened import fill, opened

CARD = "4111 1111 1111 1111"
OWNERS = ("own1", "own2", "own3")
WORDS = {"fr": "Question", "en": "Question"}
APPLICATIONS = {
    "columns": {
        "id": "system",
        "offered_at": "system",
        "left_at": "system",
        "bank_account": {"holds": "system", "stage": "from_offer"},
    },
    "retention": [{"keep": "P1M", "since": "left_at", "clause": "SH-01"}],
}
HIRED = sa.Table(
    "applications",
    sa.MetaData(),
    sa.Column("id", sa.Integer),
    sa.Column("offered_at", sa.DateTime),
    sa.Column("left_at", sa.DateTime),
    sa.Column("bank_account", sa.String(40)),
)
LOOKS_EVERYWHERE = ("as_declared", "well_formed", "tenants_apart", "card_data", "special_categories")


def _question(asks: str, **changes: Any) -> Question:
    return Question.model_validate({"title": WORDS, "asks": asks, "processor_data": "opted_in", **changes})


def _facts() -> Catalog:
    orders = {**CONTENT["orders"], "expectations": [{"expect_column_values_to_not_be_null": {"column": "id"}}]}
    content = category({**CONTENT, "orders": orders}, role="processor", opt_in="analytics", retention=[OVER])
    system = {"kind": "database", "title": WORDS, "place": {"country": "FR"}, "setting": "genuka", "tenants": TENANTS}
    provider = {"title": WORDS, "legal_name": "Us", "role": "own", "purposes": ["improve"]}
    jobs = category({"applications": APPLICATIONS})
    return replace(
        SHOP,
        processors={"us": Processor.model_validate({**provider, "systems": {"shop_database": system}})},
        categories={**SHOP.categories, "shop/content": content, "shop/jobs": jobs},
        questions={
            **{asks: _question(asks) for asks in LOOKS_EVERYWHERE},
            "addresses_needed": _question("addresses_needed", needs=[{"table": "orders", "column": "status"}]),
            "offer_stage": _question("offer_stage", event="offered_at"),
        },
    )


@dataclass(frozen=True)
class House:
    """The shop, with three tenants that have databases of their own and have agreed to be read."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    shop: Databases

    def databases(self, system: str) -> Databases:
        assert system == "shop_database"
        return self.shop

    def host(self, _system: str) -> str | None:
        return None

    def objects(self, _system: str, _prefix: str) -> int | None:
        return 0

    def asked(self, name: str, key: str = "shop/content", now: datetime = AS_OF) -> Asked:
        return Asked(self, name, key, AS_OF, now)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    keys: Path = tmp_path_factory.mktemp("home") / "keys"
    with (
        opened("postgresql") as shared,
        opened("postgresql") as own,
        fresh_control() as control_url,
        open_control(control_url.render_as_string(hide_password=False)) as control,
    ):
        stock(
            shared,
            {
                "companies": [{"id": owner} for owner in (*OWNERS, "a")],
                "tenant_databases": [
                    {"company_id": owner, "mode": "dedicated", "dsn_secret_ref": owner} for owner in OWNERS
                ],
                "company_consents": [
                    {"id": nr, "company_id": owner, "purpose": "analytics", "granted_at": plain(2025)}
                    for nr, owner in enumerate((*OWNERS, "a"))
                ],
                "orders": [{"id": "o1", "company_id": "a", "status": CARD}],
            },
        )
        stock(own, {"orders": [{"id": "p1", "company_id": "own1", "status": CARD}]}, only=CONTENT_TABLES)
        fill(
            shared,
            HIRED,
            [{"id": 1, "bank_account": "CM21"}, {"id": 2, "bank_account": "x", "offered_at": plain(2026)}],
        )
        databases = Databases(shared, tenants=TENANTS, url_of=lambda _: own.url)
        yield House(_facts(), control, open_keyring(keys, create=True), databases)
        for dedicated in databases._opened.values():
            dedicated.close()


@pytest.fixture
def inventories(house: House) -> Iterator[list[str]]:
    """Every query for a database's tables, and for the register of tenants, as it is made."""
    made: list[str] = []
    inventory = house.shop.shared.dialect.inventory

    def executed(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement == inventory:
            made.append("inventory")
        elif "FROM tenant_databases" in statement and "dsn_secret_ref" in statement:
            made.append("register")

    sa.event.listen(sa.Engine, "before_cursor_execute", executed)
    yield made
    sa.event.remove(sa.Engine, "before_cursor_execute", executed)


@pytest.mark.parametrize("name", LOOKS_EVERYWHERE)
def test_a_question_looks_at_each_database_once(house: House, inventories: list[str], name: str) -> None:
    ask(house, name, "shop/content", as_of=AS_OF, now=datetime.now(UTC))
    assert inventories.count("inventory") == 1 + len(OWNERS), "however many tables it reads"
    assert inventories.count("register") == 1


def test_what_asks_the_shared_database_alone_opens_no_other(house: House, inventories: list[str]) -> None:
    answer = ask(house, "addresses_needed", "shop/content", as_of=AS_OF, now=datetime.now(UTC))
    assert answer.counts == {"orders.status": 1}
    assert inventories == ["inventory"]


def test_a_question_that_may_read_nothing_looks_at_nothing(house: House, inventories: list[str]) -> None:
    never = _question("card_data", processor_data="never")
    deaf = replace(house, catalog=replace(house.catalog, questions={"card_data": never}))
    assert hunt(deaf.asked("card_data"), "cards").passed
    assert inventories == []


def test_all_systems_are_compared_in_one_look(house: House, inventories: list[str]) -> None:
    assert list(undeclared_everywhere(house, AS_OF)) == []
    assert inventories.count("inventory") == 1 + len(OWNERS)


def test_a_finding_waits_from_the_moment_of_asking(house: House) -> None:
    now = datetime(2031, 1, 1, tzinfo=UTC)
    answer = hunt(house.asked("card_data", now=now), "cards")
    assert answer.counts == {"orders.status": 1 + len(OWNERS)}
    reviews = house.control.reviews
    assert {review.expires_at for review in reviews.pending(now) if review.found_at == now} == {now + KEPT}
    later = now + KEPT + timedelta(seconds=1)
    hunt(house.asked("special_categories", now=later), "special_categories")
    assert reviews.pending(now) == (), "another hunt forgets what has expired by its own moment"


def test_a_database_that_cannot_be_opened_is_a_no(house: House) -> None:
    nowhere = Databases(house.shop.shared, tenants=TENANTS, url_of=lambda _: _no_such(house.shop.shared))
    lost = replace(house, shop=nowhere)
    now = datetime.now(UTC)
    for name in ("card_data", "well_formed", "tenants_apart"):
        answer = ask(lost, name, "shop/content", as_of=AS_OF, now=now)
        assert not answer.passed, name
        assert answer.counts["orders"] is None, name
    hunted = ask(lost, "card_data", "shop/content", as_of=AS_OF, now=now)
    assert hunted.counts["orders.status"] == 1, "what could be read is counted all the same"
    assert not ask(lost, "as_declared", "shop/content", as_of=AS_OF, now=now).passed


def test_a_register_that_cannot_be_read_makes_every_table_unknown(house: House) -> None:
    adrift = Databases(Database(_no_such(house.shop.shared), name="shop_database"), tenants=TENANTS)
    answer = hunt(replace(house, shop=adrift).asked("card_data"), "cards")
    assert answer.counts == dict.fromkeys(CONTENT_TABLES)
    assert not answer.passed


def _no_such(database: Database) -> sa.URL:
    return database.url.set(database=f"no_{uuid.uuid4().hex}")


def test_a_field_of_the_offer_is_counted_before_the_offer(house: House) -> None:
    assert offer_stage.ask(house.asked("offer_stage", "shop/jobs")).counts == {"applications.bank_account": 1}
    vague = replace(house, catalog=replace(house.catalog, questions={"offer_stage": _question("offer_stage")}))
    assert not offer_stage.ask(vague.asked("offer_stage", "shop/jobs")).passed, "without an event nothing is known"


def test_an_answer_is_in_the_ledger_and_holds_no_value(house: House) -> None:
    answer = ask(house, "card_data", "shop/content", as_of=AS_OF, now=datetime.now(UTC))
    entry = house.control.ledger.latest_checks()["shop/content", "card_data"]
    written = entry.body
    assert (written.passed, dict(written.counts), entry.as_of) == (False, dict(answer.counts), AS_OF)
    assert CARD not in repr(list(house.control.ledger.entries()))
