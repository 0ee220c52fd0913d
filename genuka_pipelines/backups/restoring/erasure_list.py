"""The list of erasures where the backups are: what a restored database must lose again, chained and signed.

Kept in the control database alone, it would be lost with it, and a restore would then bring back everyone
who ever asked to be forgotten. Whoever shortens, alters or withholds this list stops restores, never hides one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Literal, TypeVar

from pydantic import AwareDatetime, Field, ValidationError

from genuka_pipelines.backups.calendar import LONGEST, Epoch
from genuka_pipelines.backups.errors import BackupDamaged, NotErasedYet, UnknownFormat
from genuka_pipelines.backups.format import layout
from genuka_pipelines.backups.format.envelope import Hex, Part, enveloped, opened
from genuka_pipelines.backups.format.night import read_night_header
from genuka_pipelines.backups.house import Backupable
from genuka_pipelines.backups.locked import put_locked
from genuka_pipelines.backups.regions.opened import stores_of
from genuka_pipelines.backups.restoring.fetching import copies
from genuka_pipelines.catalog.errors import GenukaError
from genuka_pipelines.control import Erasure, ErasuresPublished, NotOpaque
from genuka_pipelines.control.canonical import GENESIS, canonical_json, instant
from genuka_pipelines.control.cuts import Cut
from genuka_pipelines.keys import files
from genuka_pipelines.stores.errors import NoSuchStore, StoreUnreachable

if TYPE_CHECKING:
    from genuka_pipelines.control import Control
    from genuka_pipelines.keys import Keyring
    from genuka_pipelines.stores.store import Store

Listed = Erasure | Cut
L = TypeVar("L", Erasure, Cut)
PAGE = 20_000
"""Entries of one segment: about two megabytes."""
_LEASE = timedelta(minutes=2)
_NIGHTS_BACK = 15
"""Epochs looked through for the newest night: more than a backup lives."""


class SegmentHeader(Part):
    """What may be known of a segment without a key.

    `since` is the creation of the segment before: whatever was listed after it is in this one or a later one.
    """

    format: int
    kind: Literal["erasures"]
    number: int = Field(ge=0)
    previous: str = Hex
    since: AwareDatetime | None
    created: AwareDatetime
    entries: int = Field(ge=0)
    body_sha256: str = Hex
    signer: str


@dataclass(frozen=True, slots=True)
class Segment:
    """One verified segment: its header, and the SHA-256 of its bytes, which the next one names."""

    header: SegmentHeader
    sha256: str


@dataclass(frozen=True)
class ErasureList:
    """The chain as it was read and verified, oldest first, and every row it lists, each with its latest moment.

    `listed` went; out of the texts of `cuts` an address was taken. `down` are the regions that did not answer.
    """

    segments: tuple[Segment, ...] = ()
    listed: Mapping[str, Erasure] = field(default_factory=dict, repr=False)
    cuts: Mapping[str, Cut] = field(default_factory=dict, repr=False)
    down: tuple[str, ...] = ()

    @property
    def head(self) -> SegmentHeader | None:
        """The newest segment; None for an empty list."""
        return self.segments[-1].header if self.segments else None

    def reaches(self, moment: datetime) -> bool:
        """Whether all that was listed after a moment is in it."""
        first = self.segments[0].header if self.segments else None
        return first is not None and (first.number == 0 or (first.since is not None and first.since <= moment))

    def lacks(self, control: Control, since: datetime) -> list[Listed]:
        """What the control database lists and this does not."""
        gone = (one for one in control.erasures.since(since) if _newer(one, self.listed))
        return [*gone, *(one for one in control.cuts.since(since) if _newer(one, self.cuts))]

    def and_(self, segment: Segment, entries: Iterable[Listed]) -> ErasureList:
        """The list with one more segment."""
        listed, cuts = dict(self.listed), dict(self.cuts)
        _keep_newest(entries, listed, cuts)
        return replace(self, segments=(*self.segments, segment), listed=listed, cuts=cuts)


def publish_erasures(house: Backupable, now: datetime) -> ErasureList:
    """Write what is newly listed into every region, also nothing: the head then says that the list is fresh.

    Each segment is read back before the next. A region that lacks some is given them first; one that does not
    answer is given them the next time. Returns the list as it is now. Raises NotErasedYet for a chain that is
    broken, or whose newest segments lie in a region that does not answer; Busy where another process publishes.
    """
    owner = f"erasures:{os.getpid()}:{secrets.token_hex(4)}"
    with house.control.leases.hold("backup_erasures", "all", owner, _LEASE):
        known = read_list(stores_of(house), house.keyring)
        _refuse_shorter(known, house.control)
        stores = {name: store for name, store in stores_of(house).items() if name not in known.down}
        _even_out(stores, known, now)
        publishing = _Publishing(house, stores, now)
        known = publishing.finish(known)
        fresh = known.lacks(house.control, now - LONGEST)
        for start in range(0, max(1, len(fresh)), PAGE):
            known = publishing.add(known, fresh[start : start + PAGE])
    return known


def erasures_known(house: Backupable, *, since: datetime, now: datetime) -> ErasureList:
    """The list of erasures, complete since a moment and as fresh as can be. NotErasedYet where it is not.

    What the control database alone lists is published first; what only the stores list, as after the loss of
    the control database, is listed there again.
    """
    known = read_list(stores_of(house), house.keyring)
    _refuse_shorter(known, house.control)
    _take_back(known, house.control, since)
    behind = known.lacks(house.control, since) or _stale(known, house, now)
    if behind:
        known = publish_erasures(house, now)
        behind = known.lacks(house.control, since) or _stale(known, house, now)
    if not known.reaches(since):
        raise NotErasedYet(
            "the list of erasures in the stores is missing or begins after this backup: "
            "nobody can tell who has to be erased again, so nothing may be restored"
        )
    if behind:
        raise NotErasedYet(
            "the list of erasures in the stores ends before the newest night, or lacks what the control database "
            "lists: publish it first"
        )
    return known


def read_list(stores: Mapping[str, Store], keyring: Keyring) -> ErasureList:
    """The longest list that any region holds, every link and signature verified.

    Raises NotErasedYet for a gap, a bad signature, or two regions that say different things; StoreUnreachable
    where no region answers.
    """
    answers, down = _numbers(stores)
    segments: list[Segment] = []
    listed: dict[str, Erasure] = {}
    cuts: dict[str, Cut] = {}
    for number in sorted(set().union(*answers.values())):
        if segments and number != segments[-1].header.number + 1:
            raise NotErasedYet(
                f"the list of erasures has a gap before segment {number}: put the missing ones back from a copy"
            )
        segment, entries = _read([stores[name] for name, there in answers.items() if number in there], keyring, number)
        if segments and segment.header.previous != segments[-1].sha256:
            raise NotErasedYet(f"segment {number} of the list of erasures does not follow the one before it")
        segments.append(segment)
        _keep_newest(entries, listed, cuts)
    return ErasureList(tuple(segments), listed, cuts, down)


def newest_night(stores: Iterable[Store], keyring: Keyring, now: datetime) -> datetime | None:
    """When the newest night that any region holds began; None for none."""
    epoch, stores = Epoch.at(now + timedelta(days=1)), tuple(stores)
    for _ in range(_NIGHTS_BACK):
        prefix = f"{layout.of_epoch(epoch)}n/"
        # One that is hidden behind a delete marker is there.
        keys = {one.key for store in stores for one in store.list(prefix, versions=True) if not one.marker}
        for key in sorted(keys, reverse=True):
            created = _night(stores, keyring, key)
            if created is not None:
                return created
        epoch = Epoch.at(epoch.begins - timedelta(days=1))
    return None


def _stale(known: ErasureList, house: Backupable, now: datetime) -> bool:
    stores = [store for name, store in stores_of(house).items() if name not in known.down]
    night = newest_night(stores, house.keyring, now)
    return known.head is None or (night is not None and known.head.created < night)


def _refuse_shorter(known: ErasureList, control: Control) -> None:
    """What was published is not there any more, or lies in a region that is down: to go on would fork the chain."""
    said = control.ledger.latest(ErasuresPublished)
    if said and (known.head is None or known.head.number < said[0].body.number):
        where = f"; {', '.join(known.down)} does not answer" if known.down else ""
        raise NotErasedYet(
            f"the list of erasures ends before segment {said[0].body.number}, which was published{where}: "
            "put the newest segments back, or wait for the region that has them"
        )


def _take_back(known: ErasureList, control: Control, since: datetime) -> None:
    """List again in the control database what only the stores know, after it was lost."""
    there = {one.id: one for one in control.erasures.since(since)}
    control.erasures.record(one for one in known.listed.values() if one.at >= since and _newer(one, there))
    cut = {one.id: one for one in control.cuts.since(since)}
    control.cuts.record(one for one in known.cuts.values() if one.at >= since and _newer(one, cut))


def _night(stores: Sequence[Store], keyring: Keyring, key: str) -> datetime | None:
    for copy in chain.from_iterable(copies(store, key) for store in stores):
        try:
            header = read_night_header(copy(), key, keyring.verify)
        except UnknownFormat:
            raise
        except GenukaError:
            continue
        if layout.night(header.backup) == key:
            return header.created
    return None


def _numbers(stores: Mapping[str, Store]) -> tuple[dict[str, set[int]], tuple[str, ...]]:
    """The segments that each region lists, and the regions that do not answer."""
    answers: dict[str, set[int]] = {}
    why: GenukaError | None = None
    for name, store in stores.items():
        try:
            # One that is hidden behind a delete marker is there.
            listed = [one.key for one in store.list(layout.ERASURES, versions=True) if not one.marker]
        except (StoreUnreachable, NoSuchStore) as error:
            why = error
            continue
        names = [key.removeprefix(layout.ERASURES) for key in listed]
        answers[name] = {int(one) for one in names if one.isdecimal()}
    if not answers:
        raise why or NotErasedYet("no region is declared, so nobody can tell who has to be erased again")
    return answers, tuple(name for name in stores if name not in answers)


def _read(stores: Sequence[Store], keyring: Keyring, number: int) -> tuple[Segment, list[Listed]]:
    """A segment from the first region that has it whole; two that differ are a fork."""
    key = layout.erasure_segment(number)
    found: dict[str, tuple[Segment, list[Listed]]] = {}
    why: GenukaError | None = None
    for copy in chain.from_iterable(copies(store, key) for store in stores):
        try:
            data = copy()
            found.setdefault(hashlib.sha256(data).hexdigest(), _parsed(data, key, keyring))
        except UnknownFormat:
            raise
        except GenukaError as error:
            why = why or error
    if not found:
        raise NotErasedYet(f"segment {number} of the list of erasures cannot be read in any region ({why})")
    if len(found) > 1:
        raise NotErasedYet(f"the regions hold different segments {number} of the list of erasures: find out why first")
    segment, entries = next(iter(found.values()))
    if segment.header.number != number:
        raise NotErasedYet(f"segment {number} of the list of erasures holds another one's bytes")
    return segment, entries


def _parsed(data: bytes, key: str, keyring: Keyring) -> tuple[Segment, list[Listed]]:
    found = opened(data, key, keyring.verify)
    header = SegmentHeader.checked(canonical_json(found.header), key)
    lines = keyring.root.unwrap(found.body, key).decode().splitlines()
    try:
        entries = [_entry(line) for line in lines]
    except (NotOpaque, ValidationError):
        entries = []
    if len(entries) != header.entries:
        raise BackupDamaged(f"{key} does not hold the {header.entries} erasures that it names: take the other region's")
    return Segment(header, hashlib.sha256(data).hexdigest()), entries


def _entry(line: str) -> Listed:
    """One line of a segment: a cut says of which column."""
    return Cut.model_validate_json(line) if '"column":' in line else Erasure.model_validate_json(line)


class _Publishing:
    """Puts segments into regions, each first on the disk here.

    A run may die with a segment in one region, and that region be down when the next one runs: another segment of
    the same number elsewhere would fork the chain, so the next run puts the same bytes.
    """

    def __init__(self, house: Backupable, stores: Mapping[str, Store], now: datetime) -> None:
        self._house, self._stores, self._now = house, stores, now
        self._begun = house.backups / "erasures.begun"

    def finish(self, known: ErasureList) -> ErasureList:
        """The list with the segment that a killed run had begun, if it is not in it yet."""
        try:
            segment, entries = _parsed(data := self._begun.read_bytes(), self._begun.name, self._house.keyring)
        except (FileNotFoundError, BackupDamaged):
            return known
        follows = segment.header.previous == (known.segments[-1].sha256 if known.segments else GENESIS)
        return self._put(known, data, entries) if follows else known

    def add(self, known: ErasureList, page: Sequence[Listed]) -> ErasureList:
        """The list with a segment of these entries."""
        keyring, before = self._house.keyring, known.segments[-1] if known.segments else None
        header = {
            "kind": "erasures",
            "number": before.header.number + 1 if before else 0,
            "previous": before.sha256 if before else GENESIS,
            "since": instant(before.header.created) if before else None,
            "created": instant(self._now),
            "entries": len(page),
            "signer": keyring.signing.id,
        }
        lines = "".join(f"{canonical_json(one.model_dump(mode='json'))}\n" for one in page)
        data = enveloped(header, keyring.root.wrap(lines.encode()), keyring.sign)
        _parsed(data, self._begun.name, keyring)
        self._begun.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        files.write(self._begun, data)
        return self._put(known, data, page)

    def _put(self, known: ErasureList, data: bytes, page: Sequence[Listed]) -> ErasureList:
        segment, _ = _parsed(data, self._begun.name, self._house.keyring)
        key = layout.erasure_segment(segment.header.number)
        for store in self._stores.values():
            put_locked(store, key, data, _until(segment.header))
            _parsed(store.get(key), key, self._house.keyring)
        published = ErasuresPublished(
            number=segment.header.number, sha256=segment.sha256, rows=len(page), regions=tuple(self._stores)
        )
        self._house.control.ledger.append(published, as_of=self._now, now=self._now)
        self._begun.unlink(missing_ok=True)
        return known.and_(segment, page)


def _until(header: SegmentHeader) -> datetime:
    """A segment is locked for as long as any backup that needs it lives."""
    return header.created.replace(microsecond=0) + LONGEST


def _even_out(stores: Mapping[str, Store], known: ErasureList, now: datetime) -> None:
    """Give each region the segments that only another holds, but those that no backup needs any more."""
    answers, _ = _numbers(stores)
    for name, there in answers.items():
        store = stores[name]
        for segment in known.segments:
            if segment.header.number not in there and _until(segment.header) > now:
                key = layout.erasure_segment(segment.header.number)
                put_locked(store, key, _whole(stores.values(), key, segment.sha256), _until(segment.header))


def _whole(stores: Iterable[Store], key: str, sha256: str) -> bytes:
    """The bytes of a segment from the first region that gives them; else why none does, which is tried again."""
    why: GenukaError | None = None
    for copy in chain.from_iterable(copies(store, key) for store in stores):
        try:
            data = copy()
        except GenukaError as error:
            why = why or error
            continue
        if hashlib.sha256(data).hexdigest() == sha256:
            return data
    raise why or NotErasedYet(f"{key} of the list of erasures cannot be read again in any region")


def _newer(one: L, listed: Mapping[str, L]) -> bool:
    known = listed.get(one.id)
    return known is None or known.at < one.at


def _keep_newest(entries: Iterable[Listed], listed: dict[str, Erasure], cuts: dict[str, Cut]) -> None:
    for one in entries:
        if isinstance(one, Cut):
            if _newer(one, cuts):
                cuts[one.id] = one
        elif _newer(one, listed):
            listed[one.id] = one
