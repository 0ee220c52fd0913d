from __future__ import annotations

from datetime import datetime

import psycopg
import pymysql
import pytest

from genuka_pipelines.control import Control
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
def test_the_database_itself_refuses(
    server: Server, control: Control, url: str, now: datetime, statement: str
) -> None:
    control.ledger.append(check(1), as_of=now, now=now)
    with pytest.raises((psycopg.Error, pymysql.MySQLError), match="append-only|truncate"):
        server.run(database_of(url), statement)
    if server.dialect == "postgresql" and statement.startswith("TRUNCATE"):
        with pytest.raises(psycopg.Error, match="append-only"):
            server.run(database_of(url), f"{statement} CASCADE")
    assert control.ledger.verify().entries == 1


def test_a_server_that_would_let_it_happen_is_named(server: Server, control: Control, url: str) -> None:
    assert control.weaknesses() == ()
    server.run(
        database_of(url),
        "ALTER TABLE ledger_entries DISABLE TRIGGER USER"
        if server.dialect == "postgresql"
        else "DROP TRIGGER ledger_entries_update",
    )
    assert control.weaknesses() == ("entries_unguarded",)
