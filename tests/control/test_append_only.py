from __future__ import annotations

import time
from datetime import datetime

import psycopg
import pymysql
import pytest

from genuka_pipelines.control import Control, open_control
from tests.control.servers import Server, database_of
from tests.control.workers import check


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET body = '{}'",
        "DELETE FROM ledger_entries WHERE seq = 1",
        "TRUNCATE TABLE ledger_entries",
    ],
)
def test_the_database_itself_refuses(server: Server, control: Control, url: str, now: datetime, statement: str) -> None:
    control.ledger.append(check(1), as_of=now, now=now)
    with pytest.raises((psycopg.Error, pymysql.MySQLError), match=r"append-only|truncate"):
        server.run(database_of(url), statement)
    if server.dialect == "postgresql" and statement.startswith("TRUNCATE"):
        with pytest.raises(psycopg.Error, match="append-only"):
            server.run(database_of(url), f"{statement} CASCADE")
    assert control.ledger.verify().entries == 1


def test_a_server_that_promises_less_is_named(server: Server, own_url: str) -> None:
    durable, forgetful, unguarded = {
        "postgresql": (
            ["ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()"],
            ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"],
            ["ALTER TABLE ledger_entries DISABLE TRIGGER USER"],
        ),
        "mysql": (
            ["SET GLOBAL innodb_flush_log_at_trx_commit = 1"],
            ["SET GLOBAL innodb_flush_log_at_trx_commit = 0"],
            ["DROP TRIGGER ledger_entries_update"],
        ),
    }[server.dialect]
    with open_control(own_url) as control:
        assert control.weaknesses() == ("not_durable",)
        server.run(database_of(own_url), *durable)
        while control.weaknesses():
            time.sleep(0.01)
        server.run(database_of(own_url), *forgetful, *unguarded)
        while control.weaknesses() != ("not_durable", "entries_unguarded"):
            time.sleep(0.01)
