"""What the tests of holds, erasures and notices share: empty tables, holds, and processes that destroy."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, make_url, text

from genuka_pipelines.control import Control, Planned, RowScope, Scope, StoredHold
from genuka_pipelines.keys import Keyring, open_keyring

NEXT = 6
"""So few rows may go next that whoever places a hold on one of them meets the sweep."""
DRIVERS = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}


def place(control: Control, keys: Keyring, scope: Scope, **given: Any) -> StoredHold:
    """A hold, where the test does not care about the rest."""
    terms: dict[str, Any] = {
        "kind": "dispute", "reason": "legal_claim", "reference": "case/2026-7", "author": "staff:4",
        "now": datetime.now(UTC),
    }  # fmt: skip
    return control.holds.add(scope, keys=keys, **(terms | given))


@contextmanager
def victims(url: str) -> Iterator[Engine]:
    """A database whose rows may be destroyed."""
    address = make_url(url)
    engine = create_engine(address.set(drivername=DRIVERS[address.get_backend_name()]))
    yield engine
    engine.dispose()


def surviving(engine: Engine) -> set[str]:
    """The rows that are left."""
    with engine.begin() as connection:
        return {str(number) for number in connection.execute(text("SELECT id FROM victims")).scalars()}


def stay_in_gate(control: Control, pipe: Connection) -> None:
    """Enters, says what it sees, and leaves when told; then once more."""
    for _ in range(2):
        with control.holds.gate(datetime.now(UTC)) as live:
            pipe.send([hold.id for hold in live])
            pipe.recv()


def sweep(control: Control, pipe: Connection, url: str, keys_folder: Path, seed: int) -> None:
    """Destroys three of the next rows at a time, never a held one, until told that no hold will change: then all."""
    order, keys, last = random.Random(seed), open_keyring(keys_folder), False
    with victims(url) as engine:
        left = sorted(surviving(engine), key=int)
        while True:
            last = last or pipe.poll()
            with control.holds.gate(datetime.now(UTC)) as live:
                held = {scope.key[0] for hold in live if isinstance(scope := hold.opened(keys), RowScope)}
                free = [row for row in left if row not in held]
                batch = free if last else order.sample(free[:NEXT], min(3, len(free)))
                time.sleep(0 if last else order.uniform(0, 0.004))
                with engine.begin() as connection:
                    for row in batch:
                        connection.execute(text("DELETE FROM victims WHERE id = :row"), {"row": int(row)})
                    live.check()
            left = [row for row in left if row not in batch]
            if last:
                return


def intend(control: Control, pipe: Connection, sealed: bytes) -> None:
    """Writes down an intention, and waits to be killed."""
    now = datetime.now(UTC)
    planned = Planned(rule="genuka/sessions:idle", table="sessions", count=2, root="a" * 64)
    pipe.send(control.ledger.intend(planned, as_of=now, now=now, sealed=sealed).seq)
    pipe.recv()
