"""Which texts of a restored backup must lose an address again before anyone uses it.

An erasure takes a person's addresses out of what others wrote; a backup made before has them still. The list names
nobody: an address stands in it as a keyed hash, by which it is known again where it stands in a text, and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, Literal, Protocol

from pydantic import AwareDatetime, Field
from sqlalchemy import and_, func, or_, select
from sqlalchemy.dialects import mysql, postgresql

from genuka_pipelines.control.canonical import canonical_json, in_utc
from genuka_pipelines.control.database import Database
from genuka_pipelines.control.opaque import Hash, Id, Name, Opaque
from genuka_pipelines.control.tables import cuts

PAGE = 1_000
LONGEST = 512
"""Characters of an address at most: an e-mail address has 320 (RFC 3696), a number 16 (E.164)."""
_AS_ONE = str.maketrans({"\u0130": "i", "\u0131": "i", "\u017f": "s", "\u212a": "k"})
"""Letters that a comparison without case takes for others of one character."""
_MARKS = {"@": re.compile("@"), "+": re.compile(r"\+"), "0": re.compile("[0-9]"), " ": re.compile(" "),
          "*": re.compile(".", re.DOTALL)}  # fmt: skip
"""The rarest first: only where one stands is a text looked at closely."""
_Place = Annotated[int, Field(ge=0, le=LONGEST, strict=True)]


class Keyed(Protocol):
    """The keyed hash of the erasure key, which never rotates."""

    def hex(self, message: bytes) -> str:
        """64 hex digits."""


class Address(Opaque):
    """An address, or a name, as it is known again in a text: its keyed hash, how many characters it has, and at which
    of them its `mark` stands, by which it is looked for. The mark `0` is any digit, `*` is any character."""

    noun = "an address"
    digest: Hash
    mark: Literal["@", "+", "0", " ", "*"]
    length: _Place
    mark_at: _Place


class Cut(Opaque):
    """An address that was taken out of a column of a row: `row` is named as an erasure's is, and so is the place."""

    noun = "a cut"
    row: Hash
    table: Name
    column: Name
    system: Name
    database: Id | Literal[""] = ""
    address: Address
    at: AwareDatetime

    @property
    def id(self) -> str:
        """The same for the same row, column and address."""
        place = [self.row, self.table, self.column, self.system, self.database, self.address.digest]
        return hashlib.sha256(canonical_json(place).encode()).hexdigest()


def hashed(address: str, key: Keyed) -> Address:
    """An e-mail address, a number however it is written, or a name. NotOpaque for nothing, or what is too long."""
    found: Iterator[tuple[Any, int]] = ((mark, at) for mark in _MARKS for at in islice(_marks(address, mark), 1))
    mark, at = next(found, ("*", -1))
    return Address(digest=_digest(address, key), mark=mark, length=len(address), mark_at=at)


def among(text: str, addresses: Collection[Address], key: Keyed) -> frozenset[str]:
    """Which of the addresses a text contains, in whichever case, as they stand there."""
    shapes: dict[tuple[str, int, int], set[str]] = {}
    for one in addresses:
        shapes.setdefault((one.mark, one.mark_at, one.length), set()).add(one.digest)
    return frozenset(
        window
        for (mark, mark_at, length), digests in shapes.items()
        for window in _windows(text, mark, mark_at, length)
        if _digest(window, key) in digests
    )


def _windows(text: str, mark: str, mark_at: int, length: int) -> Iterator[str]:
    for at in _marks(text, mark):
        start = at - mark_at
        if start >= 0 and start + length <= len(text):
            yield text[start : start + length]


def _marks(text: str, mark: str) -> Iterator[int]:
    """Where a mark stands in a text."""
    return (found.start() for found in _MARKS[mark].finditer(text))


def _digest(address: str, key: Keyed) -> str:
    one_by_one = (letter if len(low := letter.casefold()) != 1 else low for letter in address.translate(_AS_ONE))
    return key.hex(f"mention\x1f{''.join(one_by_one)}".encode())


class Cuts:
    """The cuts of one control database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, entries: Iterable[Cut]) -> None:
        """List cuts, durably, a page at a time; one that was listed before counts from the later time."""
        stream = iter(entries)
        while page := list(islice(stream, PAGE)):
            # In the order of their ids, so that two who record at once cannot wait for each other.
            newest = {cut.id: cut for cut in sorted(page, key=lambda cut: cut.at)}
            with self._database.begin() as connection:
                connection.execute(self._upsert(), [_written(newest[name]) for name in sorted(newest)])

    def since(self, moment: datetime) -> Iterator[Cut]:
        """What was cut at `moment` or later, oldest first, a page at a time."""
        after = cuts.c.at >= in_utc(moment)
        while True:
            with self._database.begin() as connection:
                page = connection.execute(select(cuts).where(after).order_by(cuts.c.at, cuts.c.id).limit(PAGE)).all()
            for row in page:
                yield _read(row._mapping)
            if len(page) < PAGE:
                return
            last = page[-1]
            after = or_(cuts.c.at > last.at, and_(cuts.c.at == last.at, cuts.c.id > last.id))

    def count(self) -> int:
        """How many are listed."""
        with self._database.begin() as connection:
            return int(connection.execute(select(func.count()).select_from(cuts)).scalar_one())

    def _upsert(self) -> Any:
        if self._database.mysql:
            wanted = mysql.insert(cuts)
            return wanted.on_duplicate_key_update(at=func.greatest(cuts.c.at, wanted.inserted.at))
        wanted_there = postgresql.insert(cuts)
        return wanted_there.on_conflict_do_update(
            index_elements=[cuts.c.id], set_={"at": func.greatest(cuts.c.at, wanted_there.excluded.at)}
        )


def _written(cut: Cut) -> dict[str, Any]:
    said = cut.model_dump()
    address = said.pop("address")
    return {"id": cut.id, **said, "address": address.pop("digest"), **address}


def _read(row: Any) -> Cut:
    address = Address(digest=row["address"], **{name: row[name] for name in ("mark", "length", "mark_at")})
    place = {name: row[name] for name in Cut.model_fields if name != "address"}
    return Cut(address=address, **place)
