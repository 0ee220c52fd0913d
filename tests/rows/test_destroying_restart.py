"""The database's server is restarted in the middle of a sweep: nothing is lost, counted twice or left unrecorded."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import make_url

from genuka_pipelines.control import Control
from genuka_pipelines.demo.embedded.account import server_account
from genuka_pipelines.demo.embedded.cluster import Cluster
from genuka_pipelines.demo.embedded.place import make_place
from genuka_pipelines.demo.embedded.postmaster import ended
from genuka_pipelines.rows.databases import Databases
from genuka_pipelines.rows.destroying import Outcome
from genuka_pipelines.systems.database import Database, open_database
from tests.rows.destroyer import SmallHouse, control, keyring
from tests.rows.test_destroying_crashes import CALM, FACTS, destroyed, ids, stocked
from tests.servers import _remove, _scratch
from tests.systems.opened import _owner

__all__ = ["control"]
DUE = 3_000


class OwnServer:
    """A PostgreSQL that nobody else uses, and that keeps what it committed."""

    def __init__(self, folder: Path) -> None:
        self.cluster = Cluster(make_place(folder, "pg", server_account(), folder))
        self.cluster.ensure_running()

    def restart(self, how: signal.Signals) -> None:
        process = psutil.Process(int((self.cluster.place.data / "postmaster.pid").read_text().split("\n", 1)[0]))
        process.send_signal(how)
        assert ended(process, 30)
        self.cluster.ensure_running()


@pytest.fixture
def own() -> Iterator[tuple[OwnServer, Database]]:
    folder = _scratch()
    try:
        server = OwnServer(folder)
        with open_database(make_url(server.cluster.url("postgres")), name="shop_database") as database:
            yield server, database
            _owner(database.url).dispose()
    finally:
        _remove(folder)


def test_a_server_that_is_restarted_while_a_batch_runs(
    own: tuple[OwnServer, Database], control: Control, rounds: int, seed: int
) -> None:
    server, database = own
    chance = random.Random(seed)
    house = SmallHouse(FACTS, control, keyring(), Databases(database))
    # As an administrator asks for it, sessions broken off; and as a power cut would, with what was committed.
    for how in [signal.SIGINT, signal.SIGQUIT][: max(2, rounds // 12)]:
        kept, start = stocked(database, DUE), control.ledger.head().seq
        outcomes: list[Outcome] = []
        sweep = threading.Thread(target=lambda done=outcomes: done.append(house.apply(limits=CALM)))
        sweep.start()
        while destroyed(control, start) < DUE // 10:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.05)
        server.restart(how)
        sweep.join()
        _owner(database.url).dispose()
        (outcome,) = outcomes
        (line,) = outcome.lines
        assert kept <= ids(database)
        if line.unknown is None:
            assert line.survivors == 0
        else:
            assert "\n" not in line.unknown
            assert "shop_database" in line.unknown
        assert house.apply(limits=CALM).survivors == 0
        assert ids(database) == kept
        assert destroyed(control, start) == DUE, "each row is in one outcome, and only in one"
        assert control.ledger.open_intents() == ()
        assert control.ledger.verify().problems == ()


def test_a_row_that_the_application_deletes_meanwhile_counts_as_ours(
    own: tuple[OwnServer, Database], control: Control
) -> None:
    """The look after a crash cannot tell who deleted a row that was to go, and a restored backup must lose it."""
    from genuka_pipelines.control import Planned
    from genuka_pipelines.rows.destroying.evidence import Hasher, Meant
    from tests.rows.destroyer import wall
    from tests.rows.shop import AS_OF
    from tests.systems.opened import run

    _, database = own
    house = SmallHouse(FACTS, control, keyring(), Databases(database))
    stocked(database, 3)
    start = control.ledger.head().seq
    keys = (("v000000",), ("v000002",))
    meaning = Meant("shop_database", "visits", None, "delete", None, keys)
    root = Hasher(keyring()).root("visits", keys)
    planned = Planned(rule="shop/visits/visits.over", table="visits", count=2, root=root, verb="delete")
    control.ledger.intend(planned, as_of=AS_OF, now=wall(), sealed=meaning.sealed(keyring()))
    run(database, "DELETE FROM visits WHERE id = 'v000002'")
    assert house.apply(limits=CALM).deleted == 2
    assert destroyed(control, start) == 3
    assert control.ledger.open_intents() == ()
