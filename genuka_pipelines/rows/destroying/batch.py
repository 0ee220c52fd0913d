"""Destroys one batch: the intention is durable before the first row goes, the outcome says which went.

Everything that could be lost between the two (a killed process, a broken connection, a lock, a hold that
arrives) ends in one of two places: an outcome that is right, or an intention left open to be finished. It is
left open too where a provider was told to destroy what rows point at and nobody knows whether it did; where
it says that something is still there, the outcome names the rows that went.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Intent, Planned
from genuka_pipelines.control.errors import GateLost
from genuka_pipelines.control.gate import Gate
from genuka_pipelines.rows.destroying.emptying import UNSURE, Emptier
from genuka_pipelines.rows.destroying.evidence import Batch, Hasher, Meant
from genuka_pipelines.rows.destroying.grip import Grip, Grips, looks_at_its_row_alone
from genuka_pipelines.rows.destroying.settling import settle, settle_by_looking
from genuka_pipelines.rows.destroying.target import Target
from genuka_pipelines.rows.holding import live_holds
from genuka_pipelines.rows.selection import Hold
from genuka_pipelines.rows.where import held
from genuka_pipelines.systems.errors import DatabaseUnreachable, RowsLocked, TooSlow
from genuka_pipelines.systems.writer import Found, keys_of

if TYPE_CHECKING:
    from genuka_pipelines.control.hold import StoredHold
    from genuka_pipelines.rows.content import Contents, Failure
    from genuka_pipelines.rows.declared import Home
    from genuka_pipelines.rows.house import House
    from genuka_pipelines.systems.database import Database

_COME_BACK = 1.0
"""Seconds before keys that a provider had no time for are tried again, during which holds may change."""
_PATIENCE = (0.2, 1.0, 3.0)
"""Seconds before each further look at a database that was lost."""


class _OthersToo(Exception):
    """Not all rows of the batch could go; the transaction is undone and tried with care."""


@dataclass
class Result:
    """What a batch did: `locked` are seconds behind the gate; `busy` rows were another session's.

    `content_left` says why what some rows point at is not known to be gone; of the rows `unsure`, nobody
    knows whether it is.
    """

    destroyed: int = 0
    busy: int = 0
    locked: float = 0.0
    content_left: str | None = None
    unsure: set[tuple[str, ...]] = field(default_factory=set)


@dataclass
class Destroyer:
    """Destroys batches of one system. `contents` opens what rows point at, by system.

    `homes` are the system's databases, and `go_on` says between small parts of a batch whether to go on.
    `by_hand` counts the rows whose content only people can destroy, since somebody set it to nothing;
    `procedure` is theirs.
    """

    house: House
    system: str
    clock: Callable[[], datetime]
    hasher: Hasher
    contents: Callable[[str], Contents] | None
    homes: Sequence[Home] = ()
    go_on: Callable[[Database], bool] = field(default=lambda _: True, repr=False)
    by_hand: int = 0
    procedure: str | None = None
    _emptiers: dict[str, Emptier] = field(default_factory=dict, repr=False)
    _emptied: list[tuple[Target, Found]] = field(default_factory=list, repr=False)
    _left_open: dict[tuple[str | None, str], set[tuple[str, ...]]] = field(default_factory=dict, repr=False)
    _holds: tuple[tuple[StoredHold, ...], tuple[Hold, ...]] | None = field(default=None, repr=False)

    def holds(self, stored: Sequence[StoredHold]) -> tuple[Hold, ...]:
        """The holds of the system that bind now; the same value as long as they are the same."""
        wanted = tuple(stored)
        if self._holds is None or self._holds[0] != wanted:
            self._holds = wanted, live_holds(wanted, self.house.keyring, self.system)
        return self._holds[1]

    def prepared(self, target: Target, rows: Sequence[Found], grip: Grip | None = None) -> Batch:
        """The evidence of rows that are about to go; of a `grip`, all that it holds."""
        return Batch(rows, self.hasher.root(target.table.name, keys_of(rows)), grip)

    def grips(self, target: Target, holds: Sequence[Hold]) -> Grips | None:
        """For the windows of a target that can be destroyed by what was read; None for any other."""
        database = target.table.home.database
        if not database.writer.grips or target.takes_along or self._emptier(target) is not None:
            return None
        return Grips(database, holds) if looks_at_its_row_alone(target.goes(holds)) else None

    def destroy(self, target: Target, batch: Batch, rule: str, origin: str | None) -> Result:
        """Destroy what may go of a batch, and write down what went.

        With rows `unsure` the intention stays open: the next run finishes it by a look at what is still there.
        """
        emptier = self._emptier(target)
        batch = self._ready(target, batch, emptier)
        result = Result(content_left=emptier.down if emptier else None)
        if not batch.rows:
            return result
        keys = keys_of(batch.rows)
        meaning = Meant(self.system, target.table.name, target.table.home.tenant, target.does, origin, keys)
        ledger = self.house.control.ledger
        planned = Planned(rule=rule, table=target.table.name, count=len(keys), root=batch.root, verb=target.does)
        intent = ledger.intend(planned, as_of=target.as_of, now=self.clock(), sealed=meaning.sealed(self.house.keyring))
        try:
            gone = self._part(target, batch.rows, range(len(keys)), result, grip=batch.grip) if emptier is None else [
                place for part in self._parts(target, batch.rows, emptier, result) for place in part
            ]  # fmt: skip
        except GenukaError as error:
            if result.unsure or not self._look(intent, meaning, target, error):
                self.leave(meaning)
            raise
        if result.unsure:
            self.leave(meaning)
            return result
        all_gone = len(gone) == len(keys)
        went = keys if all_gone else [keys[place] for place in gone]
        root = batch.root if all_gone else None
        settle(self.house, self.hasher, intent, meaning, went, now=self.clock(), root=root)
        return result

    def leave(self, meaning: Meant) -> None:
        """Keep the rows of an open intention out of this run, or two outcomes would speak of the same row."""
        self._left_open.setdefault((meaning.database, meaning.table), set()).update(meaning.keys)

    def held_too_late(self, targets: Sequence[Target]) -> int:
        """How many rows a hold reached when what they point at was gone already, and they were not."""
        number = 0
        for target in targets:
            rows = [row for of, row in self._emptied if of is target]
            if rows:
                live = self.holds(self.house.control.holds.live(self.clock()))
                with target.table.home.database.connected() as connection:
                    number += len(target.present(connection, rows, goes=held(target.table, live)))
        return number

    def _emptier(self, target: Target) -> Emptier | None:
        content = target.table.table.content
        if content is None or not target.empties_content:
            return None
        if self.contents is None:
            raise GenukaError(f"rows of '{target.table.name}' point at {content.system}, which nobody opened; open it")
        if content.system not in self._emptiers:
            homes = self.homes or (target.table.home,)
            self._emptiers[content.system] = Emptier(content.system, self.contents(content.system), homes)
        return self._emptiers[content.system]

    def _ready(self, target: Target, batch: Batch, emptier: Emptier | None) -> Batch:
        """The rows of a batch that anything can be done about now; those that wait for people are counted."""
        stays: Collection[tuple[str, ...]] = self._left_open.get((target.table.home.tenant, target.table.name), ())
        if emptier is not None and (emptier.by_hand or emptier.down):
            waiting = {row.key for row in batch.rows if row.content}
            stays = waiting.union(stays)
            if emptier.by_hand:
                self.by_hand, self.procedure = self.by_hand + len(waiting), emptier.by_hand
        rows = [row for row in batch.rows if row.key not in stays] if stays else batch.rows
        return batch if len(rows) == len(batch.rows) else self.prepared(target, rows)

    def _part(
        self, target: Target, rows: Sequence[Found], places: Sequence[int], result: Result,
        emptier: Emptier | None = None, late: deque[int] | None = None, grip: Grip | None = None,
    ) -> Sequence[int]:  # fmt: skip
        """Rows of one stay behind the gate: those that went."""
        emptied: Collection[int] = ()
        gone: Sequence[int] = ()
        with self.house.control.holds.gate(self.clock()) as gate:
            began = time.perf_counter()
            if emptier is not None:
                places, emptied = self._without_content(target, rows, places, gate, emptier, result, late)
            try:
                gone, busy = self._act(target, rows, places, gate, grip)
            finally:
                self._emptied += [(target, rows[place]) for place in set(emptied).difference(gone)]
        result.destroyed += len(gone)
        result.busy += busy
        result.locked += time.perf_counter() - began
        return gone

    def _parts(
        self, target: Target, rows: Sequence[Found], emptier: Emptier, result: Result
    ) -> Iterator[Sequence[int]]:
        """The same for rows that point at something, a few at a time; the gate is left between two parts."""
        bare = [place for place, row in enumerate(rows) if not row.content]
        if bare:
            yield self._part(target, rows, bare, result)
        left = deque(place for place, row in enumerate(rows) if row.content)
        while left and emptier.down is None and self.go_on(target.table.home.database):
            places = [left.popleft() for _ in range(min(emptier.size, len(left)))]
            late = deque[int]()
            yield self._part(target, rows, places, result, emptier, late)
            if late:
                left.extendleft(reversed(late))
                time.sleep(_COME_BACK)

    def _act(
        self, target: Target, rows: Sequence[Found], places: Sequence[int], gate: Gate, grip: Grip | None
    ) -> tuple[Sequence[int], int]:
        """Those rows that went, and how many another session held."""
        if not places:
            return [], 0
        try:
            if grip is not None and grip.serves(self.holds(gate)):
                return self._in_hand(target, places, gate, grip), 0
            return self._at_once(target, rows, places, gate), 0
        except (_OthersToo, RowsLocked, TooSlow):
            pass
        try:
            return self._with_care(target, rows, places, gate)
        except RowsLocked:
            # A server that reads the whole of a small table waits for rows that were never asked for.
            return self._with_care(target, rows, places, gate, one_by_one=True)

    def _in_hand(self, target: Target, places: Sequence[int], gate: Gate, grip: Grip) -> Sequence[int]:
        """All that the grip read, found by the same predicate at the same moment, or _OthersToo and none."""
        goes, salt = target.goes(self.holds(gate)), secrets.token_bytes(32)
        with grip.acting() as connection:
            if target.act(connection, grip.reach, goes, salt) != len(places):
                raise _OthersToo
            gate.check()
        return places

    def _at_once(self, target: Target, rows: Sequence[Found], places: Sequence[int], gate: Gate) -> Sequence[int]:
        """All of them in one go, or _OthersToo and none."""
        if target.takes_along:
            raise _OthersToo
        chosen = rows if len(places) == len(rows) else [rows[place] for place in places]
        goes, salt = target.goes(self.holds(gate)), secrets.token_bytes(32)
        with target.table.home.database.writing() as connection:
            went = sum(target.act(connection, found, goes, salt) for found in target.found(chosen))
            if went != len(chosen):
                raise _OthersToo
            gate.check()
        return places

    def _with_care(
        self, target: Target, rows: Sequence[Found], places: Sequence[int], gate: Gate, *, one_by_one: bool = False
    ) -> tuple[list[int], int]:
        """Those that are nobody else's just now, locked first so that it is known which went; and who were busy."""
        goes, salt = target.goes(self.holds(gate)), secrets.token_bytes(32)
        where = {rows[place].key: place for place in places}
        database = target.table.home.database
        chosen = [rows[place] for place in places]
        with database.connected() as connection:
            there = {key for key in target.present(connection, chosen, goes=goes) if key in where}
        with database.writing() as connection:
            mine = [rows[where[key]] for key in target.present(connection, chosen, locked=True, goes=goes)]
            unplaced = [row._replace(place=None) for row in mine]
            each = [[row] for row in unplaced] if one_by_one else [unplaced] if mine else []
            went = sum(target.act(connection, found, goes, salt) for part in each for found in target.found(part))
            gone = Counter(row.key for row in mine)
            if went != len(mine):
                gone -= Counter(target.present(connection, mine))
                if gone.total() != went:
                    raise RowsLocked(f"rows of '{target.table.name}' change while they are judged; try again later")
            gate.check()
        busy = len(there.difference(row.key for row in mine))
        return [where[key] for key in gone.elements()], busy

    def _without_content(
        self, target: Target, rows: Sequence[Found], places: Sequence[int], gate: Gate, emptier: Emptier,
        result: Result, late: deque[int] | None,
    ) -> tuple[list[int], list[int]]:  # fmt: skip
        """The rows whose content elsewhere is gone, proved, or kept by other rows that point there too; and the former.

        Only rows that may go now, by the holds of the gate, are asked about. What a provider had no time for
        is put into `late`.
        """
        chosen = [rows[place] for place in places]
        with target.table.home.database.connected() as connection:
            there = set(target.present(connection, chosen, goes=target.goes(self.holds(gate))))
        places = [place for place in places if rows[place].key in there]
        named = Counter(str(rows[place].content) for place in places)
        kept = emptier.named_elsewhere(target, named)
        answers: dict[str, Failure | None] = dict.fromkeys(kept)
        answers |= emptier.empty(sorted(named.keys() - kept))
        free, emptied = [], []
        for place in places:
            row = rows[place]
            failure = answers[str(row.content)]
            if failure is None:
                free.append(place)
                if row.content not in kept:
                    emptied.append(place)
            elif failure.reason == "by_hand":
                self.by_hand, self.procedure = self.by_hand + 1, failure.procedure
            elif failure.reason == "out_of_time" and late is not None and emptier.patient:
                late.append(place)
            else:
                result.content_left = result.content_left or failure.says
                if failure.reason in UNSURE:
                    result.unsure.add(row.key)
        return free, emptied

    def _look(self, intent: Intent, meaning: Meant, target: Target, error: GenukaError) -> bool:
        """After an error nobody knows whether the transaction was committed, until somebody looks.

        False where nobody can: the intention stays open, and the next run finishes it first.
        """
        for seconds in _PATIENCE if isinstance(error, DatabaseUnreachable | GateLost) else (0.0,):
            time.sleep(seconds)
            try:
                settle_by_looking(self.house, self.hasher, intent, meaning, target.table.home, now=self.clock())
            except (DatabaseUnreachable, RowsLocked):
                continue
            return True
        return False
