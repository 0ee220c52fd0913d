"""Closes intentions: with what is known to have gone, or by a look at which of the rows are still there.

An intention that nobody closes says for ever that something may have been destroyed; a guess instead of a
look would be a false entry in a record that is never rewritten.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Intent
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.rows.destroying.evidence import Hasher, Meant, meant
from genuka_pipelines.systems.column_types import as_text
from genuka_pipelines.systems.errors import NotPermitted, RowsLocked
from genuka_pipelines.systems.writer import Found

if TYPE_CHECKING:
    from genuka_pipelines.rows.databases import Homes
    from genuka_pipelines.rows.house import House

_PATIENCE = (0.5, 1.0, 2.0)
"""Seconds between looks at rows that somebody else holds."""


def settle(
    house: House,
    hasher: Hasher,
    intent: Intent,
    meaning: Meant,
    gone: Sequence[tuple[str, ...]],
    *,
    now: datetime,
    root: str | None = None,
) -> None:
    """Write the outcome, after the rows that a restored backup must lose again are listed. `root` where it is known."""
    if meaning.origin is not None and gone:
        from genuka_pipelines.control.erasures import Erasure

        house.control.erasures.record(
            Erasure(
                row=digest.hex(),
                table=meaning.table,
                system=meaning.system,
                database=meaning.database or "",
                origin=meaning.origin,
                at=now,
            )
            for digest in hasher.digests(meaning.table, gone)
        )
    root = root or hasher.root(meaning.table, gone)
    house.control.ledger.outcome(intent, count=len(gone), root=root, as_of=intent.as_of, now=now)


def settle_by_looking(
    house: House, hasher: Hasher, intent: Intent, meaning: Meant, home: Home, *, now: datetime
) -> None:
    """Write the outcome that the database shows. Raises what keeps it from showing it; then nothing is written.

    A row that somebody else deleted between the intention and the look counts as ours: nobody can tell any
    more, it was to go, and a restored backup has to lose it all the same.
    """
    left = set(_patiently(home, meaning)) if home.has(meaning.table) else set()
    settle(house, hasher, intent, meaning, [key for key in meaning.keys if key not in left], now=now)


def finish_open(
    house: House,
    hasher: Hasher,
    homes: Homes,
    system: str,
    clock: Callable[[], datetime],
    leave: Callable[[Meant], None],
) -> Mapping[str, GenukaError]:
    """Finish what a killed process left open, of one system; by rule, why some could not be looked at.

    `leave` is told what these mean: until somebody has looked, their rows are nobody else's.
    """
    unfinished: dict[str, GenukaError] = {}
    for intent in house.control.ledger.open_intents():
        meaning = meant(intent.sealed, house.keyring) if _ours(intent, homes.shared) else None
        if meaning is None or meaning.system != system or meaning.table not in homes.shared.declared:
            continue
        home = homes.shared if meaning.database is None else homes.dedicated.get(meaning.database)
        try:
            if home is None:
                raise homes.unknown.get(meaning.database or "") or GenukaError(
                    f"ledger entry {intent.seq} speaks of a database that the register of {system} no longer names; "
                    "register it again, so that it can be seen what went"
                )
            settle_by_looking(house, hasher, intent, meaning, home, now=clock())
        except GenukaError as error:
            unfinished[intent.planned.rule] = error
            leave(meaning)
    return unfinished


def _ours(intent: Intent, home: Home) -> bool:
    return any(intent.planned.rule.startswith(f"{declared.key}/") for declared in home.declared.values())


def _patiently(home: Home, meaning: Meant) -> list[tuple[str, ...]]:
    for seconds in _PATIENCE:
        try:
            return _left(home, meaning)
        except RowsLocked:
            time.sleep(seconds)
    return _left(home, meaning)


def _left(home: Home, meaning: Meant) -> list[tuple[str, ...]]:
    table = home.table(meaning.table)
    names, declared = table.table.key, home.database.tables()[table.name]
    columns = [table.column(name) for name in names]
    says = not_yet_blank(table) if meaning.verb == "anonymise" else sa.true()
    rows = [Found(key) for key in meaning.keys]
    found: list[tuple[str, ...]] = []
    if not rows:
        return found
    for predicate in home.database.writer.among(columns, [declared[name] for name in names], rows):
        query = sa.select(*(as_text(column) for column in columns)).select_from(table.sql).where(predicate, says)
        try:
            # Locked, so as to wait for the transaction of a killed process, which its server may yet commit.
            with home.database.writing() as connection:
                found += [tuple(row) for row in connection.execute(query.with_for_update())]
        except NotPermitted:
            # Who may not lock a row could not have changed one.
            found += [tuple(row) for row in home.database.rows(query)]
    return found
