"""Reads the rows of a package in one view of each database, a few at a time, without what is withheld.

The page and the data are two readings; of one instant, or the page would show a row that the data lack.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genuka_pipelines.requests.package.objects import Pointed
from genuka_pipelines.requests.package.values import plain

if TYPE_CHECKING:
    from genuka_pipelines.requests.package.choosing import Chosen
    from genuka_pipelines.systems.database import Database
    from genuka_pipelines.systems.snapshot import Snapshot

_BATCH = 500
MOST_POINTED = 10_000
"""Files and recordings that are listed; of more, the records alone tell."""


@dataclass
class Tally:
    """What was read: rows, values of others that were taken out by column, what rows point at."""

    rows: Counter[Chosen] = field(default_factory=Counter)
    another: dict[Chosen, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    pointed: list[Pointed] = field(default_factory=list)
    more: int = 0


class Records:
    """The rows, as values of JSON by column."""

    def __init__(self, views: Mapping[Database, Snapshot]) -> None:
        self._views = views

    def read(self, one: Chosen, tally: Tally, limit: int | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a table in the order of their keys. Memory is a batch."""
        kinds = {name: one.kind(name) for name in one.given}
        content = one.table.table.content
        for batch in self._views[one.table.home.database].stream(one.query(limit), _BATCH):
            for row in batch.to_pylist():
                tally.rows[one] += 1
                if content and content.key in row:
                    self._point(one, content.system, row[content.key], tally)
                yield {name: self._given(one, name, row[name], kinds[name], tally) for name in one.given}

    @staticmethod
    def _given(one: Chosen, name: str, value: Any, kind: str, tally: Tally) -> Any:
        if one.names.another(name, value):
            tally.another[one][name] += 1
            return None
        return plain(value, kind)

    @staticmethod
    def _point(one: Chosen, system: str, key: object, tally: Tally) -> None:
        if key in (None, ""):
            return
        if len(tally.pointed) < MOST_POINTED:
            tally.pointed.append(Pointed(one.spot.table, system, str(key)))
        else:
            tally.more += 1


@contextmanager
def reading(chosen: Sequence[Chosen]) -> Iterator[Records]:
    """One consistent view of each database that has any of these rows, open until the end."""
    with ExitStack() as stack:
        databases = dict.fromkeys(one.table.home.database for one in chosen)
        yield Records({database: stack.enter_context(database.snapshot()) for database in databases})
