"""Helpers for tests of the seeding: targets on real servers, digests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from sqlalchemy import Engine, create_engine, select

from genuka_pipelines.demo.schema import tables_of
from genuka_pipelines.demo.seed import Seeded, Target, dedicated_refs, seed
from genuka_pipelines.demo.seed.values import GENLETTER, GENUKA
from tests.demo.recipes import AS_OF, role, table_of
from tests.servers import Kind, fresh_database

SMALL: dict[str, Any] = {"companies": 12, "days": 8, "seed": 3, "as_of": AS_OF}


@dataclass
class Place:
    """A target on a real server, with its media in memory."""

    target: Target
    engines: dict[str, Engine]
    media: dict[str, bytes] = field(default_factory=dict)
    seeded: Seeded | None = None

    def rows(self, database: str, name: str) -> list[dict[str, Any]]:
        table = table_of(database, name)
        with self.engines[database].connect() as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


@contextmanager
def place(kind: Kind, companies: int) -> Iterator[Place]:
    """Fresh databases for a seeding of this size."""
    with ExitStack() as stack:
        engines: dict[str, Engine] = {}
        for name in (GENUKA, GENLETTER, *dedicated_refs(companies)):
            engines[name] = create_engine(stack.enter_context(fresh_database(kind)))
            stack.callback(engines[name].dispose)
        media: dict[str, bytes] = {}
        target = Target(
            engines[GENUKA],
            engines[GENLETTER],
            engines.__getitem__,
            media.__setitem__,
            lambda key: media.pop(key, None),
        )
        yield Place(target, engines, media)


def filled(made: Place, **recipe: Any) -> Place:
    made.seeded = seed(made.target, **(SMALL | recipe))
    return made


def plain(value: Any) -> Any:
    """A value as both dialects would have it."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def digests(made: Place) -> dict[tuple[str, str], str]:
    """A digest of every table's logical content, whatever the dialect and the order of rows."""
    found = {}
    for database in made.engines:
        for table in tables_of(role(database)):
            rows = made.rows(database, table.name)
            lines = sorted(repr([plain(value) for value in row.values()]) for row in rows)
            found[database, table.name] = sha256("\n".join(lines).encode()).hexdigest()
    return found
