"""Why is this row still there: asked of one row, answered as a sweep would treat it, in whichever database it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.catalog.period import Period
from genuka_pipelines.catalog.verdict import Below, Decision, Verdict
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.explaining import NoSuchRow, NotOneRow, VerdictDisagrees, explain, explained
from genuka_pipelines.rows.fate import erasable
from genuka_pipelines.rows.house import House
from genuka_pipelines.rows.selection import Due, Hold, OfTenant, Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.database import Database
from tests.conftest import ROUNDS
from tests.rows.shop import AS_OF, CONTENT, LAW, OURS, OVER, TENANTS, bound, catalog, category, moment, plain
from tests.rows.shop import TABLES as SHOP_TABLES
from tests.systems import opened
from tests.systems.opened import fill, run

LETTERS = sa.Table(
    "letters", sa.MetaData(), sa.Column("email", sa.String(60)), sa.Column("order_id", sa.String(26)),
    sa.Column("company_id", sa.CHAR(26)), sa.Column("text", sa.String(60)), sa.Column("seen", sa.BigInteger),
    moment("sent_at"), sa.Column("answered", sa.Boolean),
)  # fmt: skip
MEMBERS = sa.Table(
    "members",
    sa.MetaData(),
    sa.Column("company_id", sa.CHAR(26)),
    sa.Column("number", sa.Integer),
    moment("left_at"),
    sa.Column("country", sa.String(2)),
)
TABLES = {**SHOP_TABLES, "letters": LETTERS, "members": MEMBERS}
NO_TENANT = category(
    {
        "letters": {
            "key": ["email"],
            "columns": {
                "email": "user.contact.email", "order_id": "system", "company_id": "system", "text": "user.content",
                "sent_at": "system", "seen": "system", "answered": "system",
            },
            "ends_with": {"order_id": "anonymise", "company_id": "anonymise"},
            "retention": [
                {"name": "old", "keep": "P1Y", "since": "sent_at", "otherwise": "seen", "clause": "SH-04",
                 "sooner": {"answered": "answered"}},
            ],
        },
        "members": {
            "key": ["company_id", "number"],
            "columns": dict.fromkeys(["company_id", "number", "left_at", "country"], "system"),
            "kept_with": "companies",
            "retention": [
                {"keep": "P1M", "since": "left_at", "clause": "SH-05",
                 "law": {"since": "left_at", "minimum": {"FR": "P10Y", "CM": "P0D"}, "country": "country",
                         "basis": "Law 2"}},
            ],
        },
    }
)  # fmt: skip
FORMER = {**OURS["companies"]["retention"][0], "otherwise": "company_consents.withdrawn_at",
          "law": {**LAW, "country": "country", "meanwhile": "keep"}}  # fmt: skip
FACTS = catalog(
    ours=category({**OURS, "companies": {**OURS["companies"], "retention": [FORMER]}}),
    content=category(
        {**CONTENT, "media": {**CONTENT["media"], "ends_with": {"model_id": "delete"}}},
        role="processor", opt_in="analytics", retention=[OVER],
    ),
    letters=NO_TENANT,
)  # fmt: skip
SHARED: dict[str, list[dict[str, Any]]] = {
    "companies": [{"id": "a", "country": "FR"}, {"id": "b", "country": "xx"}, {"id": "own"}, {"id": "c"}],
    "tenant_databases": [
        {"company_id": "a", "mode": "shared", "subscription_ended_at": plain(2022), "last_used_at": plain(2022)},
        {"company_id": "b", "mode": "shared", "subscription_ended_at": plain(2020), "last_used_at": plain(2020)},
        {"company_id": "c", "mode": "shared", "subscription_ended_at": plain(2020), "last_used_at": plain(2020)},
        {"company_id": "own", "mode": "Dedicated", "dsn_secret_ref": "own",
         "subscription_ended_at": plain(2025), "last_used_at": plain(2026, 3)},
    ],
    "invoices": [
        {"id": 1, "company_id": "a", "issued_at": plain(2023, 3, 4)},
        {"id": 2, "company_id": "a", "issued_at": plain(2020)},
        {"id": 3, "company_id": "b", "issued_at": None},
    ],
    "orders": [
        {"id": "o1", "company_id": "a"}, {"id": "o2", "company_id": "b", "deleted_at": plain(2026, 5)},
        {"id": "o3", "company_id": "a", "deleted_at": plain(2026)}, {"id": "lost"},
    ],
    "order_lines": [{"id": 1, "order_id": "o1"}, {"id": 2, "order_id": "o2"}, {"id": 3, "order_id": "gone"}],
    "media": [{"id": 1, "model_type": "order", "model_id": "o3"}, {"id": 2, "model_type": "order", "model_id": "o2"}],
    "company_consents": [{"id": 1, "company_id": "a"}, {"id": 2, "company_id": "went"}],
    "letters": [
        {"email": "ada@example.org", "order_id": "o3", "text": "Ada", "sent_at": plain(2026)},
        {"email": "seen@example.org", "seen": 1_700_000_000}, {"email": "none@example.org"},
        {"email": "blank@example.org", "order_id": "o3"},
        {"email": "company@example.org", "company_id": "b", "text": "B"},
        {"email": "answered@example.org", "sent_at": plain(2026), "answered": True},
    ],
    "members": [
        {"company_id": one, "number": 7, "left_at": plain(2026, 1, 31, 12), "country": country}
        for one, country in (("a", "CM"), ("own", "cm"), ("c", "FR"))
    ],
}  # fmt: skip
OWN: dict[str, list[dict[str, Any]]] = {
    "orders": [{"id": "p1", "company_id": "own"}, {"id": "p2", "company_id": "own", "deleted_at": plain(2026)}],
    "order_lines": [{"id": 1, "order_id": "p1"}],
}


def filled(database: Database, rows: dict[str, list[dict[str, Any]]], only: tuple[str, ...] = tuple(TABLES)) -> None:
    for name in only:
        fill(database, TABLES[name], rows.get(name, []))


@pytest.fixture(scope="module")
def both(database: Database) -> Iterator[tuple[Databases, Database]]:
    kind: Any = {"postgresql": "postgresql", "mysql": "mariadb"}[database.dialect.name]
    with opened.opened(kind) as own:
        filled(database, SHARED)
        filled(own, OWN, ("orders", "order_lines", "media"))
        yield Databases(database, tenants=TENANTS, url_of={"own": own.url}.__getitem__), own


def house(databases: Databases) -> House:
    return cast("House", SimpleNamespace(catalog=FACTS, databases=lambda system: databases))


@pytest.fixture
def ask(both: tuple[Databases, Database]) -> Any:
    def asked(table: str, key: str, as_of: datetime = AS_OF, *holds: Hold) -> Verdict:
        (found,) = explain(house(both[0]), "shop_database", table, key, as_of, holds).found
        return found.verdict

    return asked


def test_it_says_when_and_by_which_clause(ask: Any) -> None:
    line = ask("order_lines", "2")
    assert (line.end, line.decided_by) == (
        datetime(2020, 5, 1, tzinfo=UTC), Decision("period", "subscription_over", "SH-02")
    )  # fmt: skip
    orphan = ask("order_lines", "3")
    assert [promise.rule for promise in orphan.promised if promise.undated] == ["subscription_over"]
    assert orphan.decided_by == Decision("gone", "owner_gone", "SH-02"), "it names an order that is no more"
    assert (orphan.end, orphan.erasable) == (AS_OF, True)
    assert ask("orders", "lost").decided_by == Decision("undated", "deleted", "SH-02")
    assert {promise.rule for promise in ask("orders", "lost").promised if promise.undated} == {
        "deleted", "subscription_over"
    }  # fmt: skip
    member = ask("members", "own,7", datetime(2026, 2, 15, tzinfo=UTC))
    assert member.end == datetime(2026, 3, 1, tzinfo=UTC), "the last day of February, to its end"
    assert ask("company_consents", "2").decided_by.why == "gone", "the company went first, and was to"
    assert ask("letters", "answered@example.org").decided_by == Decision("sooner", "old", "SH-04")
    assert ask("letters", "seen@example.org").acting.event == "seen"
    assert ask("letters", "none@example.org").decided_by.why == "undated"


def test_the_law_keeps_what_it_says_and_names_the_country(ask: Any) -> None:
    company = ask("companies", "a")
    assert company.end == datetime(2028, 3, 4, tzinfo=UTC)
    assert (company.decided_by, company.minima[0].country) == (Decision("law", "former", "SH-01"), "FR")
    assert company.minima[0].strict
    letter = ask("letters", "company@example.org")
    assert (letter.minima, letter.due, letter.erasable) == ((), True, False), (
        "what speaks of it stays, by no law of its own"
    )
    undated = ask("companies", "b")
    assert (undated.end, undated.decided_by.why, undated.minima[0].country) == (None, "law", None)
    assert ask("companies", "own").minima == (), "no invoice, nothing to keep"
    waiting = ask("companies", "c")
    assert (waiting.due, waiting.decided_by.why, waiting.below) == (True, "below", Below(law=True)), "a member is kept"


def test_a_hold_keeps_a_row_what_hangs_on_it_and_what_it_hangs_on(ask: Any) -> None:
    hold = Hold("h1", Rows("orders", frozenset({("o3",)})))
    order = ask("orders", "o3", AS_OF, hold)
    assert (order.end, order.decided_by) == (None, Decision("hold"))
    assert order.unheld == ask("orders", "o3")
    assert ask("media", "1", AS_OF, hold).decided_by == Decision("hold")
    image = Hold("h2", Rows("media", frozenset({("1",)})))
    waiting = ask("orders", "o3", AS_OF, image)
    assert (waiting.decided_by.why, [held.id for held in waiting.below.holds]) == ("below", ["h2"])
    assert ask("orders", "o3", AS_OF, Hold("h3", OfTenant("b"))).erasable


def test_it_looks_into_every_database_and_says_which_it_found_the_row_in(both: tuple[Databases, Database]) -> None:
    found = explain(house(both[0]), "shop_database", "orders", "p2", AS_OF)
    assert [row.tenant for row in found.found] == ["own"]
    assert found.found[0].verdict.end == datetime(2026, 2, 1, tzinfo=UTC)
    two = explain(house(both[0]), "shop_database", "order_lines", "1", AS_OF)
    assert [row.tenant for row in two.found] == [None, "own"], "the same number, in two databases"
    floor = two.found[1].verdict
    assert floor.decided_by == Decision("floor", "subscription_over", "SH-02"), "as the shared register says it"
    said = explained(two, "en")
    assert said[0] == "Table order_lines of shop_database, as of 31 May 2026 at 12:00 UTC:"
    assert "Table order_lines of shop_database, in the own database of tenant own, as of 31 May 2026" in " ".join(said)
    assert any(
        line.startswith("Table order_lines de shop_database, dans la base propre") for line in explained(two, "fr")
    )


def test_a_database_that_cannot_be_opened_is_told_and_never_taken_for_empty(both: tuple[Databases, Database]) -> None:
    shared, own = both
    away = Databases(shared.shared, tenants=TENANTS, url_of=lambda _: own.url.set(database="no_such_database"))
    found = explain(house(away), "shop_database", "orders", "o1", AS_OF)
    assert "no database" in found.unknown[0]
    assert explained(found, "en")[-1].startswith("Not looked into: ")
    with pytest.raises(NoSuchRow, match="of its databases, 1 could not be looked into"):
        explain(house(away), "shop_database", "orders", "p2", AS_OF)


@pytest.mark.parametrize(
    ("table", "key", "error", "said"),
    [
        ("letters", "bea@example.org", NoSuchRow, "no row of 'letters' in shop_database has that key"),
        ("order_lines", "99999999999999999999999", NoSuchRow, "has that key"),
        ("order_lines", "9223372036854775807", NoSuchRow, "has that key"),
        ("order_lines", "1 OR 1=1", NoSuchRow, "has that key"),
        ("order_lines", "", NoSuchRow, "has that key"),
        ("orders", "' OR '1'='1", NoSuchRow, "has that key"),
        ("orders", "o1\0", NoSuchRow, "has that key"),
        ("orders", "o1\udc80", NoSuchRow, "has that key"),
        ("members", "a", NotOneRow, "has 2 parts; give them as company_id,number"),
        ("members", "a,7,8", NotOneRow, "has 2 parts"),
        ("members", "", NotOneRow, "has 2 parts"),
        ("members", "a\rb,7", NotOneRow, "has 2 parts"),
        ("members", '"a,a",7', NoSuchRow, "has that key"),
        ("order", "o1", NoSuchRow, "no table of that name is declared in shop_database; did you mean orders?"),
    ],
)
def test_a_key_that_finds_nothing_is_answered_in_one_sentence_that_does_not_repeat_it(
    both: tuple[Databases, Database], table: str, key: str, error: type[GenukaError], said: str
) -> None:
    with pytest.raises(error, match=said) as raised:
        explain(house(both[0]), "shop_database", table, key, AS_OF)
    assert raised.value.exit_code == 2
    assert "bea@" not in str(raised.value)


def test_two_rows_of_one_key_are_none(both: tuple[Databases, Database]) -> None:
    databases, _ = both
    filled(databases.shared, {"letters": SHARED["letters"] + SHARED["letters"][:1]}, ("letters",))
    with pytest.raises(NotOneRow, match="several rows of 'letters' have that key"):
        explain(house(databases), "shop_database", "letters", "ada@example.org", AS_OF)
    filled(databases.shared, SHARED, ("letters",))


def test_it_says_nothing_of_a_person(both: tuple[Databases, Database]) -> None:
    found = explain(house(both[0]), "shop_database", "letters", "ada@example.org", AS_OF)
    text = repr(found) + " ".join(explained(found, "en") + explained(found, "fr"))
    assert "ada" not in text.lower().replace("database", "")
    assert [promise.anonymises for promise in found.found[0].verdict.promised] == [False, True, True]


def test_a_date_beyond_every_calendar_keeps_the_row_and_breaks_nothing(both: tuple[Databases, Database]) -> None:
    databases, _ = both
    far = [{"email": "far@example.org", "seen": 1_700_000_000_000}]
    filled(databases.shared, {"letters": far}, ("letters",))
    if databases.shared.dialect.name == "postgresql":
        run(databases.shared, "INSERT INTO letters (email, sent_at) VALUES ('end@example.org', 'infinity')")
        (ever,) = explain(house(databases), "shop_database", "letters", "end@example.org", AS_OF).found
        assert (ever.verdict.end, ever.verdict.due) == (datetime.max.replace(tzinfo=UTC), False)
    (late,) = explain(house(databases), "shop_database", "letters", "far@example.org", AS_OF).found
    assert (late.verdict.end, late.verdict.due) == (datetime.max.replace(tzinfo=UTC), False)
    filled(databases.shared, SHARED, ("letters",))


def test_an_explanation_that_no_sweep_would_follow_is_refused(
    both: tuple[Databases, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Period, "end", lambda self, since: since)
    with pytest.raises(VerdictDisagrees, match="explained otherwise than a sweep applies it") as raised:
        explain(house(both[0]), "shop_database", "members", "a,7", datetime(2026, 2, 15, tzinfo=UTC))
    assert raised.value.exit_code == 1


def near(*periods: str) -> st.SearchStrategy[datetime | None]:
    edges = [Period(period).cutoff(AS_OF).replace(tzinfo=None, microsecond=0) for period in periods]
    steps = [timedelta(0), timedelta(0), timedelta(seconds=1), timedelta(days=-40), timedelta(days=40)]
    return st.none() | st.builds(lambda edge, step: edge + step, st.sampled_from(edges), st.sampled_from(steps))


def rows(fewest: int, most: int, **columns: Any) -> st.SearchStrategy[list[dict[str, Any]]]:
    drawn = {name: value if isinstance(value, st.SearchStrategy) else st.just(value) for name, value in columns.items()}
    return st.lists(st.fixed_dictionaries(drawn), min_size=fewest, max_size=most)


TENANT, ORDER = st.sampled_from(["a", "b", "nobody"]), st.sampled_from(["0", "1"])
WORLDS = st.fixed_dictionaries(
    {
        "companies": rows(2, 2, country=st.sampled_from(["CM", "fr", None])),
        "tenant_databases": rows(
            2,
            2,
            mode="shared",
            subscription_ended_at=near("P4M", "P3Y"),
            last_used_at=near("P4M"),
            asked_at=near("P0D"),
        ),
        "invoices": rows(0, 3, company_id=TENANT, issued_at=near("P5Y", "P10Y")),
        "orders": rows(1, 2, company_id=TENANT, deleted_at=near("P1M")),
        "order_lines": rows(0, 1, order_id=ORDER),
        "media": rows(0, 1, model_type="order", model_id=ORDER),
        "letters": rows(
            0,
            1,
            order_id=ORDER,
            company_id=TENANT,
            sent_at=near("P1Y"),
            text=st.sampled_from([None, "x"]),
            answered=st.booleans(),
        ),
        "company_consents": rows(0, 1, company_id=TENANT, withdrawn_at=near("P3Y")),
    }
)
HOLDS = [Hold("order", Rows("orders", frozenset({("0",)}))), Hold("image", Rows("media", frozenset({("0",)}))),
         Hold("company", Rows("companies", frozenset({("b",)})))]  # fmt: skip


@settings(max_examples=max(3, ROUNDS // 8))
@given(world=WORLDS, holds=st.lists(st.sampled_from(HOLDS), max_size=2, unique=True))
def test_what_is_explained_is_what_a_sweep_would_do(
    both: tuple[Databases, Database], world: dict[str, list[dict[str, Any]]], holds: list[Hold]
) -> None:
    databases = Databases(both[0].shared, tenants=TENANTS)
    keyed = {name: [{**row, **key_of(name, n)} for n, row in enumerate(found)] for name, found in world.items()}
    filled(databases.shared, keyed)
    told_as_swept(databases, {name: found[:1] for name, found in keyed.items()}, holds)
    filled(databases.shared, SHARED)


def told_as_swept(databases: Databases, rows: dict[str, list[dict[str, Any]]], holds: list[Hold]) -> None:
    for name, found in rows.items():
        table = bound(databases.shared, name, FACTS)
        asked = [where(Due(None, AS_OF), table), erasable(Due(None, AS_OF), table, as_of=AS_OF, holds=holds)]
        for row in found:
            mine = sa.and_(*(table.column(key) == row[key] for key in table.table.key))
            query = sa.select(*(sa.case((one, 1), else_=0) for one in asked)).select_from(table.sql).where(mine)
            (swept,) = databases.shared.rows(query)
            key = ",".join(str(row[key]) for key in table.table.key)
            told = explain(house(databases), "shop_database", name, key, AS_OF, holds).found[0].verdict
            assert (told.due, told.erasable) == tuple(map(bool, swept)), (name, row)


def test_every_row_of_a_shop_is_told_as_it_is_swept(both: tuple[Databases, Database]) -> None:
    told_as_swept(both[0], SHARED, [])


def key_of(name: str, n: int) -> dict[str, Any]:
    """Companies are a and b; every other row is known by its number."""
    key, text = {"tenant_databases": ("company_id", True), "letters": ("email", True)}.get(
        name, ("id", name == "orders")
    )
    letter = "ab"[n] if name in ("companies", "tenant_databases") else str(n)
    return {key: letter if text or name == "companies" else n}
