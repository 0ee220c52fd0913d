"""Backups beside pg_dump into two repositories of restic: time, bytes, memory; one tenant back; ten thousand tenants.

python -m benchmarks.backups [rows] [kind] [figures] [days] [tenants]

By default 1,000,000 rows of 200 tenants on PostgreSQL, every figure, 28 days of a tenth of the rows, and 1,000
tenants of 20 rows. `figures`: some of first,day,tenant,month,memory,many. Everything lies on the same disk,
in memory where there is one; each figure says the machine's load after it. MariaDB: mariadb-dump | gzip.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.backups import shop
from benchmarks.backups.ours import At, captured_only, house, night, one_tenant
from benchmarks.backups.peers import Restic, Tools, backed_up, bare_reads, whole_restore
from benchmarks.backups.shop import day, filled
from tests.servers import Kind, fresh_control, fresh_database, quick_disk

EACH = 20
PEERS = ("one", "two")
FIGURES = ("first", "day", "tenant", "month", "memory", "many")


def told(figure: str, said: dict[str, Any]) -> None:
    """Print a figure as a line of JSON."""
    rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in said.items()}
    print(json.dumps({"figure": figure, **rounded, "load": round(os.getloadavg()[0], 1)}), flush=True)


@contextmanager
def house_at(kind: Kind, url: sa.URL) -> Iterator[At]:
    """A house around a database that has no backup yet; beside its folder is room for its peers'."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gkb", dir=quick_disk())))
        yield At.of(kind, url, stack.enter_context(fresh_control()), folder / "ours")


@contextmanager
def shop_house(kind: Kind, rows: int, tenants: int = shop.TENANTS) -> Iterator[tuple[At, sa.URL]]:
    """A filled database, and a house around it."""
    with filled(kind, rows, tenants) as url, house_at(kind, url) as at:
        yield at, url


def first_day_tenant(kind: Kind, rows: int, figures: set[str]) -> None:
    """The first full; the day after; one tenant back. Each needs the one before."""
    with filled(kind, rows) as url:
        tools = Tools.of(kind, url)
        with house_at(kind, url) as at:
            before = first(at, tools)
        with house_at(kind, url) as at:
            again = first(at, tools)
            best = {name: min(before[name], again[name]) for name in again}
            told("first", {"rows": rows, **best, "ratio": best["seconds"] / best["peer_seconds"]})
            if figures & {"day", "tenant"}:
                day_after(at, tools, kind, url, rows)
            if "tenant" in figures:
                restored_tenant(at, kind)


def first(at: At, tools: Tools) -> dict[str, float]:
    """Everything into two regions, by both."""
    both = [Restic.made(at.folder.parent / name) for name in PEERS]
    ours = at.run(night)
    theirs = backed_up(tools.dump, both)
    return {
        "capture_seconds": ours["capture"], "bring_seconds": ours["bring"], "seconds": ours["capture"] + ours["bring"],
        "peer_seconds": theirs, "objects": ours["objects"], "bytes": at.objects[1], "peer_bytes": both[0].bytes,
        "peak_mib": ours["peak_mib"], "grown_mib": ours["grown_mib"],
    }  # fmt: skip


def day_after(at: At, tools: Tools, kind: Kind, url: sa.URL, rows: int) -> None:
    """A day's work, backed up by both; and the bare read, before and after."""
    both = [Restic(at.folder.parent / name) for name in PEERS]
    day(kind, url, rows, 1)
    stored, bare = both[0].bytes, bare_reads(tools.reads)
    ours = at.run(night)
    bare = min(bare, bare_reads(tools.reads))
    theirs = backed_up(tools.dump, both)
    told("day", {
        "capture_seconds": ours["capture"], "bring_seconds": ours["bring"], "bare_seconds": bare,
        "ratio": ours["capture"] / bare, "peer_seconds": theirs, "objects": ours["objects"],
        "bytes": ours["bytes"], "peer_added": both[0].bytes - stored,
        "peak_mib": ours["peak_mib"], "grown_mib": ours["grown_mib"],
    })  # fmt: skip


def restored_tenant(at: At, kind: Kind) -> None:
    """One of all tenants, beside the whole dump."""
    repository = Restic(at.folder.parent / PEERS[0])
    found = []
    for number in range(3):
        with fresh_database(kind) as into:
            address = into.render_as_string(hide_password=False)
            found.append(at.run(one_tenant, f"tenant{number + 7:020}", address))
    best = min(found, key=lambda one: one["seconds"])
    with fresh_database(kind) as into:
        theirs = whole_restore(repository, Tools.of(kind, into).load)
    told("tenant", {
        **best, "peer_seconds": theirs, "percent_of_time": 100 * best["seconds"] / theirs,
        "peer_read": repository.newest, "percent_of_bytes": 100 * best["read"] / repository.newest,
    })  # fmt: skip


def month(kind: Kind, rows: int, days: int) -> None:
    """What so many nights take in one region, each with a day's work before it."""
    with shop_house(kind, rows) as (at, url), house(at) as opened:
        tools, repository = Tools.of(kind, url), Restic.made(at.folder.parent / PEERS[0])
        for number in range(days):
            if number:
                day(kind, url, rows, number)
            captured_only(opened)
            backed_up(tools.dump, [repository])
        objects, size = at.objects
        told("month", {
            "rows": rows, "nights": days, "objects": objects, "bytes": size, "peer_bytes": repository.bytes,
            "percent": 100 * size / repository.bytes,
        })  # fmt: skip


def memory(kind: Kind, rows: int) -> None:
    """The peak of a first night and of a second one, at a tenth of the rows and at all of them."""
    found: dict[str, Any] = {}
    for times, size in ((1, rows // 10), (10, rows)):
        with shop_house(kind, size) as (at, url):
            one = at.run(captured_only)
            day(kind, url, size, 1)
            two = at.run(captured_only)
        for name, answer in (("first", one), ("second", two)):
            found[f"{name}_{times}x_peak_mib"] = answer["peak_mib"]
            found[f"{name}_{times}x_grown_mib"] = answer["grown_mib"]
    told("memory", {"rows": rows // 10, **found})


def many(kind: Kind, tenants: int) -> None:
    """Many small tenants in one night, then a night in which a hundredth of their rows changed."""
    with shop_house(kind, tenants * EACH, tenants) as (at, url):
        first = at.run(night)
        day(kind, url, tenants * EACH, 1, tenants)
        second = at.run(night)
        told("many", {
            "tenants": tenants, "rows": tenants * EACH, "capture_seconds": first["capture"],
            "bring_seconds": first["bring"], "objects": first["objects"], "bytes": first["bytes"],
            "peak_mib": first["peak_mib"], "second_capture_seconds": second["capture"],
            "second_bring_seconds": second["bring"], "second_objects": second["objects"],
        })  # fmt: skip


def main(rows: int, kind: Kind, figures: set[str], days: int, tenants: int) -> None:
    """Every figure that is asked for."""
    if figures & {"first", "day", "tenant"}:
        first_day_tenant(kind, rows, figures)
    if "month" in figures:
        month(kind, rows // 10, days)
    if "memory" in figures:
        memory(kind, rows)
    if "many" in figures:
        many(kind, tenants)


if __name__ == "__main__":
    defaults = ("1000000", "postgresql", ",".join(FIGURES), "28", "1000")
    rows, kind, figures, days, tenants = (*sys.argv[1:], *defaults[len(sys.argv) - 1 :])
    assert kind in ("postgresql", "mariadb"), kind
    main(int(rows), kind, set(figures.split(",")), int(days), int(tenants))  # type: ignore[arg-type]
