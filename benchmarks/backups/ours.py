"""Our own nights and restores, each in a fresh process, so that its memory is its own."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.stores.folder.store import FolderStore
from genuka_pipelines.stores.locks import utc_now
from tests.backups.taken import SYSTEM, TENANTS, BackedHouse, facts
from tests.servers import Kind

REGIONS = ("backups_france", "backups_usa")
Answer = dict[str, float]


class Counting(FolderStore):
    """A folder that counts the bytes that are read from it."""

    read = 0

    def get(self, key: str, **options: Any) -> bytes:
        """The bytes, counted."""
        data = super().get(key, **options)
        self.read += len(data)
        return data


@dataclass(frozen=True)
class At:
    """Where everything is, for another process."""

    kind: Kind
    url: str
    control: str
    folder: Path

    @classmethod
    def of(cls, kind: Kind, url: sa.URL, control: sa.URL, folder: Path) -> At:
        """The place of a house; its folder is made."""
        folder.mkdir()
        shop, ledger = (one.render_as_string(hide_password=False) for one in (url, control))
        return cls(kind, shop, ledger, folder)

    @property
    def objects(self) -> tuple[int, int]:
        """The objects of one region, and their bytes."""
        store = FolderStore(self.folder / REGIONS[0], name=REGIONS[0])
        found = [one.size for one in store.list("", versions=True)]
        return len(found), sum(found)

    def run(self, work: Callable[..., Answer], *given: Any) -> Answer:
        """What some work in a fresh process answers, with its peak of memory."""
        context = multiprocessing.get_context("spawn")
        answer = context.Queue()
        process = context.Process(target=_answered, args=(answer, work, self, *given))
        process.start()
        found: Answer | str = answer.get(timeout=3600)
        process.join()
        if isinstance(found, str):
            raise RuntimeError(found)
        return found


def _answered(answer: Any, work: Callable[..., Answer], at: At, *given: Any) -> None:
    import traceback

    try:
        with house(at) as opened:
            before = _peak()
            answer.put({**work(opened, *given), "peak_mib": _peak(), "grown_mib": _peak() - before})
    except BaseException:  # noqa: BLE001 - told to whoever waits
        answer.put(traceback.format_exc())


def _peak() -> int:
    """The largest that this process has been since it began, in MiB; what it was forked from does not count."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


@contextmanager
def house(at: At) -> Iterator[BackedHouse]:
    """The opened house."""
    from genuka_pipelines.control import open_control
    from genuka_pipelines.keys import open_keyring
    from genuka_pipelines.rows.databases import Databases
    from genuka_pipelines.systems.database import Database

    keys = open_keyring(at.folder / "keys", create=not (at.folder / "keys").exists())
    with open_control(at.control) as control, Database(sa.make_url(at.url), name=SYSTEM) as shared:
        databases = Databases(shared, tenants=TENANTS)
        stores: dict[str, Any] = {name: Counting(at.folder / name, name=name, create=True) for name in REGIONS}
        for store in stores.values():
            store.probe()
        yield BackedHouse(facts(), control, keys, databases, stores, at.folder, at.kind)
        databases.close()


def night(opened: BackedHouse) -> Answer:
    """A night: captured into France, brought to the USA."""
    from genuka_pipelines.backups.capturing import capture
    from genuka_pipelines.backups.nightly import bring, prepare_regions

    plan, now = opened.catalog.backups["nightly"], utc_now
    began = time.perf_counter()
    captured = capture(opened, plan, now=now(), clock=now)
    done = time.perf_counter()
    assert not captured.failed, captured.failed
    prepare_regions(opened, plan, now=now())
    brought = bring(opened, plan, "usa", clock=now, backups=[captured.backup])
    assert brought.whole, brought
    return {
        "capture": done - began, "bring": time.perf_counter() - done, "objects": captured.objects,
        "bytes": captured.bytes,
    }  # fmt: skip


def captured_only(opened: BackedHouse) -> Answer:
    """A night without the second region."""
    from genuka_pipelines.backups.capturing import capture

    began = time.perf_counter()
    captured = capture(opened, opened.catalog.backups["nightly"], now=utc_now())
    assert not captured.failed, captured.failed
    return {"capture": time.perf_counter() - began, "objects": captured.objects, "bytes": captured.bytes}


def one_tenant(opened: BackedHouse, tenant: str, into: str) -> Answer:
    """One tenant through the gate into an empty database."""
    from genuka_pipelines.backups.restoring import Reach, opened_backups, plan_of, restore, targets_in

    steps: list[tuple[str, float]] = [("open", time.perf_counter())]
    backups = opened_backups(Reach.of(opened, utc_now()), "tenant", tenant=tenant)
    plan = plan_of(backups)
    found = restore(
        opened, plan, backups.backups, targets_in(plan, sa.make_url(into)), clock=utc_now,
        step=lambda name: steps.append((name, time.perf_counter())),
    )  # fmt: skip
    ended = [at for _, at in steps[1:]] + [time.perf_counter()]
    told = {f"step_{name}": end - at for (name, at), end in zip(steps, ended, strict=True)}
    read = sum(store.read for store in opened.stores.values())  # type: ignore[attr-defined]
    return {"seconds": ended[-1] - steps[0][1], "rows": found.rows, "read": read, **told}
