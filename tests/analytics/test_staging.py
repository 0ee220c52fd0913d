"""Staging on real servers: each way, consent, shards, two at once, killed midway, destroyed keys."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from genuka_pipelines.analytics.staging.staged import StagedTable, close_days, stage_table
from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.load import load_catalog
from genuka_pipelines.catalog.shard import shard_name, shard_of
from genuka_pipelines.control import Busy, Control, open_control
from genuka_pipelines.keys import KeyDestroyed, Keyring, open_keyring
from genuka_pipelines.rows.databases import Databases, open_databases
from tests.catalog.analysts import analysts, loaded
from tests.catalog.deployment import CATEGORY, facts, write
from tests.servers import fresh_control, fresh_database

AS_OF = datetime(2026, 5, 3, 4, tzinfo=UTC)
SEEN = datetime(2026, 4, 30, 23, 59, 59)
VISITS = sa.Table(
    "visits",
    sa.MetaData(),
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("company_id", sa.String(26)),
    sa.Column("ip", sa.String(45)),
    sa.Column("agent", sa.String(80)),
    sa.Column("url", sa.Text),
    sa.Column("seen_at", sa.DateTime),
    sa.Column("agreed", sa.Boolean),
)
STAGING = {
    "purpose": "improve",
    "columns": {
        "who": {"pseudonym": "id"},
        "host": {"host": "url"},
        "day": {"day": "seen_at"},
        "month": {"month": "seen_at"},
        "agent": "agent",
        "has_url": {"present": "url"},
    },
    "when": {"agreed": True},
}
DEVICES = {
    "purpose": "improve",
    "family": "browser",
    "columns": {"device_day": {"device_day": ["ip", "agent"]}, "day": {"day": "seen_at"}},
}


@dataclass
class Opened:
    """What staging needs of the house, over one database."""

    catalog: Catalog
    control: Control
    keyring: Keyring
    staging: Path
    shared: Databases

    def databases(self, system: str) -> Databases:
        assert system == "shop_database"
        return self.shared

    def stage(self) -> StagedTable:
        return stage_table(self, "shop/recordings", "visits", as_of=AS_OF, now=datetime.now(UTC))

    def read(self) -> list[dict[str, Any]]:
        files = sorted((self.staging / "shop" / "visits").glob("*.parquet"))
        return [row for file in files for row in pq.read_table(file).to_pylist()]


def declared(root: Path, staging: dict[str, Any]) -> Catalog:
    shop = facts()
    shop[CATEGORY]["attributes"]["tables"] = {
        "visits": {
            "tenant": "company_id",
            "columns": {
                "id": "user.unique_id",
                "company_id": "system.operations",
                "ip": "user.device.ip_address",
                "agent": "user.behavior",
                "url": "user.behavior",
                "seen_at": "user.behavior",
                "agreed": "user.privacy_preferences",
            },
            "retention": [{"keep": "P1M", "since": "seen_at", "clause": "SH-01"}],
            "staging": staging,
        }
    }
    return load_catalog(write(root, shop))


def row(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"v{number}",
        "company_id": f"t{number % 7}",
        "ip": f"198.18.0.{number}",
        "agent": "Fx",
        "url": "https://user:pw@Shop.Example.org:8443/a?b=c@d#e",
        "seen_at": SEEN,
        "agreed": True,
        **values,
    }


@pytest.fixture(params=["postgresql", "mariadb"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Opened, sa.Engine]]:
    with ExitStack() as stack:
        url = stack.enter_context(fresh_database(request.param))
        control = stack.enter_context(fresh_control())
        engine = sa.create_engine(url)
        stack.callback(engine.dispose)
        VISITS.create(engine)
        opened = Opened(
            declared(tmp_path, STAGING),
            stack.enter_context(open_control(control.render_as_string(hide_password=False))),
            open_keyring(tmp_path / "keys", create=True),
            tmp_path / "staging",
            stack.enter_context(open_databases(url, name="shop_database")),
        )
        yield opened, engine


def fill(engine: sa.Engine, *rows: dict[str, Any]) -> None:
    with engine.begin() as connection:
        connection.execute(VISITS.insert(), list(rows))


def test_each_way(opened: tuple[Opened, sa.Engine]) -> None:
    house, engine = opened
    fill(engine, row(1), row(2, url=None), row(3, agreed=False), row(4, agreed=None), row(5, url="mailto:a@b.example"))
    made = house.stage()
    rows = {r["who"]: r for r in house.read()}
    inner, outer = house.keyring.pseudonym_identity.current().pads()
    assert made.rows == len(rows) == 3
    key = bytes(byte ^ 0x36 for byte in inner)
    assert bytes(byte ^ 0x5C for byte in outer) == key
    first = rows[hmac.digest(key, b"v1", "sha256").hex()]
    assert first["host"] == "shop.example.org"
    assert first["day"] == date(2026, 4, 30)
    assert first["month"] == date(2026, 4, 1)
    assert first["agent"] == "Fx"
    assert bool(first["has_url"]) is True
    without = rows[hmac.digest(key, b"v2", "sha256").hex()]
    assert without["host"] is None
    assert bool(without["has_url"]) is False
    assert rows[hmac.digest(key, b"v5", "sha256").hex()]["host"] in (None, "b.example")
    assert not any("@" in str(value) for r in rows.values() for value in r.values())


def test_rows_go_to_the_shard_of_their_tenant(opened: tuple[Opened, sa.Engine]) -> None:
    house, engine = opened
    fill(engine, *(row(n) for n in range(50)), row(90, company_id=None))
    made = house.stage()
    wanted = {shard_name(shard_of(f"t{n}")) for n in range(7)} | {shard_name(0)}
    assert {file.shard for file in made.files} == wanted
    assert made.rows == 51


def test_an_empty_table_leaves_no_file_and_removes_the_old(opened: tuple[Opened, sa.Engine]) -> None:
    house, engine = opened
    fill(engine, row(1))
    assert house.stage().rows == 1
    with engine.begin() as connection:
        connection.execute(VISITS.delete())
    assert house.stage().rows == 0
    assert house.read() == []


def test_the_same_rows_make_the_same_files(opened: tuple[Opened, sa.Engine]) -> None:
    house, engine = opened
    fill(engine, *(row(n) for n in range(20)))
    assert house.stage().digest == house.stage().digest


def test_a_device_is_known_within_its_day_only(opened: tuple[Opened, sa.Engine], tmp_path: Path) -> None:
    house, engine = opened
    house.catalog = declared(tmp_path / "devices", DEVICES)
    later = SEEN + timedelta(seconds=2)
    same = {"ip": "198.18.0.1", "agent": None}
    fill(engine, row(1, **same), row(2, **same, company_id="t1"), row(3, **same, seen_at=later), row(4, ip=None))
    house.stage()
    by_day: dict[date, list[str]] = {}
    for r in house.read():
        by_day.setdefault(r["day"], []).append(r["device_day"])
    assert len(by_day[SEEN.date()]) == 3
    assert len(set(by_day[SEEN.date()])) == 2
    assert set(by_day[later.date()]).isdisjoint(by_day[SEEN.date()])
    house.keyring.destroy_device_days(later.date(), now=datetime.now(UTC))
    house.stage()
    gone = [r["device_day"] for r in house.read() if r["day"] == SEEN.date()]
    assert gone == [None, None, None]


def test_one_at_a_time(opened: tuple[Opened, sa.Engine]) -> None:
    house, engine = opened
    fill(engine, row(1))
    with house.control.leases.hold("staging_shop_visits", "00", "0" * 32, timedelta(minutes=1)), pytest.raises(Busy):
        house.stage()
    assert house.stage().rows == 1


def test_what_was_staged_is_in_the_ledger(opened: tuple[Opened, sa.Engine]) -> None:
    from genuka_pipelines.control import Staging

    house, engine = opened
    fill(engine, *(row(n) for n in range(10)))
    made = house.stage()
    (entry,) = house.control.ledger.latest(Staging)
    assert sum(shard.rows for shard in entry.body.shards.values()) == made.rows == 10
    assert entry.as_of == AS_OF


def test_the_keys_of_days_that_are_over_are_destroyed_before_anything_is_staged(tmp_path: Path) -> None:
    now = datetime(2026, 5, 31, 3, tzinfo=UTC)
    keyring = open_keyring(tmp_path / "keys", create=True)
    catalog = loaded(tmp_path, analysts())
    days = [now.date() - timedelta(days=age) for age in (0, 13, 14, 15)]
    for day in days:
        keyring.device_day(day)
    close_days(Opened(catalog, cast(Any, None), keyring, tmp_path, cast(Any, None)), now)
    assert [keyring.device_day(day).id for day in days[:3]]
    with pytest.raises(KeyDestroyed):
        keyring.device_day(days[3])
