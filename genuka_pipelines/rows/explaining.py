"""Why a row is still there: the verdict on one row, from what the predicates of its rules read of it.

A sweep answers for millions; a person asks about one. It is read by the same expressions and compared
with the same predicates, so that no explanation says other than what a sweep does.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa

from genuka_pipelines.catalog.errors import GenukaError, PromiseBroken
from genuka_pipelines.catalog.promise import Reading
from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.catalog.value import Language
from genuka_pipelines.catalog.verdict import Below, Held, Verdict, verdict
from genuka_pipelines.catalog.vocabulary import Vocabulary
from genuka_pipelines.rows.databases import expected_in_dedicated
from genuka_pipelines.rows.declared import DeclaredTable
from genuka_pipelines.rows.ending import endings_of
from genuka_pipelines.rows.errors import UnfitColumn
from genuka_pipelines.rows.fate import fates, kept_below
from genuka_pipelines.rows.path import Predicate
from genuka_pipelines.rows.reading import Query, Yes, paths, read
from genuka_pipelines.rows.selection import Due, Hold
from genuka_pipelines.rows.where import held
from genuka_pipelines.words.verdicts import say_place, say_unseen, say_verdict

if TYPE_CHECKING:
    from genuka_pipelines.rows.house import House

_LARGEST = 2**63
_WAY = " "
"""Between a rule's name and the number of the way by which it reaches a row, where there are several."""


class NoSuchRow(GenukaError):
    """Nothing has the key that was asked about, or its table is not declared."""


class NotOneRow(GenukaError):
    """A key is not that of one row, so nothing can be said of it."""


class VerdictDisagrees(PromiseBroken):
    """What is explained differs from what a sweep would do, so that neither can be trusted."""


@dataclass(frozen=True)
class Found:
    """One row: the tenant whose own database it is in, or None; its verdict; its rules by the same names."""

    tenant: str | None
    verdict: Verdict
    rules: Mapping[str, Rule]


@dataclass(frozen=True)
class Explanation:
    """The rows of a table that have a key, one in each database at most, and nothing of what they hold.

    `unknown` says in sentences which databases could not be looked into.
    """

    system: str
    table: str
    category: str
    as_of: datetime
    found: tuple[Found, ...]
    unknown: tuple[str, ...]
    vocabulary: Vocabulary = field(repr=False, compare=False)


def explain(
    house: House, system: str, table: str, key: str, as_of: datetime, holds: Sequence[Hold] = ()
) -> Explanation:
    """The verdict on the row of a key: `42`, a text, or `a,b` for a key of two columns (quoted as in CSV).

    Raises NoSuchRow where no database has it, NotOneRow for a key of another shape. No error repeats the
    key, which may be a person's address.
    """
    homes = house.databases(system).homes(house.catalog, as_of)
    declaration = homes.shared.declared.get(table)
    if declaration is None:
        near = difflib.get_close_matches(table, homes.shared.declared, 1)
        hint = f"did you mean {near[0]}?" if near else f"its tables are {', '.join(homes.shared.declared)}"
        raise NoSuchRow(f"no table of that name is declared in {system}; {hint}")
    expected = expected_in_dedicated(homes.shared, table)
    found = _explained(homes.shared.table(table), key, as_of, holds)
    unknown = [str(error) for error in homes.unknown.values()] if expected else []
    for home in homes.dedicated.values():
        if expected or home.has(table):
            try:
                found += _explained(home.table(table), key, as_of, holds)
            except VerdictDisagrees:
                raise
            except GenukaError as error:
                unknown.append(str(error))
    if not found:
        beside = f"; of its databases, {len(unknown)} could not be looked into: {unknown[0]}" if unknown else ""
        raise NoSuchRow(f"no row of '{table}' in {system} has that key{beside}")
    vocabulary = house.catalog.vocabulary
    return Explanation(system, table, declaration.key, as_of, tuple(found), tuple(unknown), vocabulary)


def explained(explanation: Explanation, language: Language) -> list[str]:
    """The explanation in sentences: where the row is, who decides, what each rule says."""
    said = []
    for row in explanation.found:
        said.append(say_place(explanation.table, explanation.system, row.tenant, explanation.as_of, language))
        said += say_verdict(row.verdict, row.rules, explanation.vocabulary, language)
    return said + [say_unseen(why, language) for why in explanation.unknown]


def _explained(table: DeclaredTable, key: str, as_of: datetime, holds: Sequence[Hold]) -> list[Found]:
    is_it = _is_row(table, key)
    if is_it is None:
        return []
    query = Query()
    endings = endings_of(table)
    asked = {name: [read(query, path, as_of) for path in paths(one)] for name, one in endings.items()}
    covers = {hold.id: query.yes(held(table, [hold])) for hold in holds}
    law_below = query.yes(kept_below(table, as_of, []))
    holds_below = {hold.id: query.yes(kept_below(table, as_of, [hold])) for hold in holds}
    swept = {
        str(fate.name): (query.yes(fate.due), query.yes(fate.goes))
        for fate in fates(Due(None, as_of), table, as_of=as_of, holds=holds)
    }
    rows = table.home.database.rows(sa.select(*query.asked).select_from(table.sql).where(is_it).limit(2))
    if len(rows) > 1:
        raise NotOneRow(f"several rows of '{table.name}' have that key; declare its whole primary key")
    if not rows:
        return []
    query.answers = rows[0]
    readings = {one: reading for name, reads in asked.items() for one, reading in _leading(name, reads)}
    # a row whose every rule is another's, and that names no such row, still has a reason to be told
    readings = readings or {name: reads[0][1]() for name, reads in asked.items() if not endings[name].of_orphans}
    covering = [Held(hold) for hold, is_held in covers.items() if is_held()]
    # where the law keeps a row below, it is one reason enough; the question of a hold includes it
    held_below = [] if law_below() else [Held(hold) for hold, is_held in holds_below.items() if is_held()]
    found = verdict(readings, as_of, covering, Below(law_below(), tuple(held_below)))
    _agree(table, found, {name: (due(), goes()) for name, (due, goes) in swept.items()})
    return [Found(table.home.tenant, found, {name: reading.rule for name, reading in readings.items()})]


def _leading(name: str, reads: Sequence[tuple[Yes, Callable[[], Reading]]]) -> Iterator[tuple[str, Reading]]:
    """What the row says of a rule, once for each way that leads it to a row of the rule's table."""
    for place, reading in enumerate(reading for there, reading in reads if there()):
        yield f"{name}{_WAY}{place + 1}" if place else name, reading()


def _agree(table: DeclaredTable, found: Verdict, swept: Mapping[str, tuple[bool, bool]]) -> None:
    said: dict[str, tuple[bool, bool]] = {}
    for promise in found.promised:
        name = promise.rule.partition(_WAY)[0]
        due, goes = said.get(name, (False, False))
        said[name] = (due or promise.due, goes or found.goes(promise))
    for name, does in swept.items():
        if said.get(name, (False, False)) != does:
            raise VerdictDisagrees(
                f"rule '{name}' of '{table.name}' is explained otherwise than a sweep applies it; "
                "ask again, and if that stays, sweep the table no more and report it"
            )


def _is_row(table: DeclaredTable, key: str) -> Predicate | None:
    """The row of a key given as text; None where no row can have it."""
    names = table.table.key
    if any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in key):
        return None
    try:
        parts = [key] if len(names) == 1 else next(csv.reader([key]), [])
    except csv.Error:
        parts = []
    if len(parts) != len(names):
        raise NotOneRow(f"the key of '{table.name}' has {len(names)} parts; give them as {','.join(names)}")
    same: list[Predicate] = []
    for name, part in zip(names, parts, strict=True):
        column, kind = table.column(name), table.kind(name)
        if kind not in ("text", "integer"):
            raise UnfitColumn(table.name, name, kind, "text or a whole number, as every key")
        if kind == "integer" and not (re.fullmatch(r"[+-]?[0-9]{1,19}", part) and abs(int(part)) < _LARGEST):
            return None
        same.append(column == (int(part) if kind == "integer" else part))
    return sa.and_(*same)
