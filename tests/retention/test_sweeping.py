"""One sweep over every system: refused before anything is touched, each part by itself, bounded as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from genuka_pipelines.catalog.category import Category
from genuka_pipelines.control import CategoryScope, Control, TenantScope
from genuka_pipelines.control.switches import RETENTION_SWEEP
from genuka_pipelines.control.tables import entries
from genuka_pipelines.retention import own_ledger
from genuka_pipelines.retention.errors import InTheFuture, NotSwitchedOn, SurvivingRows, UnknownCategory
from genuka_pipelines.retention.sums import by_category, by_rule, sums
from genuka_pipelines.retention.sweeping import Sweep, plan_sweep, sweep_due
from genuka_pipelines.rows.aged import AgedObjects
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Limits
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.systems.database import Database
from tests.retention.house import _BASE, DAY, ORDERS, PHOTOS, QUICK, ShopHouse, facts, shop_house, stock
from tests.rows.destroyer import keyring, wall
from tests.rows.shop import AS_OF
from tests.servers import fresh_database
from tests.systems.opened import fill, run

OLD = datetime(2026, 1, 1)
MARK = sa.Table("genuka_demo", sa.MetaData(), sa.Column("id", sa.Integer))
_NOTES = sa.Table(
    "notes", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), sa.Column("written_at", sa.DateTime)
)
OTHER = Category.model_validate(
    {
        **_BASE, "system": "other_database",
        "tables": {"notes": {"columns": dict.fromkeys(["id", "written_at"], "system"),
                             "retention": [{"keep": "P1M", "since": "written_at", "clause": "SH-01"}]}},
    }
)  # fmt: skip
ARCHIVES = ({"system": "exports", "prefix": "tenants/", "keep": "P30D", "clause": "SH-01"},)
OURS = Category.model_validate(
    {
        **_BASE, "system": "control_database",
        "tables": {
            "ledger_entries": {"key": ["seq"], "columns": dict.fromkeys(["seq", "at"], "system"),
                               "retention": [{"keep": "P5Y", "since": "at", "clause": "SH-01"}]},
            "leases": {"key": ["capability", "shard"],
                       "columns": dict.fromkeys(["capability", "shard", "expires_at"], "system"),
                       "retention": [{"keep": "P1D", "since": "expires_at", "clause": "SH-01"}]},
        },
    }
)  # fmt: skip


@pytest.fixture
def house(control: Control, tmp_path: Path) -> Iterator[ShopHouse]:
    """Ten orders that are due in the shop, five notes elsewhere, an archive; synthetic, and not switched on."""
    known = facts(objects=ARCHIVES, more={"shop/notes": OTHER, "own/evidence": OURS})
    with (
        shop_house("postgresql", control, tmp_path, known) as made,
        fresh_database("postgresql") as url,
        Database(url, name="other_database") as other,
        Database(_url(control), name="control_database") as own,
    ):
        made.opened |= {"other_database": Databases(other), "control_database": Databases(own)}
        exports = FolderStore(tmp_path / "exports", name="exports", create=True)
        exports.put("tenants/a", b"x")
        made.stores["exports"], made.reach["exports"] = exports, AgedObjects(exports)
        fill(made.shared, ORDERS, [{"id": f"o{n}", "company_id": "ab"[n % 2], "deleted_at": OLD} for n in range(10)])
        fill(other, _NOTES, [{"id": n, "written_at": OLD} for n in range(1, 6)])
        for database in (made.shared, other):
            fill(database, MARK, [])
        yield made
        control.switches.switch(RETENTION_SWEEP, False, by="s1", now=wall())
        for hold in control.holds.all():
            if hold.released_at is None:
                control.holds.release(hold.id, by="s1", now=wall())


def _url(control: Control) -> sa.URL:
    return control._database.engine.url


def sweep(house: ShopHouse, as_of: datetime = AS_OF, **options: Any) -> Sweep:
    return sweep_due(house, as_of=as_of, clock=wall, **{"limits": QUICK, **options})


def deleted(found: Sweep) -> dict[str, int]:
    return {f"{line.table}.{line.rule}": line.deleted for line in found.lines if line.deleted}


def real(house: ShopHouse, system: str = "shop_database") -> None:
    """The database holds more than a seeding put there."""
    run(house.opened[system].shared, "DROP TABLE genuka_demo")


def test_everything_due_goes_and_the_plan_after_it_is_all_zeros(house: ShopHouse) -> None:
    before = plan_sweep(house, as_of=AS_OF, now=wall())
    assert {rule: added.due for (rule, _), added in sums(before.planned, by_rule).items() if added.due} == {
        "shop/content.orders.deleted": 10, "shop/notes.notes.SH-01": 5}  # fmt: skip
    assert sums(before.planned, by_category)["shop/content"].oldest == OLD.replace(tzinfo=UTC)
    found = sweep(house)
    found.refuse_survivors()
    assert deleted(found) == {"orders.deleted": 10, "notes.SH-01": 5}
    after = plan_sweep(house, as_of=AS_OF, now=wall())
    assert {added.due for added in sums(after.planned, by_rule).values()} == {0}
    assert deleted(sweep(house)) == {}


def test_archives_end_with_the_rest(house: ShopHouse) -> None:
    assert deleted(sweep(house, wall() + 31 * DAY)) == {
        "orders.deleted": 10,
        "notes.SH-01": 5,
        "exports_tenants.age": 1,
    }


@pytest.mark.parametrize("system", ["shop_database", "other_database"])
@pytest.mark.parametrize("categories", [None, ["shop/archives"], ["own/evidence"]])
def test_one_real_database_anywhere_needs_the_switch(
    house: ShopHouse, system: str, categories: list[str] | None
) -> None:
    real(house, system)
    before = house.control.ledger.head().seq
    with pytest.raises(NotSwitchedOn, match="genuka go-live retention_sweep"):
        sweep(house, categories=categories)
    house.control.switches.switch(RETENTION_SWEEP, True, by="s1", now=wall())
    with pytest.raises(InTheFuture, match=f"{system} is no synthetic database"):
        sweep(house, wall() + DAY, categories=categories)
    assert house.control.ledger.head().seq == before + 1
    assert house.shared.count(house.shared.table("orders")) == 10
    sweep(house, categories=categories).refuse_survivors()


def test_a_dedicated_database_that_is_real_forbids_time_travel(control: Control, tmp_path: Path) -> None:
    with shop_house("postgresql", control, tmp_path, facts(), dedicated=("A",)) as house:
        fill(house.shared, MARK, [])
        url_of = house.opened["shop_database"]._url_of
        assert url_of is not None
        stock(url_of("A"), "acme", AS_OF - 9 * DAY)
        house.register({"company_id": "acme", "dsn_secret_ref": "A"})
        with pytest.raises(InTheFuture):
            sweep(house, wall() + DAY)
        sweep(house).refuse_survivors()


def test_a_database_that_nobody_can_look_at_is_not_taken_for_synthetic(house: ShopHouse) -> None:
    _lose(house)
    with pytest.raises(NotSwitchedOn):
        sweep(house)


def _lose(house: ShopHouse) -> None:
    gone = house.opened["other_database"].shared.url.set(database="nowhere")
    house.opened["other_database"] = Databases(Database(gone, name="other_database"))


def test_a_system_that_is_lost_keeps_no_other_from_being_swept(house: ShopHouse) -> None:
    house.control.switches.switch(RETENTION_SWEEP, True, by="s1", now=wall())
    _lose(house)
    found = sweep(house)
    assert deleted(found) == {"orders.deleted": 10}
    assert sums(found.lines, by_category)["shop/notes"].deleted == 0
    assert sums(found.lines, by_category)["shop/notes"].survivors is None, "unknown is not zero"
    with pytest.raises(SurvivingRows, match="shop/notes") as refused:
        found.refuse_survivors()
    assert refused.value.exit_code == 1
    planned = sums(plan_sweep(house, as_of=AS_OF, now=wall()).planned, by_category)
    assert planned["shop/notes"].due is None
    assert planned["shop/content"].due == 0


def test_the_limits_are_those_of_the_whole_run(house: ShopHouse) -> None:
    found = sweep(house, wall() + 31 * DAY, limits=replace(QUICK, rows=12))
    assert sum(deleted(found).values()) == 12
    found.refuse_survivors()
    found = sweep(house, wall() + 31 * DAY, limits=replace(QUICK, rows=3))
    assert sum(deleted(found).values()) == 3
    found = sweep(house, wall() + 31 * DAY)
    assert sum(deleted(found).values()) == 1
    assert deleted(sweep(house, limits=Limits(seconds=0.0, lease=timedelta(seconds=5)))) == {}


def test_what_is_held_is_counted_and_stays(house: ShopHouse) -> None:
    house.control.holds.add(
        TenantScope("a"), kind="hold", reason="audit", reference="case-1", author="s1", now=wall(), keys=keyring()
    )
    found = sweep(house)
    found.refuse_survivors()
    content = sums(found.lines, by_category)["shop/content"]
    assert (content.due, content.deleted, content.held, content.survivors) == (10, 5, 5, 0)


def test_a_category_that_nobody_declared_is_one_sentence(house: ShopHouse) -> None:
    with pytest.raises(UnknownCategory, match=r"^'shop/contents' is no category; did you mean shop/content\?$"):
        sweep(house, categories=["shop/contents"])


def test_the_ledger_ends_by_pruning_and_no_time_travels_in_it(house: ShopHouse, control: Control) -> None:
    before = control.ledger.head().seq
    found = sweep(house, wall() + 3650 * DAY)
    found.refuse_survivors()
    assert "ledger_entries.SH-01" not in deleted(found)
    assert control.ledger.head().seq > before
    assert control.ledger.verify().problems == ()
    _age(control)
    planned = plan_sweep(house, as_of=wall(), now=wall(), categories=["own/evidence"])
    (due,) = [line.due for line in planned.planned if line.table == "ledger_entries"]
    assert due
    hold = control.holds.add(
        CategoryScope("own/evidence"), kind="hold", reason="audit", reference="case-2", author="s1", now=wall(),
        keys=keyring(),
    )  # fmt: skip
    held = sweep(house, wall(), categories=["own/evidence"])
    assert deleted(held).get("ledger_entries.SH-01") is None
    assert next(line.held for line in held.lines if line.table == "ledger_entries") == due
    control.holds.release(hold.id, by="s1", now=wall())
    found = sweep(house, wall(), categories=["own/evidence"])
    found.refuse_survivors()
    assert deleted(found)["ledger_entries.SH-01"] == due
    assert not [problem for problem in control.ledger.verify().problems if "anchor" in str(problem)]
    assert own_ledger.LEDGER == "ledger_entries"


def _age(control: Control) -> None:
    """The oldest entries were written six years ago; only an owner who stops the guards can say so."""
    with control._database.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ledger_entries DISABLE TRIGGER USER"))
        some = sa.select(entries.c.seq).order_by(entries.c.seq).limit(3)
        connection.execute(entries.update().where(entries.c.seq.in_(some)).values(at=wall() - 6 * 366 * DAY))
        connection.execute(sa.text("ALTER TABLE ledger_entries ENABLE TRIGGER USER"))


def test_a_bounded_run_has_no_survivors_above_what_it_left(house: ShopHouse) -> None:
    fill(house.shared, PHOTOS, [{"id": n, "order_id": f"o{n}"} for n in range(10)])
    for number in range(10):
        house.stores["media_store"].put(f"{number}/x", b"x")
    sweep(house, limits=replace(QUICK, rows=4)).refuse_survivors()
