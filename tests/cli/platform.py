"""A house with the real facts over real, nearly empty databases of Genuka and Genletter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from genuka_pipelines.demo.schema import GENLETTER, PLATFORM, TENANT
from genuka_pipelines.stores.open import open_store
from tests.cli.house import House, new_house
from tests.servers import Kind, fresh_database

SESSIONS = PLATFORM.tables["sessions"]


@contextmanager
def platform(folder: Path, kind: Kind = "postgresql") -> Iterator[House]:
    """The house; both databases have every declared table, and no row."""
    with new_house(folder, kind) as made, fresh_database(kind) as genuka, fresh_database(kind) as genletter:
        for name in ("media", "exports", "published"):
            address = (folder / "stores" / name).as_uri()
            open_store(address, name=name, create=True, private_keys=name == "media")
            made.env[f"GENUKA_STORE_{name.upper()}"] = address
        for name, url, schemas in (
            ("DATABASE", genuka, (PLATFORM, TENANT)),
            ("GENLETTER", genletter, (GENLETTER,)),
        ):
            made.env[f"GENUKA_{name}_URL"] = url.render_as_string(hide_password=False)
            engine = sa.create_engine(url)
            for schema in schemas:
                schema.create_all(engine)
            engine.dispose()
        yield made


def sessions(house: House, *days_idle: float) -> list[str]:
    """Replace the sessions by some idle for so many days; their keys."""
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    for number, days in enumerate(days_idle):
        moment = now - timedelta(days=days)
        rows.append(
            {
                "id": f"session{number:04}",
                "last_activity": int(moment.timestamp()),
                "created_at": moment.replace(tzinfo=None, microsecond=0),
            }
        )
    engine = sa.create_engine(house.env["GENUKA_DATABASE_URL"])
    with engine.begin() as connection:
        connection.execute(SESSIONS.delete())
        if rows:
            connection.execute(SESSIONS.insert(), rows)
    engine.dispose()
    return [row["id"] for row in rows]


def left(house: House) -> int:
    """How many sessions are there."""
    engine = sa.create_engine(house.env["GENUKA_DATABASE_URL"])
    with engine.begin() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(SESSIONS)).scalar_one()
    engine.dispose()
    return int(found)
