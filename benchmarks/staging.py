"""Staging browser rows beside a bare COPY of the same rows, and its memory at 1x and 10x.

python -m benchmarks.staging [rows]      default 1,000,000
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.catalog.load import load_catalog
from tests.servers import fresh_database

CATEGORY, TABLE = "genuka/browser_data", "browser_logs"
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)
PAIRS = 3
FILL = """
insert into browser_logs (id, company_id, ip_address, visited_at, browser, browser_version, platform, language,
                          country, city, referrer_url)
select n, 'tenant' || lpad((n % 2000)::text, 20, '0'), '198.18.' || n % 250 || '.' || n % 251,
       timestamp '2026-08-01' + (n % 7776000) * interval '1 second', (array['Firefox','Chrome','Safari'])[1 + n % 3],
       (100 + n % 30)::text, (array['Android','Windows','iOS'])[1 + n % 3], (array['fr','en'])[1 + n % 2],
       (array['CM','FR','CI','SN'])[1 + n % 4], 'Douala', 'https://www.example.org/page/' || n % 1000
from generate_series(1, :rows) n
"""


@contextmanager
def filled(rows: int) -> Iterator[sa.URL]:
    """A database with the demo's schema and so many browser rows."""
    from genuka_pipelines.demo.schema import tables_of

    needed = ("browser_logs", "companies", "tenant_databases", "company_consents")
    with fresh_database("postgresql") as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for table in tables_of("genuka"):
                if table.name in needed:
                    table.create(connection)
            connection.execute(sa.text(FILL), {"rows": rows})
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("vacuum analyze browser_logs"))
        engine.dispose()
        yield url


def bare_copy(url: sa.URL) -> float:
    """Seconds to COPY the same rows as text, thrown away."""
    import psycopg

    began = time.perf_counter()
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with (
        psycopg.connect(address) as connection,
        connection.cursor() as cursor,
        cursor.copy("copy browser_logs to stdout") as copy,
    ):
        for _ in copy:
            pass
    return time.perf_counter() - began


def stage_once(url: str, answer: Any) -> None:
    """Stage in a process of its own: seconds, rows, and the growth of its largest memory in MiB."""
    import pyarrow.parquet  # noqa: F401 - its own weight is not staging's

    from genuka_pipelines.analytics.staging.stage import stage
    from genuka_pipelines.analytics.staging.staged import KeyringKeys
    from genuka_pipelines.keys import open_keyring
    from genuka_pipelines.rows.databases import open_databases

    catalog = load_catalog()
    system = catalog.categories[CATEGORY].system
    with tempfile.TemporaryDirectory() as folder:
        keys = KeyringKeys(open_keyring(Path(folder) / "keys", create=True))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = time.perf_counter()
        tenants = catalog.systems[system].tenants
        with open_databases(sa.make_url(url), name=system, tenants=tenants) as databases:
            made = stage(catalog, CATEGORY, TABLE, databases, Path(folder), keys=keys, as_of=AS_OF)
        seconds = time.perf_counter() - began
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    answer.put({"seconds": seconds, "rows": made.rows, "grown_mib": grown})


def staged(url: sa.URL) -> dict[str, float]:
    """The answer of `stage_once` in a fresh process."""
    context = multiprocessing.get_context("spawn")
    answer = context.Queue()
    process = context.Process(target=stage_once, args=(url.render_as_string(hide_password=False), answer))
    process.start()
    found: dict[str, float] = answer.get()
    process.join()
    return found


def main(rows: int = 1_000_000) -> dict[str, Any]:
    """Both sizes; the larger is paired with COPY a few times, and the median ratio told."""
    with filled(rows // 10) as url:
        small = staged(url)
    pairs = []
    with filled(rows) as url:
        for _ in range(PAIRS):
            copied = bare_copy(url)
            large = staged(url)
            assert large["rows"] == rows
            pairs.append((copied, large["seconds"]))
    ratios = sorted(seconds / copied for copied, seconds in pairs)
    return {
        "rows": rows,
        "seconds_copy_and_staging": [(round(copied, 2), round(seconds, 2)) for copied, seconds in pairs],
        "ratio_staging_to_copy": round(ratios[len(ratios) // 2], 1),
        "memory_grown_mib": {
            f"{rows // 10}": round(small["grown_mib"]),
            f"{rows}": round(large["grown_mib"]),
        },
    }


if __name__ == "__main__":
    print(json.dumps(main(*map(int, sys.argv[1:2])), indent=1))
