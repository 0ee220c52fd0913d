"""What ends by its age goes from stores, folders and the run history, with the same evidence as rows."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from genuka_pipelines.catalog.category import Category
from genuka_pipelines.control import Control
from genuka_pipelines.retention import aged
from genuka_pipelines.rows.aged import AgedFiles, AgedObjects, NotDestroyed
from genuka_pipelines.stores.errors import StoreUnreachable
from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.s3.store import S3Store
from genuka_pipelines.stores.store import Store
from tests.retention.house import _BASE, DAY, ShopHouse, facts
from tests.rows.destroyer import keyring, wall
from tests.stores.backends import BucketBackend
from tests.stores.conftest import bucket, ministack_endpoint, s3_credentials

__all__ = ["bucket", "ministack_endpoint", "s3_credentials"]
ARCHIVES = {"system": "exports", "prefix": "tenants/", "keep": "P30D", "clause": "SH-01"}
KEY = "shop/archives"


@pytest.fixture
def house(control: Control) -> ShopHouse:
    staged = Category.model_validate(
        {**_BASE, "system": "staging", "objects": [{"system": "staging", "keep": "P7D", "clause": "SH-01"}]}
    )
    runs = Category.model_validate(
        {**_BASE, "system": "run_storage", "objects": [{"system": "run_storage", "keep": "P3M", "clause": "SH-01"}]}
    )
    return ShopHouse(facts(objects=(ARCHIVES,), more={"shop/staged": staged, "shop/runs": runs}), control,
                     keyring(), {})  # fmt: skip


@pytest.fixture(params=["folder", "ministack"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "exports", name="exports", create=True)
    found: BucketBackend = request.getfixturevalue("bucket")
    opened: S3Store = found.open()
    opened.probe()
    for stored in list(opened.list("tenants/", versions=True)):
        opened.delete(stored.key, version=stored.version)
    return opened


def sweep(house: ShopHouse, as_of: datetime, key: str = KEY, **options: Any) -> aged.Swept:
    (found,) = aged.sweep_aged(house, key, as_of=as_of, clock=wall, **options)
    return found


def later() -> datetime:
    """When what is made now has become too old."""
    return wall() + 30 * DAY + timedelta(minutes=1)


def test_every_version_goes_and_so_does_the_marker_that_hides_it(house: ShopHouse, store: Store) -> None:
    house.reach["exports"] = AgedObjects(store)
    for body in (b"one", b"two"):
        store.put("tenants/a", body, if_absent=False)
    store.put("tenants/b", b"hidden")
    store.delete("tenants/b")
    store.put("requests/c", b"another prefix")
    before = house.control.ledger.head().seq
    assert sweep(house, wall()).line.due == 0
    assert house.control.ledger.head().seq == before, "nothing due, nothing written"
    (planned,) = aged.plan_aged(house, KEY, as_of=later())
    assert planned.due == 4
    assert planned.oldest is not None
    line = sweep(house, later()).line
    assert (line.due, line.deleted, line.survivors, line.unknown) == (4, 4, 0, None)
    assert [stored.key for stored in store.list(versions=True) if not stored.key.startswith(".")] == ["requests/c"]
    assert [done.count for done in house.outcomes(before)] == [4]
    assert aged.plan_aged(house, KEY, as_of=later())[0].due == 0


def test_what_is_locked_survives_is_counted_and_keeps_nothing_else(
    house: ShopHouse, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aged, "BATCH", 2)
    house.reach["exports"] = AgedObjects(store)
    until = wall() + timedelta(seconds=30)
    for number in range(3):
        store.put(f"tenants/a{number}", b"locked", retain_until=until)
    for number in range(4):
        store.put(f"tenants/z{number}", b"free")
    swept = sweep(house, later())
    assert (swept.line.due, swept.line.deleted, swept.line.survivors) == (7, 4, 3)
    assert swept.why == f"something in {store.name} is locked by the store itself; it goes once its lock is over"
    assert house.control.ledger.open_intents() == ()


class Killed(BaseException):
    """What a signal would do."""


def test_killed_midway_the_next_run_says_what_went(house: ShopHouse, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "exports", name="exports", create=True)
    for number in range(6):
        store.put(f"tenants/{number}", b"x")
    house.reach["exports"] = Dying(store, after=4)
    before = house.control.ledger.head().seq
    with pytest.raises(Killed):
        sweep(house, later())
    assert len(house.control.ledger.open_intents()) == 1
    house.reach["exports"] = AgedObjects(store)
    assert sweep(house, later()).line.deleted == 2
    assert [done.count for done in house.outcomes(before)] == [4, 2]
    assert house.control.ledger.open_intents() == ()
    assert house.control.ledger.verify().problems == ()


class Dying(AgedObjects):
    """Dies, or loses the store, after so many."""

    def __init__(self, store: Store, after: int, error: type[BaseException] = Killed) -> None:
        super().__init__(store)
        self._left, self._error = after, error

    def destroy(self, old: Any) -> None:
        if self._left == 0:
            raise self._error("nobody answers")
        self._left -= 1
        super().destroy(old)


def test_a_store_that_is_lost_midway_is_no_success(house: ShopHouse, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "exports", name="exports", create=True)
    for number in range(5):
        store.put(f"tenants/{number}", b"x")
    house.reach["exports"] = Dying(store, after=2, error=StoreUnreachable)
    swept = sweep(house, later())
    assert (swept.line.deleted, swept.line.survivors, swept.why) == (2, 3, "nobody answers")
    house.reach = {}
    assert "nothing in exports can be listed by age" in str(sweep(house, later()).line.unknown)
    assert aged.plan_aged(house, KEY, as_of=later())[0].due is None


def test_a_bounded_run_leaves_the_rest_to_the_next(house: ShopHouse, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "exports", name="exports", create=True)
    for number in range(5):
        store.put(f"tenants/{number}", b"x")
    house.reach["exports"] = AgedObjects(store)
    line = sweep(house, later(), most=2).line
    assert (line.deleted, line.survivors, line.capped) == (2, 3, 3)
    assert sweep(house, later(), most=0).line.capped == 3
    assert sweep(house, later()).line.deleted == 3


def test_files_go_with_the_folders_they_leave_empty(house: ShopHouse, tmp_path: Path) -> None:
    folder, now = tmp_path / "staging", wall()
    for name, days in (("genuka/orders/00.parquet", 8), ("genuka/orders/01.parquet", 8), ("genuka/users/00.parquet", 8),
                       ("genuka/users/01.parquet", 6), ("genuka/users/notes.txt", 90)):  # fmt: skip
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        moment = (now - days * DAY).timestamp()
        os.utime(path, (moment, moment))
    (folder / "link.parquet").symlink_to(tmp_path / "elsewhere.parquet")
    house.reach["staging"] = AgedFiles(folder, "*.parquet")
    line = sweep(house, now, "shop/staged").line
    assert (line.table, line.deleted, line.survivors) == ("staging", 3, 0)
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))
    assert left == ["genuka", "genuka/users", "genuka/users/01.parquet", "genuka/users/notes.txt", "link.parquet"]


def test_a_file_that_cannot_go_is_a_sentence_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "staging" / "ada.parquet" / "inner").mkdir(parents=True)
    old = type("Old", (), {"name": "ada.parquet"})()
    with pytest.raises(NotDestroyed, match="staging/ could not be removed") as refused:
        AgedFiles(tmp_path / "staging").destroy(old)
    assert "ada" not in str(refused.value)


def test_a_folder_that_was_never_made_has_nothing(house: ShopHouse, tmp_path: Path) -> None:
    house.reach["staging"] = AgedFiles(tmp_path / "nowhere", "*.parquet")
    assert sweep(house, wall(), "shop/staged").line.due == 0


def test_run_history_is_swept_only_where_dagster_asks(house: ShopHouse) -> None:
    assert aged.sweep_aged(house, "shop/runs", as_of=wall(), clock=wall) == []


@contextmanager
def instance(folder: Path | None) -> Iterator[Any]:
    import dagster as dg

    if folder is None:
        with dg.DagsterInstance.ephemeral() as found:
            yield found
    else:
        with dg.DagsterInstance.local_temp(str(folder)) as found:
            yield found


@pytest.mark.parametrize("stored", [False, True], ids=["ephemeral", "sqlite"])
def test_finished_runs_go_page_by_page_and_others_stay(
    house: ShopHouse, tmp_path: Path, stored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    from genuka_pipelines.components import run_history

    monkeypatch.setattr(run_history, "PAGE", 3)
    monkeypatch.setattr(aged, "BATCH", 5)

    @dg.op
    def nothing() -> None:
        print("said")

    job = dg.GraphDefinition(name="night", node_defs=[nothing]).to_job()
    with instance(tmp_path if stored else None) as found:
        done = [job.execute_in_process(instance=found).run_id] if stored else []
        made: Callable[..., Any] = found.create_run_for_job
        done += [made(job, status=dg.DagsterRunStatus.SUCCESS).run_id for _ in range(13)]
        running = made(job, status=dg.DagsterRunStatus.STARTED).run_id
        house.reach["run_storage"] = run_history.RunHistory(found)
        assert sweep(house, wall(), "shop/runs").line.due == 0
        line = sweep(house, wall() + 100 * DAY, "shop/runs").line
        assert (line.deleted, line.survivors) == (len(done), 0)
        assert [run.run_id for run in found.get_runs()] == [running]
        assert not found.has_run(done[0])
        assert found.get_records_for_run(done[0]).records == []
