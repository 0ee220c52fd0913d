"""What leaves a database is what is declared, made in the way that is declared; on both servers alike."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from genuka_pipelines.analytics.errors import CannotStage
from genuka_pipelines.analytics.staging.columns import host_of, language_of
from genuka_pipelines.analytics.staging.stage import stage
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.declared import Home, declarations
from genuka_pipelines.systems.database import Database
from tests.analytics.staged_shop import (
    AS_OF,
    CHOICES,
    SHOP,
    VISITS,
    Keys,
    hashed,
    prepare,
    read,
    run_stage,
    visit,
    visits,
)
from tests.rows.shop import OURS, TENANTS, catalog, category, moment, plain
from tests.systems.opened import fill


def test_each_column_is_made_in_its_way(database: Database, tmp_path: Path) -> None:
    prepare(
        database,
        {
            "visits": [
                visit(
                    1, url="https://user:pw@Shop.Example.ORG:8443/a?mail=x@y.org", at=datetime(2026, 5, 30, 23, 59, 59)
                ),
                visit(2, agent=None, language=None, url="no url", at=datetime(2026, 5, 31)),
                visit(3, ip=None, agent=None),
            ]
        },
    )
    staged = run_stage(database, tmp_path, "visits")
    first = date(2026, 5, 30)
    rows = sorted(read(tmp_path, "visits"), key=lambda row: (row["day"], str(row["device_day"])))
    assert rows == [
        {"device_day": None, "day": first, "month": date(2026, 5, 1), "host": None, "language": "fr",
         "has_agent": False},
        {"device_day": hashed("browser", first, "198.51.100.7\x1fFirefox"), "day": first, "month": date(2026, 5, 1),
         "host": "shop.example.org", "language": "fr", "has_agent": True},
        {"device_day": hashed("browser", date(2026, 5, 31), "198.51.100.7\x1f"), "day": date(2026, 5, 31),
         "month": date(2026, 5, 1), "host": None, "language": None, "has_agent": False},
    ]  # fmt: skip
    assert staged.columns == ("device_day", "day", "month", "host", "language", "has_agent")
    assert (staged.rows, staged.unkeyed) == (3, 0)
    assert staged.keys == ("browser-2026-05-30", "browser-2026-05-31")


def test_a_destroyed_day_has_no_device_and_is_counted(database: Database, tmp_path: Path) -> None:
    days = [datetime(2026, 5, day) for day in (8, 10, 10, 11, 13)]
    odd = [datetime(1971, 1, 1), datetime(2037, 12, 31), None, datetime(2026, 6, 1)]
    prepare(database, {"visits": [visit(number, at=at) for number, at in enumerate([*days, *odd])]})
    keys = Keys(destroyed={date(2026, 5, 8), date(2026, 5, 11)})
    staged = run_stage(database, tmp_path, "visits", keys=keys)
    found = {(row["day"], row["device_day"]) for row in read(tmp_path, "visits")}
    text = "198.51.100.7\x1fFirefox"
    assert found == {
        (date(2026, 5, 8), None),
        (date(2026, 5, 10), hashed("browser", date(2026, 5, 10), text)),
        (date(2026, 5, 11), None),
        (date(2026, 5, 13), hashed("browser", date(2026, 5, 13), text)),
        *((at and at.date(), None) for at in odd),
    }
    assert staged.unkeyed == 2 + len(odd)
    assert keys.asked == [date(2026, 5, day) for day in (8, 10, 11, 13)], "no key is made for nothing"


def test_only_those_who_agreed_are_staged(database: Database, tmp_path: Path) -> None:
    rows = [
        visit(1), visit(2, cookie="unknown"), visit(3, cookie=None), visit(4, signal=True), visit(5, signal=None),
        visit(6, cookie="withdrew"), visit(7, cookie="refused"),
    ]  # fmt: skip
    agreed: list[dict[str, Any]] = [
        {"id": 1, "cookie": "yes", "granted_at": plain(2026)},
        {"id": 2, "cookie": "withdrew", "granted_at": plain(2026), "withdrawn_at": plain(2026, 2)},
        {"id": 3, "cookie": "refused"},
        {"id": 4, "cookie": None, "granted_at": plain(2026)},
    ]
    prepare(database, {"visits": rows, "choices": agreed})
    assert run_stage(database, tmp_path, "visits").rows == 1


def test_pseudonyms_of_one_value_are_one_across_tables(database: Database, tmp_path: Path) -> None:
    prepare(
        database,
        {
            "companies": [{"id": "a"}],
            "company_consents": [{"id": 1, "company_id": "a", "purpose": "analytics", "granted_at": plain(2026)}],
            "orders": [
                {"id": "o1", "company_id": "a", "status": "open", "amount": Decimal("12.30")},
                {"id": "o2", "company_id": "b", "status": "never", "amount": Decimal("1.00")},
            ],
            "order_lines": [{"id": 5, "order_id": "o1"}, {"id": 6, "order_id": "o2"}],
        },
    )
    orders, lines = (run_stage(database, tmp_path, name) for name in ("orders", "order_lines"))
    assert read(tmp_path, "orders") == [
        {"company": hashed("identity", None, "a"), "status": "open", "amount": Decimal("12.30"), "deleted": False}
    ]
    assert read(tmp_path, "order_lines") == [
        {"line": hashed("identity", None, "5"), "order": hashed("identity", None, "o1")}
    ]
    assert orders.files[0].shard == lines.files[0].shard, "a tenant's rows share a shard, whatever their path"
    assert orders.keys == ("identity-None",)


HOSTS: dict[str | None, str | None] = {
    "https://www.example.org/a/b?c=d#e": "www.example.org",
    "HTTP://EXAMPLE.ORG": "example.org",
    "https://example.org?next=https://other.example": "example.org",
    "https://example.org#who@evil.example": "example.org",
    "https://ann:secret@example.org:8080/": "example.org",
    "android-app://com.google.android.gm/": "com.google.android.gm",
    "https://xn--caf-dma.example.xn--p1ai/": "xn--caf-dma.example.xn--p1ai",
    "https://192.0.2.7/": None,
    "https://[2001:db8::1]:443/": None,
    "https://localhost/": None,
    "https://Ann Smith, 12 rue X/": None,
    "https://ann@example/": None,
    "mailto:ann@example.org": None,
    "example.org/a": None,
    "//example.org/a": None,
    "https://": None,
    "https://exa\nmple.org": None,
    "https://a.b/": None,
    "a very long way: https://example.org/": "example.org",
    "": None,
    None: None,
}


def _hosts(database: Database, urls: list[str | None]) -> list[str | None]:
    fill(database, visits, [{"id": number, "url": url} for number, url in enumerate(urls)])
    table = Home(database, declarations(SHOP, "shop_database"), TENANTS).table("visits")
    return [host for (host,) in database.rows(sa.select(host_of(table, "url")).order_by(table.column("id")))]


def test_a_host_is_a_name_and_nothing_else(database: Database) -> None:
    found = _hosts(database, list(HOSTS))
    assert dict(zip(HOSTS, found, strict=True)) == HOSTS


@given(urls=st.lists(st.from_regex(r"[a-zA-Z:/@?#.\\ é%'\"-]{0,30}", fullmatch=True), max_size=30))
def test_whatever_a_url_is_a_host_has_no_more_than_letters_digits_and_dots(database: Database, urls: list[str]) -> None:
    for host in _hosts(database, list(urls)):
        assert host is None or (host.replace("-", "").replace(".", "").isalnum() and host.isascii())


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"device": {"device_day": ["ip"]}}, "no day"),
        ({"day": {"day": ["at", "at"]}}, "several columns"),
    ],
)
def test_a_staging_that_cannot_be_made_says_so(
    database: Database, tmp_path: Path, columns: dict[str, Any], said: str
) -> None:
    prepare(database, {"visits": [visit(1)]})
    changed = {**VISITS, "staging": {**VISITS["staging"], "columns": columns}}
    facts = catalog(browsing=category({"visits": changed, "choices": CHOICES}))
    with pytest.raises(CannotStage, match=said):
        stage(facts, "shop/browsing", "visits", Databases(database), tmp_path, keys=Keys(), as_of=AS_OF)
    assert not (tmp_path / "shop" / "visits").exists()


def _made(database: Database, expression: Any) -> list[Any]:
    table = Home(database, declarations(SHOP, "shop_database"), TENANTS).table("visits")
    return [value for (value,) in database.rows(sa.select(expression(table)).order_by(table.column("id")))]


def test_a_language_is_told_without_its_country(database: Database) -> None:
    tags = {"fr": "fr", "fr-CM": "fr", "EN_us": "en", "zh-Hans": "zh", "*": None, "": None, "english": None,
            None: None, "x-klg": None, "ful-CM": "ful"}  # fmt: skip
    fill(database, visits, [{"id": number, "language": tag} for number, tag in enumerate(tags)])
    assert _made(database, lambda table: language_of(table, "language")) == list(tags.values())


bills = sa.Table(
    "bills", sa.MetaData(), sa.Column("id", sa.String(26)), sa.Column("company_id", sa.CHAR(26)), moment("issued_at"),
    sa.Column("seen", sa.BigInteger), sa.Column("amount", sa.Numeric(15, 2)), sa.Column("currency", sa.String(3)),
    sa.Column("inexact", sa.Double), sa.Column("settings", sa.JSON),
)  # fmt: skip
BILLS: dict[str, Any] = {
    "tenant": "company_id",
    "columns": dict.fromkeys([column.name for column in bills.columns], "system"),
    "retention": [{"keep": "P10Y", "since": "issued_at", "clause": "SH-01"}],
}


def _bills(database: Database, folder: Path, rows: list[dict[str, Any]], **columns: Any) -> list[dict[str, Any]]:
    prepare(database, {"companies": [{"id": "a", "country": "CM", "created_at": datetime(2025, 11, 30, 23)}]})
    fill(database, bills, [{"id": str(place), "company_id": "a", **row} for place, row in enumerate(rows)])
    staged = {**BILLS, "staging": {"purpose": "improve", "columns": {"id": "id", **columns}}}
    facts = catalog(ours=category({**OURS, "bills": staged}), browsing=category({"visits": VISITS, "choices": CHOICES}))
    databases = Databases(database, tenants=TENANTS)
    stage(facts, "shop/ours", "bills", databases, folder, keys=Keys(), as_of=AS_OF)
    return sorted(read(folder, "bills"), key=lambda row: row["id"])


def test_what_is_counted_is_a_whole_number(database: Database, tmp_path: Path) -> None:
    at = datetime(2026, 2, 1, 0, 1, 59)
    seconds = int(datetime(2026, 2, 1, 1, 1, 58, tzinfo=UTC).timestamp())
    rows = _bills(
        database,
        tmp_path,
        [
            {"issued_at": at, "seen": seconds, "amount": Decimal("1234.56"), "currency": "EUR"},
            {"issued_at": at, "seen": seconds - 4000, "amount": Decimal("1234.00"), "currency": "xaf"},
            {"issued_at": None, "seen": seconds, "amount": Decimal("1.00"), "currency": None},
            {"issued_at": at, "seen": None, "amount": None, "currency": "KWD"},
            {"issued_at": datetime(2025, 11, 1), "seen": 1, "amount": Decimal("-0.05"), "currency": "KWD"},
        ],
        minutes={"minutes": ["issued_at", "seen"]},
        months={"months": ["companies.created_at", "issued_at"]},
        amount={"minor_units": ["amount", "currency"]},
    )
    assert [(row["minutes"], row["months"], row["amount"]) for row in rows] == [
        (59, 3, 123456),
        (None, 3, 1234),
        (None, None, None),
        (None, 3, None),
        (None, None, -50),
    ]
    assert all(isinstance(value, int) for row in rows for key, value in row.items() if key != "id" and value)


def test_a_value_of_the_one_parent_comes_along(database: Database, tmp_path: Path) -> None:
    rows = _bills(
        database,
        tmp_path,
        [{}, {"company_id": "unknown"}],
        country="companies.country",
        since={"month": "companies.created_at"},
    )
    assert [(row["country"], row["since"]) for row in rows] == [("CM", date(2025, 11, 1)), (None, None)]


def test_a_setting_is_told_alone(database: Database, tmp_path: Path) -> None:
    held: list[Any] = [{"theme": "dark", "langue": "fr"}, {"theme": None}, {"theme": 3}, [], ["theme"], None, {}]
    rows = _bills(
        database,
        tmp_path,
        [{"settings": one} for one in held],
        theme={"way": "setting", "of": ["settings"], "key": "theme"},
    )
    assert [row["theme"] for row in rows] == ["dark", None, "3", None, None, None, None]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"of": {"minor_units": ["inexact", "currency"]}}, "an exact amount"),
        ({"mode": {"day": "visits.at"}}, "reaches several rows of 'visits'"),
    ],
)
def test_what_is_no_one_exact_value_is_not_staged(
    database: Database, tmp_path: Path, columns: dict[str, Any], said: str
) -> None:
    with pytest.raises(GenukaError, match=said):
        _bills(database, tmp_path, [{}], **columns)
