"""The archive of one tenant from beginning to end: read, packed, loaded again and compared, sealed, delivered.

Nobody is told of an archive that did not come back from an empty database the same; and the plaintext is gone from
this machine as soon as the sealed one is where it belongs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from genuka_pipelines.control import Delivery, ExportMade
from genuka_pipelines.exports.asked import KIND
from genuka_pipelines.exports.bag import FORMAT, Packed, pack
from genuka_pipelines.exports.choosing import Choice, choose
from genuka_pipelines.exports.closure import foreign_rows, leads_inside
from genuka_pipelines.exports.contents import payload
from genuka_pipelines.exports.describing.datapackage import FORMAT as NEWEST
from genuka_pipelines.exports.errors import BadRecipient, BadRequest, NoScratch, NotOneTenant, NotTheSame, RequestTaken
from genuka_pipelines.exports.loading import Reloaded, reloaded
from genuka_pipelines.exports.opening import Bag
from genuka_pipelines.exports.reading import read
from genuka_pipelines.exports.steps import Progress, silent
from genuka_pipelines.exports.work import Work, put, room, write
from genuka_pipelines.rows.declared import Home
from genuka_pipelines.stores.errors import AlreadyThere
from genuka_pipelines.systems.europe import outside_europe
from genuka_pipelines.systems.scratch import scratch

if TYPE_CHECKING:
    import sqlalchemy as sa

    from genuka_pipelines.exports.house import Exporting, WithScratch
    from genuka_pipelines.exports.sealing.envelope import Recipient
    from genuka_pipelines.keys import Keyring

PREFIX = "tenants/"
_SEALED = "archive.tar.age"
_REQUEST = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Archive:
    """A delivered archive. `sha256` and `size` are those of the sealed object, `plain` that of the tar inside.

    `excluded` counts what is left out and listed; `copy` is where it was put besides.
    """

    delivery: str
    key: str
    sha256: str
    size: int
    plain: str
    tables: int
    rows: int
    media: int
    excluded: int
    captured: datetime
    expires: datetime
    copy: Path | None = None
    reimported: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """Where an archive is loaded again: any database of a server of the same kind, and its name in the catalogue."""

    server: sa.URL
    system: str | None = None


def trial_of(house: WithScratch) -> Trial:
    """Where the first backup plan tries its restores. NoScratch where none says."""
    plan = next(iter(house.catalog.backups.values()), None)
    if plan is None:
        raise NoScratch("no backup plan names a `scratch` database, where archives are loaded again: declare one")
    return Trial(house.url(plan.scratch), plan.scratch)


def delivery_of(keyring: Keyring, tenant: str, request: str, to: Recipient) -> str:
    """The id of what a request has for a recipient, 64 hex digits that name nobody."""
    return keyring.erasure.hex(f"tenant archive\x1f{tenant}\x1f{request}\x1f{to.fingerprint}".encode())


def create(
    house: Exporting,
    tenant: str,
    *,
    request: str,
    to: Recipient,
    work: Path,
    trial: Trial,
    clock: Callable[[], datetime],
    directory: Path | None = None,
    progress: Progress = silent,
) -> Archive:
    """Make, prove and deliver the archive of a tenant, and a copy of the sealed file into `directory`.

    `request` is an opaque name of who asked; `work` the house's private folder of exports. A request that was killed
    is run again; one that is delivered is found again. Raises UnknownTenant, NotDescribed, NotOneTenant, MediaMissing,
    NotTheSame, NoRoom, RequestTaken, BadRecipient, and what databases and stores say.
    """
    now = clock()
    delivery = delivery_of(house.keyring, tenant, request, to)
    if not _REQUEST.fullmatch(request):
        raise BadRequest(
            "the name of a request is up to 64 letters, digits and _ . : - and begins with one of the first"
        )
    if directory is not None and not directory.is_dir():
        raise BadRecipient(f"the folder {directory} is not there; make it, or give another")
    _refuse_outside_europe(house, trial)
    with room(), _alone(work, delivery) as folder:
        if (known := house.control.deliveries.get(delivery)) is not None:
            folder.remove()
            return _again(house, known, directory, now)
        made = _finished(folder) or _made(house, tenant, delivery, folder, to, trial, now, progress)
        progress("deliver", 0, 0)
        with _copied(folder.root / _SEALED, made.size, directory, delivery) as copy:
            archive = replace(_delivered(house, made, folder, request, delivery, clock()), copy=copy)
        folder.remove()
    return archive


@dataclass(frozen=True, slots=True)
class _Made:
    """What is known of a sealed archive that waits to be delivered."""

    sha256: str
    size: int
    plain: str
    tables: int
    rows: int
    media: int
    excluded: int
    captured: str


def _made(
    house: Exporting, tenant: str, delivery: str, folder: Work, to: Recipient, trial: Trial, now: datetime,
    progress: Progress,
) -> _Made:  # fmt: skip
    name, day = f"genuka-{delivery[:32]}", folder.began(now.astimezone(UTC).date())
    choice = choose(house, tenant, now)
    found, captured = read(house, choice, folder, progress)
    progress("pack", 0, 0)
    info = {
        "Bag-Software-Agent": "genuka-pipelines",
        "Bagging-Date": day.isoformat(),
        "External-Identifier": delivery[:32],
        FORMAT: str(NEWEST),
    }
    packed = pack(folder.root / "archive.tar", name, payload(house.catalog, found, name, day), info, day)
    progress("reimport", 0, 0)
    with Bag(packed.path) as bag, scratch(trial.server, "export", delivery[:16], now) as url:
        objects = bag.verify()
        with reloaded(bag, url) as again:
            _prove(choice, again)
            if (again.rows, objects) != (found.rows, found.media.objects):
                raise NotTheSame("the archive does not hold as many rows or files as were read; run the same again")
    progress("seal", 0, 0)
    return _sealed(folder, packed, to, _Made(
        sha256="", size=0, plain=packed.sha256, tables=len(found.tables), rows=found.rows, media=found.media.objects,
        excluded=len(choice.exclusions), captured=captured.isoformat(),
    ))  # fmt: skip


def _prove(choice: Choice, again: Reloaded) -> None:
    """In the copy, where nothing else is, every row leads to the tenant, and no foreign key had to be left out."""
    guarded = [name for name in again.left_out if name.partition(".")[0] in choice.tables]
    if guarded:
        raise NotOneTenant(f"rows of the archive name rows that are not in it, by {guarded[0]}; correct the source")
    for name, table in choice.tables.items():
        source = table.first
        if any(one.own for one in table.sources) or not leads_inside(choice, source, name):
            continue
        home = Home(again.database, source.home.declared, source.home.tenants)
        if again.database.scalar(foreign_rows(choice, type(source)(source.system, home, choice.tenant), name)):
            raise NotOneTenant(f"rows of '{name}' in the archive do not lead to the tenant; correct the source")


def _sealed(folder: Work, packed: Packed, to: Recipient, made: _Made) -> _Made:
    """The sealed file, kept as it is until it is delivered: sealed again it would have other bytes."""
    path = folder.root / _SEALED
    with packed.path.open("rb") as plain:
        sealed = put(path, lambda out: to.seal(plain, out), "sha256")
    done = replace(made, sha256=sealed.state.hexdigest(), size=sealed.size)
    write(folder.root / "sealed.json", lambda out: out.write(json.dumps(asdict(done)).encode()))
    return done


def _finished(folder: Work) -> _Made | None:
    """What a killed run had sealed and not delivered."""
    try:
        done = _Made(**json.loads((folder.root / "sealed.json").read_text(encoding="utf-8")))
        with (folder.root / _SEALED).open("rb") as file:
            return done if hashlib.file_digest(file, "sha256").hexdigest() == done.sha256 else None
    except (OSError, ValueError, TypeError):
        return None


def _delivered(house: Exporting, made: _Made, folder: Work, request: str, delivery: str, now: datetime) -> Archive:
    system, expires = kept_in(house, now)
    key = f"{PREFIX}{delivery[:32]}.tar.age"
    with (folder.root / _SEALED).open("rb") as file, suppress(AlreadyThere):
        house.store(system).put(key, file, if_absent=True, sha256=made.sha256)
    captured = datetime.fromisoformat(made.captured)
    told = ExportMade(
        delivery=delivery, tables=made.tables, rows=made.rows, media=made.media, excluded=made.excluded,
        captured=captured, plain=made.plain,
    )  # fmt: skip
    handed = Delivery(delivery, KIND, request, key, made.sha256, made.size, now, expires)
    house.control.deliveries.create(handed, also=[told], now=now)
    return _archive(handed, told)


def _archive(handed: Delivery, told: ExportMade) -> Archive:
    return Archive(
        handed.id, handed.key, handed.sha256, handed.size, told.plain, told.tables, told.rows, told.media,
        told.excluded, told.captured, handed.expires_at,
    )  # fmt: skip


def _again(house: Exporting, known: Delivery, directory: Path | None, now: datetime) -> Archive:
    """A request that is delivered; RequestTaken where it was withdrawn or its time is over."""
    told = house.control.ledger.latest(ExportMade, known.id)
    if not known.is_open(now) or not told:
        raise RequestTaken("this request was delivered and can be fetched no more; give another name")
    archive = _archive(known, told[0].body)
    if directory is None:
        return archive
    aside = directory / f".{known.id[:32]}.got"
    try:
        write(aside, lambda out: house.store(kept_in(house, now)[0]).read_into(known.key, out))
        with _copied(aside, archive.size, directory, known.id) as copy:
            return replace(archive, copy=copy)
    finally:
        aside.unlink(missing_ok=True)


@contextmanager
def _copied(sealed: Path, size: int, directory: Path | None, delivery: str) -> Iterator[Path | None]:
    """A copy of the sealed file that gets its name if the block ends well, and is gone if it does not."""
    if directory is None:
        yield None
        return
    target = directory / f"{delivery[:32]}.tar.age"
    aside = directory / f".{target.name}.part"
    try:
        shutil.copyfile(sealed, aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        if aside.stat().st_size != size:
            raise NotTheSame("the copy of the archive is not whole; run the same again")
        yield target
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def kept_in(house: Exporting, now: datetime) -> tuple[str, datetime]:
    """The store of tenants' archives, and until when they are kept there, by the facts."""
    for category in house.catalog.categories.values():
        for objects, keep in category.ends_by_age:
            if objects.prefix == PREFIX:
                return objects.system, keep.end(now)
    raise BadRecipient(f"no category says how long objects below '{PREFIX}' are kept: declare where archives go")


def _refuse_outside_europe(house: Exporting, trial: Trial) -> None:
    found = outside_europe(house.catalog, trial.server, trial.system)
    if found is not None:
        raise BadRecipient(
            f"loading the archive again on the server of {found[0]} would bring it to {found[1]}: give one in Europe"
        )


@contextmanager
def _alone(work: Path, delivery: str) -> Iterator[Work]:
    """The request's folder, for one process at a time; a killed one leaves it free at once."""
    while True:
        folder = Work(work / delivery[:32])
        handle = os.open(folder.root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had it may be done with it, and have taken it away between our two steps.
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), folder.root.stat()):
                    yield folder
                    return
        except BlockingIOError:
            raise RequestTaken("this request is being worked on by another process; wait for it to end") from None
        finally:
            os.close(handle)
