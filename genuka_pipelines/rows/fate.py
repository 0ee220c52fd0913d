"""What becomes of a table's rows under one ending: who may go, who is held, whom the law keeps, who waits.

The plan, the sweep and the recount all read their predicates here; a second spelling of any of them
would let a sweep destroy what the plan said was kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal
from weakref import WeakKeyDictionary

import sqlalchemy as sa

from genuka_pipelines.catalog.rule import Rule
from genuka_pipelines.rows.above import Above, all_below, along, dependents, law_at_or_above, law_below
from genuka_pipelines.rows.blanks import not_yet_blank
from genuka_pipelines.rows.declared import DeclaredTable, Home
from genuka_pipelines.rows.due import due_by, within_minimum
from genuka_pipelines.rows.ending import Ending, Verb, endings_of
from genuka_pipelines.rows.path import Predicate, any_of, but_not, never
from genuka_pipelines.rows.selection import Due, Hold, Selection
from genuka_pipelines.rows.where import held, where

Meanwhile = Literal["keep", "anonymise"]


@dataclass(frozen=True, eq=False)
class Fate:
    """One line: `due` are its rows, and among those exactly one of the others but `scrubbed` is true.

    `free` rows go by `verb`; those that wait stay because a row that must go before them is itself kept;
    those `scrubbed` are kept by law, and anonymised meanwhile.
    """

    name: str | None
    rule: Rule | None
    verb: Verb
    due: Predicate
    held: Predicate
    by_law: Predicate
    waits: Predicate
    free: Predicate
    scrubbed: Predicate

    @property
    def goes(self) -> Predicate:
        """The rows to which the verb is done."""
        return self.due & self.free

    @property
    def blanked(self) -> Predicate:
        """The rows that are anonymised while the law keeps them."""
        return sa.false() if never(self.scrubbed) else self.due & self.scrubbed

    @property
    def anonymised(self) -> Predicate:
        """The rows that are anonymised, for either reason."""
        return self.free if self.verb == "anonymise" else self.scrubbed


def fates(
    selection: Selection,
    table: DeclaredTable,
    *,
    as_of: datetime,
    holds: Sequence[Hold] = (),
    only: tuple[str | None, Verb] | None = None,
) -> Iterator[Fate]:
    """The fate of the selected rows of a table under each of its endings; or under `only` one, by name and verb.

    None where the facts say that the selection asks for no row of it.
    """
    if not isinstance(selection, Due) and not _within_reach(selection, table):
        return
    kept = _Kept(table, as_of, holds)
    if isinstance(selection, Due):
        for name, ending in endings_of(table).items():
            chosen = selection.rule is None or selection.rule is ending.rule or selection.rule == ending.rule
            if chosen and only in (None, (name, ending.verb)):
                over = due_by(ending, selection.as_of)
                yield _fate(kept, name, ending.rule, ending.verb, over, _law_beyond(ending, as_of))
        return
    if only in (None, (None, "delete")):
        yield _fate(kept, None, None, "delete", _selected(selection, table), sa.false())
    scrubbed = _selected(selection, table, anonymised=True) if only in (None, (None, "anonymise")) else sa.false()
    if not never(scrubbed):
        yield _fate(kept, None, None, "anonymise", scrubbed & not_yet_blank(table), sa.false())


_REACHES: WeakKeyDictionary[Home, tuple[Selection, frozenset[str]]] = WeakKeyDictionary()
"""The tables that the last selection may reach; a person is in five of sixty, and each would be asked for all."""


def _within_reach(selection: Selection, table: DeclaredTable) -> bool:
    """Whether a selection asks for rows of a table, or for rows that take some of it along."""
    home = table.home
    known = _REACHES.get(home)
    if known is None or known[0] is not selection:
        names = [name for name in home.declared if home.has(name)]
        seeds = [name for name in names if not never(where(selection, home.table(name)))]
        known = _REACHES[home] = (selection, all_below(home, seeds))
    return table.name in known[1]


def erasable(selection: Selection, table: DeclaredTable, *, as_of: datetime, holds: Sequence[Hold] = ()) -> Predicate:
    """The selected rows that nothing keeps: not a hold, not the law, not a row that must go before them."""
    return any_of(fate.goes for fate in fates(selection, table, as_of=as_of, holds=holds))


def law_keeps(
    table: DeclaredTable, as_of: datetime, meanwhile: Meanwhile | None = None, passed: frozenset[str] = frozenset()
) -> Predicate:
    """Rows within a legal minimum of any rule, of theirs or of a row they go with; only those of one `meanwhile`."""
    if not law_at_or_above(table.home, table.name):
        return sa.false()
    laws = (rule.law for rule in table.category.rules_of(table.name) if rule.law)
    own = [within_minimum(table, law, as_of) for law in laws if meanwhile in (None, law.meanwhile)]
    ways = along(table, passed, lambda way, seen: law_keeps(way.target, as_of, meanwhile, seen) if way.destroys
                  else sa.false())  # fmt: skip
    return any_of([*own, *ways])


def kept_below(
    table: DeclaredTable, as_of: datetime, holds: Sequence[Hold], passed: frozenset[str] = frozenset()
) -> Predicate:
    """Rows with a row below them that must go first, and is held or kept by law."""
    if not holds and not law_below(table.home, table.name):
        return sa.false()
    found, seen = [], passed | {table.name}
    for way in dependents(table.home, table.name):
        if way.table.name in seen:
            continue
        child = way.table
        hold = held(child, holds, seen)
        law = law_keeps(child, as_of, None if way.destroys else "keep")
        kept = any_of(
            [
                hold,
                law,
                kept_below(child, as_of, holds, seen) if isinstance(way, Above) and way.destroys else sa.false(),
            ]
        )
        if not never(kept):
            found.append(way.below(table, lambda below, way=way, kept=kept: way.left(below) & kept))  # type: ignore[misc]
    return any_of(found)


def left_below(table: DeclaredTable) -> Predicate:
    """Rows with a row below them that has not gone yet, or still says something."""
    return any_of(way.below(table, way.left) for way in dependents(table.home, table.name))


class _Kept:
    """What keeps a table's rows, whichever rule ends them; each predicate is built once, and only when needed."""

    def __init__(self, table: DeclaredTable, as_of: datetime, holds: Sequence[Hold]) -> None:
        self.table, self._as_of, self._holds = table, as_of, holds

    @cached_property
    def held(self) -> Predicate:
        return held(self.table, self._holds)

    @cached_property
    def law(self) -> Predicate:
        return law_keeps(self.table, self._as_of)

    @cached_property
    def strict(self) -> Predicate:
        return law_keeps(self.table, self._as_of, "keep")

    @cached_property
    def mild(self) -> Predicate:
        return law_keeps(self.table, self._as_of, "anonymise")

    @cached_property
    def below(self) -> Predicate:
        return kept_below(self.table, self._as_of, self._holds)


def _fate(kept: _Kept, name: str | None, rule: Rule | None, verb: Verb, over: Predicate, beyond: Predicate) -> Fate:
    under, strict, deletes = kept.held, kept.strict, verb != "anonymise"
    law = any_of([kept.law if deletes else strict, beyond])
    waits = kept.below if deletes else sa.false()
    mild = kept.mild if deletes else sa.false()
    unheld = but_not(sa.true(), under)
    return Fate(
        name=name,
        rule=rule,
        verb=verb,
        due=over,
        held=under,
        by_law=but_not(law, under),
        waits=but_not(but_not(waits, law), under),
        free=but_not(but_not(unheld, law), waits),
        scrubbed=sa.false() if never(mild) else but_not(but_not(mild, strict), under) & not_yet_blank(kept.table),
    )


def _law_beyond(ending: Ending, as_of: datetime) -> Predicate:
    """What the law says of the rows an anonymisation follows: one it keeps as it is, it also keeps copies of."""
    if ending.verb != "anonymise":
        return sa.false()
    found = []
    for way, _ in ending.ways:
        law = law_keeps(way.target, as_of, "keep")
        if not never(law):
            found.append(way.some(lambda _, law=law: law))  # type: ignore[misc]
    return any_of(found)


def _selected(
    selection: Selection, table: DeclaredTable, *, anonymised: bool = False, passed: frozenset[str] = frozenset()
) -> Predicate:
    """The rows asked for, and those that go with a row that is; or those that only lose what they say of it.

    A row that is made anonymous is still there: what is kept with it (an order's lines) is made anonymous too,
    and what ends with it (its files, its trace) goes, as under a rule.
    """
    own = [] if anonymised else [where(selection, table)]

    def above(way: Above, seen: frozenset[str]) -> Predicate:
        if way.becomes == "kept_with":
            return _selected(selection, way.target, anonymised=anonymised, passed=seen)
        if (way.becomes == "anonymise") != anonymised:
            return sa.false()
        ends = [_selected(selection, way.target, anonymised=one, passed=seen) for one in (False, True)]
        return any_of(ends)

    return any_of([*own, *along(table, passed, above)])
