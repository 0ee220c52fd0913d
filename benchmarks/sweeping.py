"""The sweep beside one bare DELETE of the same rows, and beside one row a transaction; its memory and its locks.

python -m benchmarks.sweeping [due] [kinds] [pairs] [durable]

By default 100,000 due of ten times as many, both servers in memory, a small table. `durable`: PostgreSQL on a
disk that is waited for, and a table like the platform's browser_logs with its three indexes.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.catalogue import Catalog
from genuka_pipelines.catalog.category import Category
from genuka_pipelines.catalog.vocabulary import Vocabulary
from tests import servers
from tests.servers import Kind, fresh_database

SYSTEM = "shop_database"
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
TEN = 10
SAMPLED = 300
PAIRS = 3
CREATE = """
create table visits (id char(26) not null primary key, company_id char(26), ip_address varchar(45),
                     visited_at timestamp(0) null, browser varchar(40), referrer_url varchar(200))"""
INDEXES = ["create index visits_visited_at on visits (visited_at)"]
WIDE = [
    "alter table visits add column browser_version varchar(40) default '128.0.1', "
    "add column platform varchar(60) default 'Linux x86_64', add column language varchar(20) default 'fr-FR', "
    "add column country varchar(2) default 'FR', add column city varchar(120) default 'Clermont-Ferrand', "
    "add column legal_hold_at timestamp(0) null",
    "create index visits_company_id on visits (company_id)",
]
ROW = {
    "postgresql": """
insert into visits (id, company_id, ip_address, visited_at, browser, referrer_url)
select 'V' || lpad(n::text, 25, '0'), 'tenant' || lpad((n % 2000)::text, 20, '0'),
  '198.18.' || n % 250 || '.' || n % 251,
  timestamp '2026-01-01' + (case when {due} then 0 else 320 end) * interval '1 day'
  + (n % 86400) * interval '1 second', 'Firefox', 'https://www.example.org/page/' || n % 1000
from generate_series(1, {rows}) n""",
    "mariadb": """
insert into visits (id, company_id, ip_address, visited_at, browser, referrer_url)
select concat('V', lpad(n, 25, '0')), concat('tenant', lpad(n % 2000, 20, '0')),
  concat('198.18.', n % 250, '.', n % 251),
  timestamp '2026-01-01 00:00:00' + interval (case when {due} then 0 else 320 end) day
  + interval (n % 86400) second, 'Firefox', concat('https://www.example.org/page/', n % 1000)
from (select seq as n from seq_1_to_{rows}) t""",
}
LAID = {"together": "n <= {rows} / 10", "scattered": "n % 10 = 3"}


def facts() -> Catalog:
    """One table, one month."""
    held = {
        "title": {"fr": "Visites", "en": "Visits"}, "source": "recorded", "system": SYSTEM, "subjects": ["user"],
        "purposes": ["improve"], "legal_basis": ["consent"], "law": ["GDPR"], "role": "controller",
        "tables": {
            "visits": {
                "tenant": "company_id",
                "columns": dict.fromkeys(
                    ["id", "company_id", "ip_address", "visited_at", "browser", "referrer_url"], "system"
                ),
                "retention": [{"keep": "P6M", "since": "visited_at", "clause": "SH-01"}],
            }
        },
    }  # fmt: skip
    nothing: dict[str, Any] = {}
    return Catalog(
        root=Path(), vocabulary=Vocabulary(purposes={}, subjects={}, classifications={}, events={}), policies=nothing,
        planned=nothing, processors=nothing, categories={"shop/visits": Category.model_validate(held)},
        procedures=nothing, questions=nothing, ledgers=nothing,
    )  # fmt: skip


@contextmanager
def filled(kind: Kind, rows: int, laid: str, *, wide: bool = False) -> Iterator[sa.URL]:
    """A database with so many visits, a tenth of them due."""
    with fresh_database(kind) as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(CREATE)
            for statement in WIDE if wide else ():
                connection.exec_driver_sql(statement)
            due = LAID[laid].format(rows=rows)
            connection.exec_driver_sql(ROW[kind].format(due=due, rows=rows).replace("%", "%%"))
            for statement in INDEXES:
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("vacuum analyze visits" if kind == "postgresql" else "analyze table visits")
            if kind == "postgresql":
                connection.exec_driver_sql("checkpoint")
        engine.dispose()
        yield url


def bare(url: sa.URL) -> float:
    """Seconds of one DELETE."""
    engine = sa.create_engine(url)
    began = time.perf_counter()
    with engine.begin() as connection:
        connection.exec_driver_sql("delete from visits where visited_at <= timestamp '2026-05-22 00:00:00'")
    took = time.perf_counter() - began
    engine.dispose()
    return took


def one_by_one(url: sa.URL) -> float:
    """Seconds a row, each found, deleted and committed by itself; of a sample."""
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = f"select id from visits where visited_at <= timestamp '2026-05-22 00:00:00' limit {SAMPLED}"
        ids = [row[0] for row in connection.exec_driver_sql(query)]
    began = time.perf_counter()
    for one in ids:
        with engine.begin() as connection:
            connection.execute(sa.text("delete from visits where id = :id"), {"id": one})
    took = (time.perf_counter() - began) / len(ids)
    engine.dispose()
    return took


def sweep_once(url: str, control: str, answer: Any) -> None:
    """Sweep in a process of its own: seconds, rows, the longest transaction, and how far its memory grew."""
    from genuka_pipelines.control import open_control
    from genuka_pipelines.keys import open_keyring
    from genuka_pipelines.rows.databases import open_databases
    from genuka_pipelines.rows.destroying import apply, batch
    from genuka_pipelines.rows.selection import Due

    locked: list[float] = []
    original = batch.Destroyer.destroy

    def seen(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        locked.append(result.locked)
        return result

    batch.Destroyer.destroy = seen  # type: ignore[method-assign]
    with (
        tempfile.TemporaryDirectory() as folder,
        open_control(control, upgrade=True) as opened,
        open_databases(sa.make_url(url), name=SYSTEM) as databases,
    ):
        house: Any = type("House", (), {})()
        house.catalog, house.control = facts(), opened
        house.keyring = open_keyring(Path(folder) / "keys", create=True)
        house.databases = lambda _: databases
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        outcome = apply(Due(None, AS_OF), house, SYSTEM, as_of=AS_OF, clock=lambda: datetime.now(UTC))
        took = time.perf_counter() - began
        assert outcome.complete, outcome
        assert outcome.survivors == 0, outcome
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answer.put({"seconds": took, "rows": outcome.deleted, "longest": max(locked), "batches": len(locked), "mib": grown})


def swept(url: sa.URL, control: sa.URL) -> dict[str, float]:
    """The answer of `sweep_once` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    addresses = [one.render_as_string(hide_password=False) for one in (url, control)]
    process = context.Process(target=sweep_once, args=(*addresses, answer))
    process.start()
    found: dict[str, float] = answer.get(timeout=3600)
    process.join()
    return found


def measured(kind: Kind, due: int, laid: str, pairs: int, *, wide: bool = False) -> dict[str, Any]:
    """A few pairs of bare DELETE and sweep on fresh copies of the same rows."""
    bares, sweeps = [], []
    each = 0.0
    with fresh_database("postgresql") as control:
        for pair in range(pairs):
            with filled(kind, due * TEN, laid, wide=wide) as url:
                bares.append(bare(url))
            with filled(kind, due * TEN, laid, wide=wide) as url:
                if pair == 0:
                    each = one_by_one(url)
                sweeps.append(swept(url, control))
    seconds = [sweep["seconds"] for sweep in sweeps]
    ratios = [sweep / alone for sweep, alone in zip(seconds, bares, strict=True)]
    return {
        "bare_seconds": [round(one, 2) for one in bares],
        "sweep_seconds": [round(one, 2) for one in seconds],
        "ratio": round(statistics.median(ratios), 2),
        "one_by_one_seconds": round(each * due, 1),
        "longest_transaction": round(max(sweep["longest"] for sweep in sweeps), 2),
        "batches": sweeps[-1]["batches"],
        "memory_grown_mib": round(max(sweep["mib"] for sweep in sweeps)),
    }


def on_disk() -> None:
    """Have the PostgreSQL of this run wait for a real disk at each commit."""
    servers.quick_disk = lambda: Path(tempfile.gettempdir())
    servers.postgres_server().run(
        "alter system set fsync = on", "select pg_reload_conf()", "alter role current_user set synchronous_commit = on"
    )


def main(
    due: int = 100_000, kinds: str = "postgresql,mariadb", pairs: int = PAIRS, *, durable: bool = False
) -> dict[str, Any]:
    """Both layouts; and the memory of a tenth."""
    found: dict[str, Any] = {"due": due, "of": due * TEN, "durable": durable}
    if durable:
        on_disk()
    for kind in kinds.split(","):
        for laid in LAID:
            found[f"{kind} {laid}"] = measured(kind, due, laid, pairs, wide=durable)  # type: ignore[arg-type]
        small = measured(kind, due // TEN, "together", 1, wide=durable)  # type: ignore[arg-type]
        found[f"{kind} memory_grown_mib_at_a_tenth"] = small["memory_grown_mib"]
    return found


if __name__ == "__main__":
    numbers = sys.argv[1:]
    due, kinds, pairs = [*numbers[:3], *["100000", "postgresql,mariadb", str(PAIRS)][len(numbers[:3]) :]]
    print(json.dumps(main(int(due), kinds, int(pairs), durable="durable" in numbers[3:]), indent=1))
