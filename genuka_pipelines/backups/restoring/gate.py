"""The gate: no restored database may be used before every erasure since was replayed, proved and written down.

A backup is a way back for everyone who was erased after it was made. Each step here refuses where something
is not known; what was loaded then never gets the name under which anybody would use it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.backups.errors import NotErasedYet
from genuka_pipelines.backups.restoring.cutting import Mentions, still_said
from genuka_pipelines.backups.restoring.erasure_list import erasures_known
from genuka_pipelines.backups.restoring.quarantine import RestoredHouse, Untouched
from genuka_pipelines.backups.restoring.replaying import SLACK, Found, Listing, find, live_home, says_something
from genuka_pipelines.rows.destroying import Limits, Outcome, apply
from genuka_pipelines.rows.destroying.evidence import Hasher
from genuka_pipelines.rows.ending import endings_of
from genuka_pipelines.rows.selection import Due, Rows, Selection

if TYPE_CHECKING:
    from genuka_pipelines.backups.house import Backupable
    from genuka_pipelines.control import Erasure
    from genuka_pipelines.control.cuts import Cut
    from genuka_pipelines.rows.content import Contents
    from genuka_pipelines.rows.declared import Home


@dataclass(frozen=True)
class Passed:
    """What the gate did, in rows: `erased` were listed, `swept` overdue as of now, `kept` listed and held or kept
    by law, `undone` given back in the application, `recovered` on the tenant's instruction. Out of `cut` values of
    other rows an address was taken again. `head` and `sha256` are the last segment of the list that was replayed."""

    erased: int
    swept: int
    kept: int
    undone: int
    recovered: int
    cut: int
    head: int
    sha256: str


@dataclass
class Gate:
    """One passage. `captured` are the snapshots by database (system, tenant or None); `whole` says that no owner
    is missing in them; `planted` are entries of a drill, which no list holds."""

    house: Backupable
    inside: RestoredHouse
    captured: Mapping[tuple[str, str | None], datetime]
    whole: bool
    clock: Callable[[], datetime]
    recover: bool = False
    planted: Sequence[Erasure] = ()
    _counts: Counter[str] = field(default_factory=Counter, init=False, repr=False)

    def passes(self) -> Passed:
        """Replay, sweep, prove. NotErasedYet where anything is left or not known."""
        known = erasures_known(self.house, since=min(self.captured.values()) - SLACK, now=self.clock())
        entries = [*known.listed.values(), *self.planted]
        for home in self._homes():
            for found in self._found(home, entries):
                self._replay(found)
        for system in self.inside.systems:
            outcome = self._apply(self.inside, system, Due(None, self.clock()), self._rules(system))
            self._counts["swept"] += outcome.deleted + outcome.anonymised
        for home in self._homes():
            self._cut(home, known.cuts.values())
        for home in self._homes():
            for found in self._found(home, entries):
                self._prove(found)
        head = known.segments[-1]
        return Passed(head=head.header.number, sha256=head.sha256, **{name: self._counts[name] for name in _COUNTED})

    def _homes(self) -> Iterator[Home]:
        for system in self.inside.systems:
            homes = self.inside.databases(system).homes(self.house.catalog, self.clock())
            yield from (homes.shared, *homes.dedicated.values())

    def _found(self, home: Home, entries: Iterable[Erasure]) -> Iterator[Found]:
        now = self.clock()
        listing = Listing(entries, since=self.captured[home.database.name, home.tenant])
        self._refuse_nameless(home, listing.tables(home.database.name))
        live = live_home(self.house, home, now)
        yield from find(home, listing, Hasher(self.house.keyring), live=live, recover=self.recover, now=now)

    def _refuse_nameless(self, home: Home, tables: frozenset[str]) -> None:
        nameless = (tables & home.database.tables().keys()) - home.declared.keys()
        if nameless:
            raise NotErasedYet(
                f"rows of {', '.join(sorted(nameless))} were erased since this backup, and nothing declares that table "
                "any more, so nobody can find them in it: declare it again, then restore"
            )

    def _cut(self, home: Home, cuts: Iterable[Cut]) -> None:
        """Addresses that were taken out of others' texts since go from them again; one that is left is a refusal."""
        mentions = Mentions(cuts, since=self.captured[home.database.name, home.tenant])
        self._refuse_nameless(home, mentions.tables(home.database.name))
        for said in still_said(home, mentions, self.house.keyring):
            self._counts["cut"] += said.cut(self.house.keyring)
        left = {f"{said.table.name}.{said.column}" for said in still_said(home, mentions, self.house.keyring)}
        if left:
            raise NotErasedYet(
                f"{', '.join(sorted(left))} of the restored copy still says an address that was taken out since: it "
                "stays unusable; restore once more"
            )

    def _replay(self, found: Found) -> None:
        self._counts["undone"] += found.count("undone")
        self._counts["recovered"] += found.count("recovered")
        for rows in found.rows("erase"):
            self._erase(found.home, rows)

    def _prove(self, found: Found) -> None:
        """What is left of the listed rows is held or kept by law; what was anonymised says nothing any more."""
        for rows in found.rows("erase"):
            self._counts["kept"] += self._kept(self._erase(found.home, rows))
        for rows in found.rows("blank"):
            left = says_something(found.home, rows)
            if left:
                self._counts["kept"] += self._kept(self._erase(found.home, Rows(rows.table, left)))

    def _erase(self, home: Home, rows: Rows) -> Outcome:
        outcome = self._apply(self.inside.only(home.database.name, home.tenant), home.database.name, rows, None)
        self._counts["erased"] += outcome.deleted + outcome.anonymised
        return outcome

    def _kept(self, outcome: Outcome) -> int:
        return sum((line.held or 0) + (line.kept_by_law or 0) + (line.waiting or 0) for line in outcome.lines)

    def _apply(self, inside: RestoredHouse, system: str, selection: Selection, rules: Iterable[str] | None) -> Outcome:
        outcome = apply(
            selection, inside, system, as_of=self.clock(), clock=self.clock, limits=Limits(),
            rules=None if rules is None else frozenset(rules), contents=_untouched,
        )  # fmt: skip
        unknown = [f"{line.table}: {line.unknown}" for line in outcome.lines if line.unknown]
        if unknown:
            raise NotErasedYet(f"in the restored copy, what has to go cannot be told ({unknown[0]}): it stays unusable")
        if outcome.survivors or outcome.by_hand:
            tables = ", ".join(sorted({line.table for line in outcome.lines if line.survivors or line.by_hand}))
            raise NotErasedYet(
                f"{outcome.survivors + outcome.by_hand} rows of {tables} that have to go are still in the restored "
                "copy: it stays unusable; restore once more"
            )
        return outcome

    def _rules(self, system: str) -> frozenset[str] | None:
        """Every line but those of rows whose owner vanished, where other owners were not restored: all theirs have."""
        if self.whole:
            return None
        homes = self.inside.databases(system).homes(self.house.catalog, self.clock())
        return frozenset(
            f"{name}.{ending}"
            for home in (homes.shared, *homes.dedicated.values())
            for name in home.declared
            for ending, found in endings_of(home.table(name)).items()
            if not found.of_orphans
        )


_COUNTED = ("erased", "swept", "kept", "undone", "recovered", "cut")


def _untouched(_system: str) -> Contents:
    return Untouched()
