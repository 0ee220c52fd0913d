"""Makes a person's package, seals it for whoever asked, and writes the delivery down before anyone is told of it.

Its rows go from the databases into the envelope without ever lying in clear on a disk, so a killed run leaves nothing
behind: neither a file to find nor one to clear away.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from genuka_pipelines.control import Delivery
from genuka_pipelines.exports.work import room
from genuka_pipelines.requests.package import document
from genuka_pipelines.requests.package.choosing import Choice
from genuka_pipelines.requests.package.described import Package, described
from genuka_pipelines.requests.package.errors import NoPlaceForPackages
from genuka_pipelines.requests.package.objects import File, content, files
from genuka_pipelines.requests.package.packing import Member, Reader, packed
from genuka_pipelines.requests.package.page import page
from genuka_pipelines.requests.package.records import Records, Tally, reading

if TYPE_CHECKING:
    from genuka_pipelines.catalog.value import Language
    from genuka_pipelines.control import Request
    from genuka_pipelines.exports.sealing.envelope import Recipient
    from genuka_pipelines.requests.addresses import Sought
    from genuka_pipelines.requests.house import Answering

PREFIX = "requests/"
_MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Rows of a table that the page shows; bytes of one enclosed file, and of all."""

    shown: int = 300
    file: int = 64 * _MIB
    files: int = 512 * _MIB


@dataclass(frozen=True)
class Made:
    """A delivered package, in numbers and opaque names."""

    delivery: str
    key: str
    sha256: str
    size: int
    expires_at: datetime
    rows: int
    tables: int
    routed: dict[str, int]
    mentions: int

    @property
    def done(self) -> dict[str, Any]:
        """For the register, and for what the person is told."""
        return {
            "rows": self.rows, "tables": self.tables, "bytes": self.size, "routed": self.routed,
            "mentions": self.mentions, "until": self.expires_at.date().isoformat(),
        }  # fmt: skip


def make(
    house: Answering,
    request: Request,
    whom: Sought,
    choice: Choice,
    *,
    to: Recipient,
    as_of: datetime,
    now: datetime,
    language: Language = "fr",
    limits: Limits | None = None,
) -> Made:
    """The package of a request, sealed and in its store; `language` is the one that its page opens in.

    Run again after a kill it gives the delivery that is open, or makes it. Raises NoPlaceForPackages, PackageTooLarge,
    FileVanished, NoRoom, and what databases and stores say.
    """
    before = house.control.deliveries.of(request.id)
    known = next((one for one in before if one.is_open(now)), None)
    if known is None:
        package = described(house, choice, request.id, whom, as_of=as_of, now=now, language=language)
        known = _delivered(house, package, to, f"{request.id}\x1f{len(before)}", now, limits or Limits())
    return _made(known, choice)


def opens(house: Answering, package: Package, limits: Limits) -> Generator[bytes]:
    """The ZIP in clear, as a stream."""
    with reading(package.choice.chosen) as records:
        yield from packed(_members(house, package, records, limits))


def place(house: Answering, now: datetime) -> tuple[str, datetime]:
    """The store of packages, and until when one made now is kept there, by the facts. NoPlaceForPackages."""
    for category in house.catalog.categories.values():
        for objects, keep in category.ends_by_age:
            if objects.prefix == PREFIX:
                return objects.system, keep.end(now)
    raise NoPlaceForPackages(f"no category says how long objects below '{PREFIX}' are kept: declare where packages go")


def _members(house: Answering, package: Package, records: Records, limits: Limits) -> Iterator[Member]:
    tally, found = Tally(), list[File]()

    def data() -> Iterator[bytes]:
        yield from document.categories(package, records, tally)
        found.extend(files(house, tally.pointed, each=limits.file, together=limits.files))
        yield document.ending(package, found, tally.more)

    yield "data.json", data()
    yield "data.schema.json", iter([document.schema()])
    for one in found:
        if one.path is not None:
            yield one.path, content(house, one)
    yield "index.html", page(package, records, tally, found, limits.shown)


def _delivered(house: Answering, package: Package, to: Recipient, name: str, now: datetime, limits: Limits) -> Delivery:
    system, expires = place(house, now)
    delivery = house.keyring.erasure.hex(f"package of a person\x1f{name}".encode())
    key = f"{PREFIX}{delivery[:32]}.zip.age"
    with room(), tempfile.TemporaryFile(prefix="genuka-") as sealed:
        with closing(opens(house, package, limits)) as chunks:
            reader = Reader(chunks)
            try:
                to.seal(cast("BinaryIO", reader), cast("BinaryIO", sealed))
            except Exception:
                if reader.failed is not None:
                    raise reader.failed from None
                raise
        size = sealed.tell()
        sealed.seek(0)
        sha256 = hashlib.file_digest(sealed, "sha256").hexdigest()
        sealed.seek(0)
        # Nobody was told of what a killed run may have put there, and it cannot be sealed to the same bytes again.
        house.store(system).put(key, cast("BinaryIO", sealed), if_absent=False, sha256=sha256)
    made = Delivery(
        id=delivery, kind=package.kind, request=package.request, key=key, sha256=sha256, size=size, made_at=now,
        expires_at=expires,
    )  # fmt: skip
    house.control.deliveries.create(made, now=now)
    return made


def _made(known: Delivery, choice: Choice) -> Made:
    return Made(
        delivery=known.id, key=known.key, sha256=known.sha256, size=known.size, expires_at=known.expires_at,
        rows=choice.rows, tables=len(choice.chosen), routed=dict(choice.tenants),
        mentions=sum(sum(found.values()) for found in choice.mentions.values()),
    )  # fmt: skip
