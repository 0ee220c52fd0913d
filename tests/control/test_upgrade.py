"""A control database of an older program becomes one of this, with everything it holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
import pymysql
import pytest
from sqlalchemy import text

from genuka_pipelines.control import ControlNotReady, Finding, Planned, TenantScope, open_control
from genuka_pipelines.control.database import connect
from genuka_pipelines.control.ledger import Ledger
from genuka_pipelines.control.opening import Control
from genuka_pipelines.control.schema import _migrate
from genuka_pipelines.keys import open_keyring
from tests.control.retention import place
from tests.control.servers import Server, database_of
from tests.control.workers import check

PLANNED = Planned(rule="r", table="t", count=1, root="a" * 64)
FINDING = Finding(check="q", category="genuka/a", table="t", column="c", row="a" * 64, detector="d")


def filled_by_the_first(url: str, now: datetime) -> None:
    """What the program of revision 0001 left: entries, an open intention, a lease, a finding."""
    database = connect(url)
    with database.engine.connect() as connection:
        _migrate(connection, "0001")
        connection.commit()
    control = Control(database)
    control.ledger.append_all([check(n) for n in range(20)], as_of=now, now=now)
    with database.begin() as connection:
        Ledger(database).append_within(connection, [PLANNED], as_of=now, now=now)
        connection.execute(text("INSERT INTO ledger_open_intents (seq) VALUES (21)"))
    control.leases.take("sweep", "00", "a", timedelta(minutes=5))
    control.reviews.record([FINDING], now=now, keep=timedelta(days=1))
    control.close()


def test_nothing_is_lost_and_everything_new_works(
    server: Server, now: datetime, tmp_path_factory: pytest.TempPathFactory
) -> None:
    url = server.empty()
    filled_by_the_first(url, now)
    with pytest.raises(ControlNotReady, match="older than this program: `genuka up`"):
        open_control(url)
    with open_control(url, upgrade=True) as control:
        assert (control.ledger.verify().intact, control.ledger.verify().entries) == (True, 21)
        assert "entries_unguarded" not in control.weaknesses()
        (left,) = control.ledger.open_intents()
        assert (left.seq, left.planned, left.sealed) == (21, PLANNED, b"")
        assert control.reviews.pending(now)[0].finding == FINDING
        with pytest.raises(Exception, match="already running"):
            control.leases.take("sweep", "00", "b", timedelta(minutes=5))
        control.ledger.outcome(left, count=1, root=PLANNED.root, as_of=now, now=now)
        assert control.ledger.intend(PLANNED, as_of=now, now=now, sealed=b"x").sealed == b"x"
        place(control, open_keyring(tmp_path_factory.mktemp("home") / "keys", create=True), TenantScope("t1"))
        with control.holds.gate(now) as live:
            assert len(live) == 1
        assert not control.switches.on("retention_sweep")
        for statement in ("DELETE FROM ledger_entries WHERE seq = 1", "UPDATE ledger_entries SET body = '{}'"):
            with pytest.raises((psycopg.Error, pymysql.MySQLError), match="append-only"):
                server.run(database_of(url), statement)
        assert control.ledger.verify().intact
    open_control(url).close()
