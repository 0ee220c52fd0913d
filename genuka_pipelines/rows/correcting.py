"""Changes single values of named rows, with a keyed hash of what was there and of what is: a rectification, a mark.

A value that was changed without a trace could not be told from one that never was wrong; the trace holds neither.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.selection import Rows
from genuka_pipelines.rows.where import where
from genuka_pipelines.systems.column_types import as_text, kind_of

if TYPE_CHECKING:
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.rows.declared import DeclaredTable

Key = tuple[str, ...]
Change = Callable[[str | None], str | None]
"""What a value, as its text, becomes."""
ERASED = "[erased]"
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
"""A string of JSON."""
AT_ONCE = 200


@dataclass(frozen=True)
class Corrected:
    """Rows of a column whose value changed, with keyed hashes of all old and of all new values, in key order."""

    table: str
    column: str
    keys: tuple[Key, ...] = field(repr=False)
    before: str
    after: str


def correct(
    table: DeclaredTable,
    column: str,
    keys: Collection[Key],
    change: Change,
    keyring: Keyring,
) -> Iterator[Corrected]:
    """Change a column of rows, a few hundred in a transaction; rows that are gone, or would not change, are left out.

    `change` is given the value's text, under a lock on its row. Values are text, JSON, dates or moments.
    """
    if kind_of(table.column(column)) not in ("text", "json", "date", "timestamp"):
        raise UnfitColumn(table.name, column, kind_of(table.column(column)), "text, JSON, a date or a moment")
    wanted = sorted(keys)
    for start in range(0, len(wanted), AT_ONCE):
        changed = _few(table, column, frozenset(wanted[start : start + AT_ONCE]), change)
        if changed:
            yield Corrected(
                table.name,
                column,
                tuple(key for key, _, _ in changed),
                _digest(keyring, table.name, column, [(key, old) for key, old, _ in changed]),
                _digest(keyring, table.name, column, [(key, new) for key, _, new in changed]),
            )


def without(needles: Iterable[str]) -> Change:
    """A change that takes every address, number or name out of a text, or out of the strings of a JSON value.

    Only where it stands as a whole: `ann@example.org` is no part of `joann@example.org`.
    """
    wanted = sorted({needle for needle in needles if needle}, key=len, reverse=True)
    pattern = re.compile("|".join(map(_whole, wanted)) or r"(?!)", re.IGNORECASE)

    def cut(text: str) -> str:
        return pattern.sub(ERASED, text)

    def string(found: re.Match[str]) -> str:
        said = json.loads(found[0], strict=False)
        left = cut(said)
        return found[0] if left == said else json.dumps(left, ensure_ascii=False)

    def change(text: str | None) -> str | None:
        if text is None:
            return None
        if text[:1] in "{[":
            try:
                json.loads(text, strict=False)
            except ValueError:
                return cut(text)
            return _STRING.sub(string, text)  # numbers, spaces and all else keep their bytes
        return cut(text)

    return change


def _whole(needle: str) -> str:
    before, after = (r"(?<![\w.+-])", r"(?!\w|[.-]\w)") if "@" in needle else (r"(?<!\w)", r"(?!\w)")
    # What begins or ends with a sign is whole by it.
    word = [re.match(r"\w", needle[at]) is not None for at in (0, -1)]
    return (before if word[0] else "") + re.escape(needle) + (after if word[1] else "")


def _few(
    table: DeclaredTable, column: str, keys: frozenset[Key], change: Change
) -> Sequence[tuple[Key, str | None, str | None]]:
    database, sql = table.home.database, table.home.database.table(table.name)
    parts = [as_text(sql.c[name]) for name in table.table.key]
    chosen = sa.select(*parts, as_text(sql.c[column])).where(where(Rows(table.name, keys), table)).with_for_update()
    found: list[tuple[Key, str | None, str | None]] = []
    with database.writing() as connection:
        for *key, old in connection.execute(chosen.order_by(*parts)).all():
            new = change(old)
            if new != old:
                one = where(Rows(table.name, frozenset({tuple(key)})), table)
                connection.execute(sa.update(sql).where(one).values({column: _value(table, column, new)}))
                found.append((tuple(key), old, new))
    return found


def _value(table: DeclaredTable, column: str, text: str | None) -> sa.ColumnElement[Any]:
    """The text as the column's own type, spelled by the server."""
    if text is None:
        return sa.null()
    database = table.home.database
    literal: sa.ColumnElement[Any] = sa.literal(text, sa.Text)
    if database.dialect.name == "mysql":
        return literal
    declared = database.tables()[table.name][column]
    return sa.cast(literal, _Declared(declared))


class _Declared(sa.types.UserDefinedType[str]):
    """A type by the server's own word for it."""

    cache_ok = True

    def __init__(self, declared: str) -> None:
        self.declared = declared

    def get_col_spec(self, **_: Any) -> str:
        return self.declared


def _digest(keyring: Keyring, table: str, column: str, values: Sequence[tuple[Key, str | None]]) -> str:
    said = json.dumps([table, column, values], ensure_ascii=False, separators=(",", ":"))
    return keyring.erasure.hex(f"values\x1f{said}".encode())


def in_ledger(control: Control, request: str, category: str, changed: Corrected, *, now: datetime) -> None:
    """Write down what changed, after it did: no value, no key."""
    from genuka_pipelines.control.bodies import ValuesChanged

    said = ValuesChanged(
        request=request, category=category, table=changed.table, column=changed.column, count=len(changed.keys),
        before=changed.before, after=changed.after,
    )  # fmt: skip
    control.ledger.append(said, as_of=now, now=now)
