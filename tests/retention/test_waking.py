"""The sensor's look: what may go before the night, once; a lifted hold; nothing that cannot go, again and again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.category import Category
from genuka_pipelines.control import Control, TenantScope
from genuka_pipelines.retention.waking import Seen, Waking, look
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.systems.database import Database
from tests.retention.house import _BASE, ShopHouse, facts, shop_house
from tests.rows.destroyer import keyring, wall
from tests.systems.opened import fill

NOW, OLD = datetime(2026, 11, 1), datetime(2026, 1, 1)
TAPES = sa.Table(
    "tapes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("company_id", sa.String(26)),
    sa.Column("made_at", sa.DateTime), sa.Column("asked_at", sa.DateTime), sa.Column("spent", sa.Boolean),
)  # fmt: skip
TICKETS = sa.Table(
    "tickets", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("expires_at", sa.DateTime)
)
RECORDED = Category.model_validate(
    {
        **_BASE,
        "tables": {
            "tapes": {
                "tenant": "company_id",
                "columns": dict.fromkeys(["id", "company_id", "made_at", "asked_at", "spent"], "system"),
                "retention": [{"keep": "P1M", "since": "made_at", "sooner": {"asked": "asked_at", "spent": "spent"},
                               "clause": "SH-01"}],
            }
        },
    }
)  # fmt: skip
CARRIED = Category.model_validate(
    {
        **_BASE,
        "tables": {
            "tickets": {
                "columns": dict.fromkeys(["id", "expires_at"], "system"),
                "retention": [{"keep": "P0D", "since": "expires_at", "clause": "SH-01"}],
            }
        },
    }
)


@pytest.fixture
def house(control: Control, tmp_path: Path) -> Iterator[ShopHouse]:
    known = facts(more={"shop/recorded": RECORDED, "shop/carried": CARRIED})
    with shop_house("postgresql", control, tmp_path, known) as made:
        tapes(made, {"made_at": OLD}, {"made_at": NOW})
        tickets(made, NOW.replace(year=2036))
        yield made


def tapes(house: ShopHouse, *rows: dict[str, object]) -> None:
    fill(house.shared, TAPES, [{"id": n, "company_id": "a", **row} for n, row in enumerate(rows, 1)])


def tickets(house: ShopHouse, *ends: datetime) -> None:
    fill(house.shared, TICKETS, [{"id": n, "expires_at": end} for n, end in enumerate(ends, 1)])


def looked(house: ShopHouse, before: Waking | None = None) -> Waking:
    cursor = before.seen.written() if before else None
    return look(house, Seen.read(cursor), as_of=wall(), now=wall())


def test_what_is_only_due_waits_for_the_night(house: ShopHouse) -> None:
    assert looked(house).categories == ()


def test_a_request_a_state_and_an_end_at_once_wake_their_categories(house: ShopHouse) -> None:
    tapes(house, {"made_at": NOW, "asked_at": NOW})
    assert looked(house).categories == ("shop/recorded",)
    tapes(house, {"made_at": NOW, "spent": True}, {"made_at": NOW, "asked_at": NOW.replace(year=2036)})
    tickets(house, OLD)
    assert looked(house).seen.early == {"shop/recorded": 1, "shop/carried": 1}


def test_what_would_not_go_wakes_nobody_again_until_more_comes(house: ShopHouse) -> None:
    tapes(house, {"made_at": NOW, "asked_at": NOW})
    first = looked(house)
    second = looked(house, first)
    assert (first.categories, second.categories) == (("shop/recorded",), ())
    tapes(house, {"made_at": NOW, "asked_at": NOW}, {"made_at": NOW, "spent": True})
    third = looked(house, second)
    assert third.categories == ("shop/recorded",)
    tapes(house)
    assert looked(house, third).categories == ()


def test_a_held_row_wakes_nobody_and_its_release_wakes_all(house: ShopHouse) -> None:
    tapes(house, {"made_at": NOW, "asked_at": NOW})
    hold = house.control.holds.add(
        TenantScope("a"), kind="hold", reason="audit", reference="case-1", author="s1", now=wall(), keys=keyring()
    )
    first = looked(house)
    assert (first.categories, first.lifted) == ((), False)
    house.control.holds.release(hold.id, by="s1", now=wall())
    second = looked(house, first)
    assert (second.categories, second.lifted) == (("shop/recorded",), True)
    assert not looked(house, second).lifted
    assert not looked(house).lifted, "what was lifted before the first look is long swept"


def test_a_database_that_is_lost_is_said_and_ends_nothing(house: ShopHouse) -> None:
    gone = house.shared.url.set(database="nowhere")
    house.opened["shop_database"] = Databases(Database(gone, name="shop_database"))
    found = looked(house)
    assert found.categories == ()
    assert "shop_database" in found.unknown[0]
